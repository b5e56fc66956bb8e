import assert from "node:assert/strict";
import { openFolder } from "../../../src/data/sources/folder.ts";
import { isPictureName } from "../../../src/data/sources/picture_file.ts";
import { openSource } from "../../../src/data/open/open_data.ts";
import { select } from "../../../src/data/sources/select.ts";
import { BadRecordError } from "../../../src/data/types.ts";
import { png, withFolder, writeFiles } from "../pictures.ts";

const keysOf = async (source: { length: number; key(index: number): Promise<string> }) =>
  await Promise.all(Array.from({ length: source.length }, (_, i) => source.key(i)));

Deno.test("a folder lists pictures of any depth in a fixed order, classes by the first folder", () =>
  withFolder(async (folder) => {
    const file = await png();
    await writeFiles(folder, {
      "zebra/1.PNG": file,
      "ant/deep/er/2.jpeg": file,
      "ant/1.webp": file,
      "Bee/x.gif": file,
      "top.png": file,
      "ant/notes.txt": file,
      "ant/.hidden.png": file,
      ".git/y.png": file,
      "ant/10.png": file,
    });
    const source = await openFolder(folder);
    assert.deepEqual(await keysOf(source), [
      "Bee/x.gif",
      "ant/1.webp",
      "ant/10.png",
      "ant/deep/er/2.jpeg",
      "top.png",
      "zebra/1.PNG",
    ]);
    assert.deepEqual(source.labels, ["Bee", "ant", "zebra"]);
    const records = await Promise.all([0, 3, 4, 5].map((i) => source.get(i)));
    assert.deepEqual(records.map((record) => record.label), [0, 1, undefined, 2]);
    assert.deepEqual(records[0].bytes, file);
    assert.equal(records[1].key, "ant/deep/er/2.jpeg");
    await assert.rejects(source.get(6), /record 6 is not one of 0 … 5/);
    await source.close();
    await source.close();
  }));

Deno.test("a flat folder has no labels", () =>
  withFolder(async (folder) => {
    await writeFiles(folder, { "b.png": await png(), "a.png": await png() });
    const source = await openSource(folder);
    assert.deepEqual([source.labels, await keysOf(source)], [[], ["a.png", "b.png"]]);
    assert.equal((await source.get(0)).label, undefined);
  }));

Deno.test("links are followed, circles end, a folder counts once under its own path", () =>
  withFolder(async (folder) => {
    await writeFiles(`${folder}/data`, { "real/1.png": await png(), "real/2.png": await png() });
    await writeFiles(`${folder}/elsewhere`, { "3.png": await png() });
    const root = `${folder}/data`;
    await Deno.symlink("..", `${root}/real/circle`);
    await Deno.symlink("real", `${root}/alias`);
    await Deno.symlink("../elsewhere", `${root}/other`);
    await Deno.symlink("../elsewhere/3.png", `${root}/file.png`);
    await Deno.symlink("nowhere.png", `${root}/dangling.png`);
    const source = await openFolder(root);
    assert.deepEqual(await keysOf(source), [
      "dangling.png",
      "file.png",
      "other/3.png",
      "real/1.png",
      "real/2.png",
    ]);
    await assert.rejects(source.get(0), (error) => {
      assert.ok(error instanceof BadRecordError);
      assert.equal(error.key, "dangling.png");
      assert.match(error.reason, /no such file/);
      return true;
    });
    assert.ok((await source.get(1)).bytes.length > 0);
  }));

Deno.test("no such path, an empty folder, a folder without pictures, a single picture: each says so", () =>
  withFolder(async (folder) => {
    await assert.rejects(openSource(`${folder}/nowhere`), /nowhere: no such file or folder/);
    await assert.rejects(openSource(folder), /an empty folder; it must hold pictures, at any depth/);
    await writeFiles(folder, { "a.txt": new Uint8Array(1), "sub/b.csv": new Uint8Array(1) });
    await assert.rejects(openSource(folder), /no pictures among 2 files/);
    await writeFiles(folder, { "a.png": await png() });
    await assert.rejects(openSource(`${folder}/a.png`), /a single picture; name the folder/);
    await assert.rejects(openSource(""), /no data named/);
    await assert.rejects(openSource("https://example.org/a.tar"), /https sources cannot be read/);
    assert.equal((await openSource(`file://${folder}`)).length, 1);
  }));

Deno.test("no permission: a folder fails, a file is a bad record", async () => {
  if (Deno.uid() === 0) return; // Nothing is denied to root; the next test covers Deno's own denial.
  await withFolder(async (folder) => {
    await writeFiles(folder, { "a/1.png": await png(), "b/2.png": await png() });
    await Deno.chmod(`${folder}/a/1.png`, 0);
    const source = await openFolder(folder);
    await assert.rejects(source.get(0), /a\/1.png: .*no permission to read/);
    await Deno.chmod(`${folder}/a`, 0);
    await assert.rejects(openFolder(folder), /a: no permission to read/);
    await Deno.chmod(`${folder}/a`, 0o755);
  });
});

Deno.test({
  name: "no permission from Deno: says which flag gives it",
  permissions: { read: false },
  async fn() {
    await assert.rejects(openSource("/some/where"), /may not read this; run with --allow-read=\/some\/where/);
  },
});

Deno.test("names of pictures", () => {
  for (const name of ["a.jpg", "b.c.JPEG", "x.tiff", "x.avif"]) assert.ok(isPictureName(name), name);
  for (const name of ["jpg", ".jpg", "a.txt", "a.bmp", "a.jpg.zip", "a"]) {
    assert.ok(!isPictureName(name), name);
  }
});

Deno.test("select takes a part of a source, in its order", () =>
  withFolder(async (folder) => {
    await writeFiles(folder, { "x/a.png": await png(), "y/b.png": await png(), "y/c.png": await png() });
    const whole = await openFolder(folder), part = select(whole, [2, 0]);
    assert.deepEqual(await keysOf(part), ["y/c.png", "x/a.png"]);
    assert.equal((await part.get(0)).label, 1);
    assert.deepEqual(part.labels, whole.labels);
    await assert.rejects(part.get(2), /record 2 is not one of the selected 0 … 1/);
    assert.throws(() => select(whole, [3]), /record 3 is not one of 0 … 2/);
  }));

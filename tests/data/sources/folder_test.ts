import assert from "node:assert/strict";
import { openFolder } from "../../../src/data/sources/folder.ts";
import { isPictureName } from "../../../src/data/sources/picture_file.ts";
import { closeData, dataLength } from "../../../src/data/open/data.ts";
import { openData, openSource } from "../../../src/data/open/open_data.ts";
import { describePassedOver } from "../../../src/data/sources/passed_over.ts";
import { decodePicture } from "../../../src/data/picture/decode.ts";
import { select } from "../../../src/data/sources/select.ts";
import { BadRecordError } from "../../../src/data/types.ts";
import { jpeg, png, withFolder, writeFiles } from "../pictures.ts";

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

/** To root nothing is forbidden; this takes that power from the command. */
const POWERLESS = Deno.uid() === 0 ? ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] : [];

Deno.test({
  name:
    "no permission: a folder in it is passed over and named, a file is a bad record, the folder itself fails",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      await writeFiles(folder, {
        "a/1.png": await png(),
        "b/2.png": await png(),
        "c/notes": new Uint8Array(9),
      });
      for (const path of ["a/1.png", "b", "c/notes"]) await Deno.chmod(`${folder}/${path}`, 0);
      // What is opened once more, without root's power.
      const program = `import { openSource } from ${
        JSON.stringify(new URL("../../../src/data/open/open_data.ts", import.meta.url))
      };
        const source = await openSource(Deno.args[0]);
        const said = await source.get(0).catch((error) => error.message);
        const inside = await openSource(Deno.args[0] + "/b").catch((error) => error.message);
        console.log(JSON.stringify([source.length, source.passedOver(), said, inside]));`;
      const [command, ...args] = [...POWERLESS, Deno.execPath(), "eval", "--no-check", program, folder];
      const { stdout, stderr } = await new Deno.Command(command, { args }).output();
      for (const path of ["b"]) await Deno.chmod(`${folder}/${path}`, 0o755);
      const text = new TextDecoder();
      assert.ok(stdout.length > 0, text.decode(stderr));
      const [length, passedOver, said, inside] = JSON.parse(text.decode(stdout));
      assert.equal(length, 1);
      assert.deepEqual(passedOver, [
        { what: "folder", why: "no permission to read", count: 1, example: "b" },
        { what: "file", why: "no permission to read", count: 1, example: "c/notes" },
      ]);
      assert.match(said, /a\/1\.png: .*no permission to read/);
      assert.match(inside, /b: no permission to read; check its owner and mode/);
    }),
});

Deno.test("what is no picture is counted by its ending, with the reason where one could expect a picture", () =>
  withFolder(async (folder) => {
    const file = await png(), photo = await jpeg();
    const heic = new Uint8Array(64);
    heic.set(new TextEncoder().encode("....ftypheic"));
    const tiff = new Uint8Array(64);
    tiff.set(new TextEncoder().encode("II*\0\x08"));
    await writeFiles(folder, {
      // Cameras' raw files are TIFFs with a thumbnail, or JPEGs that were given a wrong name.
      "a.NEF": tiff,
      "a.dng": tiff,
      "b.dng": photo,
      "a.jpg": photo,
      "b.JPE": photo,
      "c.jfif": photo,
      "d.pjpeg": photo,
      // The bytes decide where the ending tells nothing, or another format.
      "no_ending": file,
      "x.photo": photo,
      "wrong.jpg": file,
      "phone.heic": photo,
      "real.heic": heic,
      "real.HEIC": heic,
      "drawing.svg": new TextEncoder().encode("<svg/>"),
      "notes.txt": new Uint8Array(3),
      "more/notes.TXT": new Uint8Array(3),
      "more/README": new Uint8Array(3),
      "more/empty": new Uint8Array(0),
      ".hidden.png": file,
      ".DS_Store": new Uint8Array(3),
      "more/shard.tar": new Uint8Array(3),
      "more/all.zip": new Uint8Array(3),
    });
    const source = await openFolder(folder);
    assert.deepEqual(await keysOf(source), [
      "a.jpg",
      "b.JPE",
      "b.dng",
      "c.jfif",
      "d.pjpeg",
      "no_ending",
      "phone.heic",
      "wrong.jpg",
      "x.photo",
    ]);
    const counted = source.passedOver!().map(({ what, why, count }) => `${count} ${what} ${why}`).sort();
    assert.deepEqual(counted, [
      "1 .dng cannot be decoded",
      "1 .nef cannot be decoded",
      "1 .png has a name that begins with a dot",
      "1 .svg cannot be decoded",
      "1 .tar a source of its own, name it to read it",
      "1 .zip an archive, unpack it",
      "2 .heic cannot be decoded",
      "2 .txt ",
      "2 file ",
    ]);
    for (let i = 0; i < source.length; i++) await decodePicture((await source.get(i)).bytes);
    assert.match(
      describePassedOver(source.passedOver!())!,
      /^12 files passed over: 2 (.*, )?2 \.heic \(cannot be decoded\), /,
    );
    assert.deepEqual(select(source, [0]).passedOver!(), source.passedOver!());
  }));

Deno.test("what systems and programs leave beside pictures is passed over and told", () =>
  withFolder(async (folder) => {
    const photo = await jpeg();
    const names = [
      "train/cat/a.jpg",
      "val/cat/b.jpg",
      "train/cat/old.jpg",
      "train/cat/a~b.jpg",
      "train/part.png",
    ];
    const left = ["a.jpg_original", "a.jpg~", "a.bak", "c.jpg.crdownload", "d.part"].map((name) =>
      `train/cat/${name}`
    );
    const ofSystems = [
      "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg",
      "train/cat/@eaDir/a.jpg",
      "$RECYCLE.BIN/$R1.jpg",
    ];
    await writeFiles(
      folder,
      Object.fromEntries([...names, ...left, ...ofSystems].map((name) => [name, photo])),
    );
    const source = await openFolder(folder);
    assert.deepEqual(await keysOf(source), names.toSorted());
    const counts = new Map<string, number>();
    for (const { why, count } of source.passedOver!()) counts.set(why, (counts.get(why) ?? 0) + count);
    assert.deepEqual(
      counts,
      new Map([["is of the storage system: thumbnails, or deleted files", 3], [
        "a copy of before a change, or not finished",
        5,
      ]]),
    );
    // Nor are they a folder beside those of splits.
    const data = await openData(folder);
    assert.equal(dataLength(data), 4);
    await closeData(data);
  }));

Deno.test("a run in the folder of its pictures adds none to them; one that is named itself is read", () =>
  withFolder(async (folder) => {
    const photo = await jpeg(), text = new TextEncoder().encode("{}");
    const run = ["config.json", "metrics.jsonl", "checkpoints/step-00000001.safetensors"];
    await writeFiles(folder, {
      ...Object.fromEntries(["cat/a.jpg", "dog/b.jpg", "dog/checkpoints/c.jpg"].map((name) => [name, photo])),
      ...Object.fromEntries(run.map((name) => [`runs/mine/${name}`, text])),
      "dog/config.json": text,
      "runs/mine/reconstruction.png": photo,
      "runs/mine/figures/step-00000001-gallery.jpg": photo,
    });
    const source = await openFolder(folder), own = await openFolder(`${folder}/runs/mine`);
    assert.deepEqual(await keysOf(source), ["cat/a.jpg", "dog/b.jpg", "dog/checkpoints/c.jpg"]);
    assert.equal(
      describePassedOver(source.passedOver!()),
      "1 file and 1 folder passed over: 1 .json, 1 folder (is a run's: what it has drawn would be learned from: runs/mine)",
    );
    assert.deepEqual(await keysOf(own), ["figures/step-00000001-gallery.jpg", "reconstruction.png"]);
  }));

Deno.test("passed over: a line names the most frequent kinds and counts the rest", () => {
  const kind = (what: string, count: number, why = "", example = "") => ({ what, why, count, example });
  assert.equal(describePassedOver([]), null);
  assert.equal(
    describePassedOver([kind(".txt", 3), kind(".heic", 12, "cannot be decoded", "a.heic")]),
    "15 files passed over: 12 .heic (cannot be decoded), 3 .txt",
  );
  assert.equal(
    describePassedOver([
      kind("folder", 1, "has a name that is not UTF-8", "caf\\xE9"),
      kind("label", 2, "is no class", "x"),
    ]),
    "2 labels and 1 folder passed over: 2 labels (is no class: such as x), 1 folder (has a name that is not UTF-8: caf\\xE9)",
  );
  const many = Array.from({ length: 12 }, (_, i) => kind(`.${i}`, 20 - i));
  assert.match(describePassedOver(many)!, /^174 files passed over: 20 \.0, .*13 \.7, 42 others$/);
});

Deno.test({
  name: "names that are not UTF-8 are passed over and named by their bytes, and the rest is read",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (folder) => {
      await writeFiles(folder, { "tea/0.png": await png(), "tea/\uFFFD.png": await png(1) });
      // Deno cannot write such names.
      const script =
        'cd "$0"; for n in "caf\\351" "caf\\350"; do d="$(printf "$n")"; mkdir "$d"; cp tea/0.png "$d"; done; ' +
        'cp tea/0.png "$(printf "tea/\\377.png")"; cp tea/0.png "$(printf "tea/\\303\\251\\200.jpg")"';
      const { success } = await new Deno.Command("sh", { args: ["-c", script, folder] }).output();
      assert.ok(success);
      const source = await openFolder(folder);
      assert.deepEqual(await keysOf(source), ["tea/0.png", "tea/\uFFFD.png"]);
      assert.deepEqual(source.labels, ["tea"]);
      const passed = source.passedOver!();
      assert.deepEqual(passed.map(({ what, why, count }) => [what, why, count]).sort(), [
        [".jpg", "has a name that is not UTF-8; rename it", 1],
        [".png", "has a name that is not UTF-8; rename it", 1],
        ["folder", "has a name that is not UTF-8; rename it", 2],
      ]);
      const examples = Object.fromEntries(passed.map(({ what, example }) => [what, example]));
      assert.match(examples.folder!, /^caf\\xE[89]$/);
      assert.equal(examples[".jpg"], "tea/é\\x80.jpg");
      await Deno.remove(`${folder}/tea`, { recursive: true });
      await assert.rejects(openFolder(folder), /no pictures.*2 folders passed over: .*such as caf\\xE/);
    }),
});

Deno.test({
  name: "special files, links to nowhere and in circles hold nothing up and are named",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      await writeFiles(folder, { "a.png": await png() });
      assert.ok((await new Deno.Command("mkfifo", { args: [`${folder}/pipe.jpg`] }).output()).success);
      await Deno.symlink("pipe.jpg", `${folder}/to-pipe.png`);
      await Deno.symlink("nowhere", `${folder}/class`);
      await Deno.symlink("self", `${folder}/self`);
      await writeFiles(folder, { [`${"long".repeat(60)}.png`]: await png() });
      const source = await openFolder(folder);
      assert.deepEqual(await keysOf(source), ["a.png", `${"long".repeat(60)}.png`]);
      assert.deepEqual(source.passedOver!().map(({ what, why, example }) => [what, why, example]).sort(), [
        [".jpg", "neither a file nor a folder", "pipe.jpg"],
        [".png", "neither a file nor a folder", "to-pipe.png"],
        ["link", "a circle of links", "self"],
        ["link", "leads nowhere", "class"],
      ]);
    }),
});

Deno.test({
  name: "no permission from Deno: says which flag gives it",
  permissions: { read: false },
  async fn() {
    await assert.rejects(openSource("/some/where"), /may not read this; run with --allow-read=\/some\/where/);
  },
});

Deno.test("names of pictures", () => {
  for (const name of ["a.jpg", "b.c.JPEG", "x.tiff", "x.avif", "x.JFIF", "x.bmp", "x.pgm"]) {
    assert.ok(isPictureName(name), name);
  }
  for (const name of ["jpg", ".jpg", "a.txt", "a.heic", "a.jpg.zip", "a"]) {
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

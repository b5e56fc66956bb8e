import assert from "node:assert/strict";
import { join } from "node:path";
import { closeData } from "../../../src/data/open/data.ts";
import { openData } from "../../../src/data/open/open_data.ts";
import { encodePng } from "../../../src/data/picture/png.ts";
import { openWasm } from "../../../src/engine/wasm.ts";
import { EMBEDDING_FORMATS } from "../../../src/eval/embedding/open.ts";
import { preprocessingOf } from "../../../src/eval/embedding/info.ts";
import { modelPath, readSetModel } from "../../../src/eval/search/encode.ts";
import { filterPictures } from "../../../src/eval/search/filter.ts";
import { findPictures } from "../../../src/eval/search/pictures.ts";
import { searchPictures } from "../../../src/eval/search/search.ts";
import { openPictureSet, setRows } from "../../../src/eval/search/set.ts";
import { drawSheet } from "../../../src/eval/search/sheet.ts";
import { tarFile } from "../../data/tar_writer.ts";
import { colourFolder, withFolder } from "../toy.ts";
import { fixture } from "../../weights/fixtures.ts";
import { makeRun, writeSet } from "./made_up.ts";

const engine = await openWasm();
const PICTURES = [
  ["a/0.png", [1, 0, 0], 0],
  ["a/1.png", [2, .1, 0], 0],
  ["b/0.png", [0, 1, 0], 1],
  ["b/1.png", [0, 0, 0], 1],
  ["bc/0.png", [.9, .1, 0]],
] as const;

Deno.test("picture sets: every format is streamed, parts of it are the whole's", () =>
  withFolder(async (folder) => {
    for (const { ending } of EMBEDDING_FORMATS) {
      const path = await writeSet(join(folder, `set${ending}`), { pictures: PICTURES, classes: ["a", "b"] });
      const set = await openPictureSet(path), whole = await set.file.rows("class");
      for (const [from, count] of [[0, 5], [1, 3], [4, 1], [2, 0]]) {
        const part = await set.file.part("class", from, count);
        assert.deepEqual(part, {
          rows: count,
          width: 3,
          data: whole.data.slice(from * 3, (from + count) * 3),
        }, ending);
      }
      const blocks = await Array.fromAsync(set.gallery.blocks(2, 1));
      assert.deepEqual(blocks.map(({ first, rows }) => [first, rows.rows]), [[1, 2], [3, 2]]);
      assert.deepEqual([...(await setRows(set, [4, 0])).data], [.9, .1, 0, 1, 0, 0].map(Math.fround));
      assert.deepEqual([set.rowOf("b/0.png"), set.rowOf("b"), set.labelOf(2), set.labelOf(4)], [
        2,
        undefined,
        "b",
        undefined,
      ]);
      const { results: [{ label, neighbours }], empty } = await searchPictures(
        engine,
        set,
        [{ name: "first", row: 0 }],
        await setRows(set, [0]),
      );
      assert.deepEqual(neighbours.map(({ rank, key, label }) => [rank, key, label]), [
        [1, "a/1.png", "a"],
        [2, "bc/0.png", null],
        [3, "b/0.png", "b"],
      ]);
      assert.deepEqual([label, empty], ["a", 1]);
      await assert.rejects(openPictureSet(path, "mean"), /holds class, but "mean" is needed/);
      set.close();
    }
    const twice = await writeSet(join(folder, "twice.npy"), { pictures: [PICTURES[0], PICTURES[0]] });
    const set = await openPictureSet(twice);
    assert.throws(() => set.rowOf("a/0.png"), /"a\/0\.png" is the name of several pictures/);
    set.close();
  }));

Deno.test("searching a set: filters, k, and features that cannot be compared", () =>
  withFolder(async (folder) => {
    const path = await writeSet(join(folder, "set.safetensors"), { pictures: PICTURES, classes: ["a", "b"] });
    const set = await openPictureSet(path),
      query = [{ name: "b/0.png", row: 2 }],
      features = await setRows(set, [2]);
    const keys = async (keep?: Uint8Array, k?: number) =>
      (await searchPictures(engine, set, query, features, { keep, k })).results[0].neighbours.map(({ key }) =>
        key
      );
    assert.deepEqual(await keys(filterPictures(set, { labels: ["a"] })), ["a/1.png", "a/0.png"]);
    assert.deepEqual(await keys(filterPictures(set, { folders: ["b", "bc/"] })), ["bc/0.png"]);
    assert.deepEqual(await keys(filterPictures(set, { labels: ["a"], folders: ["a"] }), 1), ["a/1.png"]);
    assert.equal(filterPictures(set, {}), undefined);
    assert.throws(() => filterPictures(set, { labels: ["c"] }), /has no class "c", but "a", "b"/);
    assert.throws(
      () => filterPictures(set, { folders: ["d"] }),
      /no picture is in d; names look like "a\/0\.png"/,
    );
    assert.throws(
      () => filterPictures(set, { labels: ["a"], folders: ["b"] }),
      /no picture is of class a in b/,
    );
    await assert.rejects(keys(undefined, 5), /k is 5, but .* has only 4 pictures beside the query/);
    await assert.rejects(
      keys(filterPictures(set, { labels: ["a"] }), 3),
      /only 2 pictures that pass the filter/,
    );
    const wrong = (...data: number[]) =>
      searchPictures(
        engine,
        set,
        [{ name: "q.jpg" }],
        { rows: 1, width: 3, data: Float32Array.from(data) },
        {},
      );
    await assert.rejects(wrong(0, 0, 0), /q\.jpg: its features are all 0, so it is like nothing/);
    await assert.rejects(wrong(0, NaN, 0), /q\.jpg: its features are not finite numbers/);
    set.close();
    const odd = PICTURES.map(([key, features, label], i) =>
      [key, i === 2 ? [0, Infinity, 0] : features, label] as const
    );
    const comma = join(folder, "comma.safetensors");
    const named = await openPictureSet(
      await writeSet(comma, { pictures: PICTURES, classes: ["tench, Tinca tinca", "b"] }),
    );
    assert.throws(
      () => filterPictures(named, { labels: ["tench", "Tinca tinca"] }),
      /no class "tench"; if "tench, Tinca tinca" is meant, write its commas as \\,$/,
    );
    named.close();
    const other = await openPictureSet(await writeSet(join(folder, "odd.safetensors"), { pictures: odd }));
    assert.throws(
      () => filterPictures(other, { labels: ["a"] }),
      /pictures have no labels, so they cannot be filtered/,
    );
    await assert.rejects(
      searchPictures(engine, other, [{ name: "q" }], await setRows(other, [0]), { k: 1 }),
      /odd\.safetensors: b\/0\.png: its features are not finite numbers/,
    );
    other.close();
    assert.equal(modelPath({ model: "runs/a (b)/x.safetensors (step 12)" }), "runs/a (b)/x.safetensors");
    assert.equal(modelPath({ model: "dino (1).pth (averaged weights)" }), "dino (1).pth");
  }));

Deno.test("pictures of a set: found by name in a source or a stream, bad ones between them", () =>
  withFolder(async (folder) => {
    const data = await colourFolder(join(folder, "data"), 3);
    await Deno.writeTextFile(join(data, "blue", "1.png"), "no picture");
    const files = ["blue/0.png", "blue/2.png", "green/0.png", "green/1.png", "green/2.png"];
    const keys = [...files, ...["red/0.png", "red/1.png", "red/2.png"]];
    const entries = [];
    for (const name of [...keys.slice(0, 1), "blue/1.png", ...keys.slice(1)]) {
      entries.push({ name, content: await Deno.readFile(join(data, name)) });
    }
    const tar = join(folder, "shard.tar");
    await Deno.writeFile(tar, tarFile(entries));
    for (const uri of [data, tar]) {
      const opened = await openData(uri);
      const stem = (key: string) => uri === tar ? key.replace(/\.png$/, "") : key;
      const names = keys.map(stem), found = await findPictures(opened, { keys: names, rows: [7, 1, 0] });
      assert.deepEqual([...found.keys()].sort(), [0, 1, 7], uri);
      for (const [row, bytes] of found) assert.deepEqual(bytes, await Deno.readFile(join(data, keys[row])));
      assert.equal((await findPictures(opened, { keys: names, rows: [] })).size, 0);
      await assert.rejects(
        findPictures(opened, { keys: names.map((name) => `other/${name}`), rows: [2] }),
        /is not what was embedded: it has no picture "other\/green\/0/,
      );
      await closeData(opened);
    }
  }));

Deno.test("contact sheets: proportions are kept, rows are broken, what is missing stays empty", async () => {
  const red = encodePng({
    width: 20,
    height: 10,
    data: Uint8Array.from({ length: 600 }, (_, i) => i % 3 ? 0 : 255),
  });
  const one = (bytes?: Uint8Array) => ({ bytes, lines: ["1  0.5", "é"] });
  const sheet = await drawSheet([[one(red), one(), one(Uint8Array.of(1)), one(red)], [{
    ...one(red),
    framed: true,
  }]], 3);
  assert.deepEqual([sheet.width, sheet.height], [3 * 140 + 12, 3 * 176 + 12]);
  const at = (
    x: number,
    y: number,
  ) => [...sheet.data.subarray((y * sheet.width + x) * 3, (y * sheet.width + x) * 3 + 3)];
  // The first picture: twice as wide as high, in the middle of its square.
  assert.deepEqual(at(12 + 64, 12 + 64), [255, 0, 0]);
  assert.deepEqual(at(12 + 64, 12 + 20), [232, 234, 238]);
  assert.deepEqual(at(12 + 140 + 64, 12 + 64), [232, 234, 238]);
  // The fourth stands in the next row, behind the first place.
  assert.deepEqual([at(12 + 64, 12 + 176 + 64), at(12 + 140 + 64, 12 + 176 + 64)], [[255, 255, 255], [
    255,
    0,
    0,
  ]]);
  assert.deepEqual(at(10, 12 + 352 + 64), [0, 110, 200]);
});

Deno.test("the model of a set is read as the file says, where nothing else is said", () =>
  withFolder(async (folder) => {
    const nothing = {
      teacher: undefined,
      key: undefined,
      preset: undefined,
      heads: undefined,
      imageSize: undefined,
    };
    const about = {
      model: fixture("timm.safetensors"),
      heads: 4,
      preprocessing: preprocessingOf({ imageSize: 64 }),
    };
    const set = await openPictureSet(
      await writeSet(join(folder, "set.safetensors"), { pictures: PICTURES }, about),
    );
    const { heads, imageSize } = (await readSetModel(set, nothing)).config;
    assert.deepEqual([heads, imageSize], [4, 64]);
    assert.equal((await readSetModel(set, { ...nothing, heads: 2 })).config.heads, 2);
    set.close();
    const averaged = { model: await makeRun(join(folder, "run")), teacher: true };
    const other = await openPictureSet(
      await writeSet(join(folder, "other.safetensors"), { pictures: PICTURES }, averaged),
    );
    await assert.rejects(readSetModel(other, nothing), /holds no averaged parameters/);
    other.close();
  }));

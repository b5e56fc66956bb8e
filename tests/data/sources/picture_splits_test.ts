import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { onePass } from "../../../src/data/epoch/one_pass.ts";
import { closeData } from "../../../src/data/open/data.ts";
import { openData, type OpenDataOptions } from "../../../src/data/open/open_data.ts";
import { innerSplits } from "../../../src/data/sources/inner_splits.ts";
import { splitOfPicture } from "../../../src/data/sources/picture_splits.ts";
import { fakeJpeg, lmdbOf } from "../helpers.ts";
import { withFolder, writeFiles } from "../pictures.ts";
import { tarFile } from "../tar_writer.ts";

/** The keys of what is opened, and what was said. */
async function keysOf(uri: string, options: OpenDataOptions = {}) {
  const said: string[] = [], keys: string[] = [];
  const data = await openData(uri, { ...options, progress: (line) => said.push(line) });
  try {
    for await (const { read } of onePass(data).records()) keys.push((await read()).key);
  } finally {
    await closeData(data);
  }
  return { keys, said: said.join("\n") };
}

const folderOf = (root: string, names: readonly string[]) =>
  writeFiles(root, Object.fromEntries(names.map((name, i) => [name, fakeJpeg(i)])));

const MIXED = ["train_0001.jpg", "train_0002.jpg", "test_0001.jpg"];

Deno.test("splitOfPicture: numbered names with the words of one split", () => {
  const cases: Record<string, string | null> = {
    "train_0001.jpg": "train",
    "a/test-7.png": "test",
    "COCO_val2014_000000000042.jpg": "validation",
    "0001_train.png": "train",
    "trainA12.jpg": "train",
    "train_00001": "train",
    "train/1.jpg": null,
    "test.jpg": null,
    "train_val_1.jpg": null,
    "IMG_0001.jpg": null,
    "contest_1.jpg": null,
  };
  for (const [name, split] of Object.entries(cases)) assert.equal(splitOfPicture(name), split, name);
});

Deno.test("a folder whose pictures are named as splits gives one, and says so", async () => {
  await withFolder(async (folder) => {
    await folderOf(`${folder}/flat`, MIXED);
    const train = await keysOf(`${folder}/flat`);
    assert.deepEqual(train.keys, MIXED.slice(0, 2));
    assert.match(
      train.said,
      /flat: takes the split train \(2 pictures\) and leaves out test \(1\); #split=test behind/,
    );
    assert.deepEqual((await keysOf(`${folder}/flat`, { role: "test" })).keys, ["test_0001.jpg"]);
    assert.deepEqual((await keysOf(`${folder}/flat#split=test`)).keys, ["test_0001.jpg"]);
    for (const split of ["all", "none", "train+test"]) {
      assert.equal((await keysOf(`${folder}/flat#split=${split}`)).keys.length, 3, split);
    }
    await assert.rejects(
      keysOf(`${folder}/flat#split=val`),
      /flat: holds no picture of split "val".*there are test, train/,
    );
    // In folders of classes, and COCO's names.
    await folderOf(`${folder}/classes`, ["cat/train_1.jpg", "cat/test_1.jpg", "dog/train_2.jpg"]);
    assert.deepEqual((await keysOf(`${folder}/classes`)).keys, ["cat/train_1.jpg", "dog/train_2.jpg"]);
    await folderOf(`${folder}/coco`, ["COCO_train2014_01.jpg", "COCO_val2014_02.jpg"]);
    assert.deepEqual((await keysOf(`${folder}/coco`)).keys, ["COCO_train2014_01.jpg"]);
  });
});

Deno.test("pictures named as splits beside others: asked where they are not few, told where they are", async () => {
  await withFolder(async (folder) => {
    await folderOf(`${folder}/some`, [...MIXED, "cover.jpg"]);
    await assert.rejects(
      keysOf(`${folder}/some`),
      /some: holds pictures named as splits \(test_0001\.jpg, train_0001\.jpg\) beside others \(cover\.jpg\)\. Say what/,
    );
    assert.equal((await keysOf(`${folder}/some#split=train`)).keys.length, 2);
    assert.equal((await keysOf(`${folder}/some#split=none`)).keys.length, 4);
    const photos = Array.from({ length: 10 }, (_, i) => `IMG_${i}.jpg`);
    await folderOf(`${folder}/photos`, [...MIXED, ...photos]);
    const all = await keysOf(`${folder}/photos`);
    assert.equal(all.keys.length, 13);
    assert.match(
      all.said,
      /takes pictures named as splits \(.*\) together with many others; where they are splits, write/,
    );
    // Chance, words that have nothing to do with each other, one split alone, names without a number, a split's folder.
    const alone: Record<string, string[]> = {
      words: ["train_station_1.jpg", "train_station_2.jpg", "test_tube_1.jpg"],
      one: ["test_1.jpg", "test_2.jpg"],
      plain: ["train.jpg", "test.jpg"],
      train2014: ["COCO_train2014_01.jpg", "COCO_val2014_02.jpg"],
    };
    for (const [name, names] of Object.entries(alone)) {
      await folderOf(`${folder}/${name}`, names);
      assert.deepEqual(await keysOf(`${folder}/${name}`), { keys: names.toSorted(), said: "" }, name);
    }
    await folderOf(`${folder}/both`, [
      "train/COCO_train2014_1.jpg",
      "train/COCO_val2014_2.jpg",
      "val/COCO_val2014_3.jpg",
    ]);
    assert.equal((await keysOf(`${folder}/both`)).keys.length, 2);
  });
});

Deno.test("tar and LMDB: splits in the names of pictures are asked for, by index and in a stream", async () => {
  await withFolder(async (folder) => {
    const members = [
      { name: "README.md", content: "" },
      ...MIXED.map((name) => ({ name, content: fakeJpeg(1) })),
    ];
    await Deno.writeFile(`${folder}/set.tar`, tarFile(members));
    await Deno.writeFile(`${folder}/set.tgz`, gzipSync(tarFile(members)));
    await lmdbOf(`${folder}/set.lmdb`, ["test_0001", "train_0001", "train_0002"]);
    for (const uri of [`${folder}/set.tar`, `${folder}/set.tgz`, `lmdb:${folder}/set.lmdb`]) {
      await assert.rejects(
        keysOf(uri),
        /holds pictures of several splits \(.*train: train_0001.*\)\. Say which one is meant: .*#split=train/,
        uri,
      );
      assert.deepEqual((await keysOf(`${uri}#split=train`)).keys.map((key) => key.slice(0, 10)), [
        "train_0001",
        "train_0002",
      ], uri);
      assert.equal((await keysOf(`${uri}#split=test`)).keys.length, 1, uri);
      assert.equal((await keysOf(`${uri}#split=all`)).keys.length, 3, uri);
      await assert.rejects(keysOf(`${uri}#split=val`), /holds nothing of split "val"; there are/, uri);
    }
    // An archive that is named as a split is of that one, whatever its pictures are called.
    await Deno.writeFile(`${folder}/train-0.tar`, tarFile(members));
    assert.equal((await keysOf(`${folder}/train-0.tar`)).keys.length, 3);
  });
});

Deno.test("inner splits: names of chance stay so when shards are read again, in any order", () => {
  const inner = innerSplits({ where: "set.tar", named: true });
  const shards = [["a1.jpg", "a2.jpg", "a3.jpg"], ["train_1.jpg", "test_1.jpg"]];
  for (const name of [...shards.flat(), ...shards.toReversed().flat(), ...shards[1]]) {
    assert.equal(inner.whyNot(name), null);
  }
});

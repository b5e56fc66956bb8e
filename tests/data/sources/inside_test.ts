/** Splits, masks and classes that stand inside of archives and LMDBs, beside their pictures. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { onePass } from "../../../src/data/epoch/one_pass.ts";
import { closeData, dataPassedOver } from "../../../src/data/open/data.ts";
import { openData, type OpenDataOptions } from "../../../src/data/open/open_data.ts";
import { lmdbPieces } from "../../../src/data/sources/lmdb/write.ts";
import { fakeJpeg } from "../helpers.ts";
import { withFolder } from "../pictures.ts";
import { type Entry, tarFile } from "../tar_writer.ts";

/** Keys with their classes, as far as they have some; and why others were passed over. */
async function look(uri: string, options: OpenDataOptions = {}) {
  const data = await openData(uri, options), found: string[] = [];
  try {
    const labels = data.access === "random" ? data.source.labels : [];
    for await (const { read } of onePass(data).records()) {
      const { key, label, className } = await read(), name = className ?? labels[label ?? -1] ?? label;
      found.push(name === undefined ? key : `${key} ${name}`);
    }
    return { found, labels, passed: dataPassedOver(data).map(({ count, why }) => `${count} ${why}`) };
  } finally {
    await closeData(data);
  }
}

const picture = (name: string): Entry => ({ name, content: fakeJpeg(1) });
const json = (name: string, value: unknown): Entry => ({ name, content: JSON.stringify(value) });

/** Looks at an archive by index and as a stream. */
async function inBoth(
  members: readonly Entry[],
  check: (uri: string, kind: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar`, tarFile(members));
    await Deno.writeFile(`${folder}/b.tar.gz`, gzipSync(tarFile(members)));
    await check(`${folder}/a.tar`, "by index");
    await check(`${folder}/b.tar.gz`, "in a stream");
  });
}

Deno.test("tar: splits that JSON beside pictures states are asked for and kept apart", async () => {
  const members = ["train", "training", "val"].flatMap((split, i) => [
    picture(`${i}.jpg`),
    json(`${i}.json`, { Split: split, label: i }),
  ]);
  await inBoth(members, async (uri, kind) => {
    await assert.rejects(look(uri), /records of several splits \(train: 0, validation: 2\). Say which/, kind);
    for (const classes of [true, false]) {
      const keys = async (split: string) =>
        (await look(`${uri}#split=${split}`, { classes })).found.map((key) => key.split(" ")[0]);
      assert.deepEqual(await keys("train"), ["0", "1"], kind);
      assert.deepEqual(await keys("val"), ["2"], kind);
      for (const all of ["all", "none"]) assert.deepEqual(await keys(all), ["0", "1", "2"], kind);
    }
    assert.deepEqual((await look(`${uri}#split=val`)).passed, ["2 is of the split train"]);
  });
});

Deno.test("tar: a field called split that is none, and one split alone, change nothing", async () => {
  const members = ["fold 1", 7, "train"].flatMap((split, i) => [
    picture(`${i}.jpg`),
    json(`${i}.json`, { split }),
  ]);
  await inBoth(members, async (uri) => assert.deepEqual((await look(uri)).found, ["0", "1", "2"]));
});

Deno.test("tar: masks that are samples of their own are passed over", async () => {
  const why = "is a mask of a picture beside it";
  await inBoth(
    ["JPEGImages/1.jpg", "JPEGImages/2.jpg", "SegmentationClass/1.png", "SegmentationClass/2.png"].map((
      name,
    ) => picture(`V/${name}`)),
    async (uri, kind) => {
      const { found, labels, passed } = await look(uri);
      assert.deepEqual(found.map((key) => key.split(" ")[0]), ["V/JPEGImages/1", "V/JPEGImages/2"], kind);
      assert.deepEqual(labels, [], kind);
      assert.deepEqual(passed, [`2 ${why}`], kind);
    },
  );
  await inBoth(["x.jpg", "x_mask.png", "y.jpg", "z_mask.png"].map(picture), async (uri, kind) => {
    assert.deepEqual((await look(uri)).found, ["x", "y", "z_mask"], kind);
  });
});

Deno.test("tar: folders are no classes where label files come later", async () => {
  const members = [picture("a/1.jpg"), picture("b/2.jpg"), picture("b/3.jpg"), {
    name: "b/3.cls",
    content: "red",
  }];
  await inBoth(members, async (uri, kind) => {
    assert.deepEqual((await look(uri)).found, ["a/1", "b/2", "b/3 red"], kind);
  });
});

Deno.test("tar: what was looked at ahead comes before the damage behind it", async () => {
  await withFolder(async (folder) => {
    const whole = tarFile(["a/1.jpg", "a/2.jpg", "a/3.jpg"].map(picture));
    await Deno.writeFile(`${folder}/cut.tar.gz`, gzipSync(whole.subarray(0, 2 * 1024 + 600)));
    const data = await openData(`${folder}/cut.tar.gz`), keys: string[] = [], bad: string[] = [];
    assert.ok(data.access === "stream");
    const opened = data.source.open(data.source.shards[0], { onBad: (error) => bad.push(error.key) });
    for await (const { key } of opened) keys.push(key);
    await closeData(data);
    assert.deepEqual(keys, ["a/1", "a/2"]);
    assert.equal(bad.length, 1);
  });
});

/** A msgpack map of a picture and texts. */
function packed(texts: Record<string, string>): Uint8Array<ArrayBuffer> {
  const text = (value: string) => [0xa0 + value.length, ...new TextEncoder().encode(value)];
  const file = fakeJpeg(1, 40), entries = Object.entries(texts);
  return new Uint8Array(Buffer.concat([
    Uint8Array.of(0x81 + entries.length, ...text("image"), 0xc4, file.length, ...file),
    ...entries.map(([name, value]) => Uint8Array.of(...text(name), ...text(value))),
  ]));
}

async function lmdbOf(path: string, values: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
  const records = {
    count: values.length,
    key: (index: number) => new TextEncoder().encode(`k${index}`),
    size: (index: number) => values[index].length,
    values: async function* () {
      for (const value of values) yield await Promise.resolve(value);
    },
  };
  await Deno.writeFile(path, ReadableStream.from(lmdbPieces(records)));
}

Deno.test("lmdb: splits that dicts beside pictures state are asked for and kept apart", async () => {
  await withFolder(async (folder) => {
    await lmdbOf(
      `${folder}/a.lmdb`,
      ["train", "test", "train"].map((split) => packed({ split, label: split[1] })),
    );
    const { found, passed } = await look(`${folder}/a.lmdb#split=train`);
    assert.deepEqual(found, ["k0 r", "k2 r"]);
    assert.deepEqual(passed, ["1 is of the split test"]);
    assert.deepEqual((await look(`${folder}/a.lmdb#split=test`)).found, ["k1 e"]);
    for (const all of ["all", "none"]) {
      assert.equal((await look(`${folder}/a.lmdb#split=${all}`)).found.length, 3);
    }
    await assert.rejects(
      look(`${folder}/a.lmdb`),
      /records of several splits \(train: k0, test: k1\). Say which/,
    );
    await assert.rejects(look(`${folder}/a.lmdb#split=val`), /nothing of split "val"; there are train, test/);
    await lmdbOf(`${folder}/b.lmdb`, ["x", "y"].map((label) => packed({ label })));
    assert.deepEqual((await look(`${folder}/b.lmdb`)).found, ["k0 x", "k1 y"]);
    await assert.rejects(look(`${folder}/b.lmdb#split=val`), /nothing of split "val"; no name in it states/);
  });
});

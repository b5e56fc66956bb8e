import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { openSource } from "../../../src/data/open/open_data.ts";
import { OBJECTS_VERSION, SHARD_VERSION } from "../../../src/data/sources/shards/format.ts";
import { decodeObjects, objectsTable } from "../../../src/data/sources/shards/objects.ts";
import { openShards } from "../../../src/data/sources/shards/read.ts";
import { writeShard } from "../../../src/data/sources/shards/write.ts";
import type { PictureObjects } from "../../../src/data/types.ts";
import { fakeJpeg } from "../helpers.ts";
import { withFolder } from "../pictures.ts";

const LABELS = ["cat", "dog", "emu"];

const side = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
const anObject = fc.record({
  box: fc.tuple(...Array(4).fill(fc.double({ noNaN: true, noDefaultInfinity: true }))),
  kind: fc.nat(LABELS.length - 1),
  crowd: fc.boolean(),
});
/** Any objects of any picture. */
const aPicture: fc.Arbitrary<PictureObjects> = fc.record({
  ...{ width: side, height: side },
  objects: fc.array(anObject, { maxLength: 5 }),
}).map(({ width, height, objects }) => ({
  ...{ width, height, boxes: Float64Array.from(objects.flatMap(({ box }) => box as number[])) },
  classes: Int32Array.from(objects, ({ kind }) => kind),
  crowd: Uint8Array.from(objects, ({ crowd }) => Number(crowd)),
}));

function tableOf(pictures: readonly PictureObjects[]) {
  const table = objectsTable();
  for (const picture of pictures) table.add(picture);
  return table;
}

async function makeShard(
  path: string,
  pictures: readonly (PictureObjects | undefined)[],
  more: { shard?: number; last?: boolean; labels?: string[] } = {},
): Promise<void> {
  const withObjects = pictures.some((one) => one !== undefined);
  const writer = writeShard(path, 1 << 20, withObjects);
  pictures.forEach((objects, i) => writer.add({ key: `${i}`, bytes: fakeJpeg(i) }, objects));
  const version = withObjects ? OBJECTS_VERSION : SHARD_VERSION;
  const set = { source: "test", shard: 0, last: true, labels: LABELS, ...more };
  await writer.finish({ format: "semantic-ae shard", version, ...set });
}

Deno.test("objects of any pictures come back", () => {
  fc.assert(
    fc.property(fc.array(aPicture, { maxLength: 6 }), (pictures) => {
      const table = tableOf(pictures);
      const about = { pictures: pictures.length, objects: table.objects, classCount: LABELS.length };
      const read = decodeObjects(table.encode(), about);
      assert.deepEqual(pictures.map((_, i) => read(i)), pictures);
      assert.equal(
        table.classCount,
        Math.max(0, ...pictures.flatMap(({ classes }) => [...classes].map((c) => c + 1))),
      );
    }),
  );
});

Deno.test("objects cut anywhere, or with other bytes, are refused or right in form", () => {
  const pictures = fc.sample(aPicture, { numRuns: 5, seed: 7 }),
    table = tableOf(pictures),
    whole = table.encode();
  const about = { pictures: 5, objects: table.objects, classCount: LABELS.length };
  assert.ok(about.objects > 0);
  for (let length = 0; length < whole.length; length++) {
    assert.throws(
      () => decodeObjects(whole.slice(0, length), about),
      /^Error: damaged shard: its boxes/,
      `${length}`,
    );
  }
  for (const wrong of [{ pictures: 4 }, { pictures: 6 }, { objects: about.objects + 1 }, { classCount: 0 }]) {
    assert.throws(() => decodeObjects(whole, { ...about, ...wrong }), /^Error: damaged shard: its boxes/);
  }
  const place = fc.nat(whole.length - 1);
  fc.assert(fc.property(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }), (writes) => {
    const bytes = whole.slice();
    for (const [at, value] of writes) bytes[at] = value;
    let read: ReturnType<typeof decodeObjects>;
    try {
      read = decodeObjects(bytes, about);
    } catch (error) {
      return assert.match(String(error), /^Error: damaged shard: its boxes/);
    }
    const found = pictures.map((_, i) => read(i));
    assert.equal(found.reduce((sum, { classes }) => sum + classes.length, 0), about.objects);
    for (const { width, height, boxes, classes, crowd } of found) {
      assert.ok(width > 0 && height > 0 && boxes.every(Number.isFinite));
      assert.ok(classes.every((kind) => LABELS[kind] !== undefined));
      assert.deepEqual([boxes.length, crowd.length], [4 * classes.length, classes.length]);
    }
  }));
});

Deno.test("a shard whose boxes are damaged is refused where they are wanted, and gives its pictures otherwise", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.lmdb`, pictures = fc.sample(aPicture, { numRuns: 300, seed: 3 });
    await makeShard(path, pictures);
    const whole = await Deno.readFile(path), source = await openSource(path, { objects: true });
    assert.deepEqual(pictures.map((_, i) => source.objects!(i)), pictures);
    await source.close();
    // Somewhere in the table, which fills pages of its own.
    const at = whole.findLastIndex((_, i) =>
      new TextDecoder().decode(whole.subarray(i, i + 9)) === '"crowd":{'
    );
    whole[at + 3000] ^= 1;
    await Deno.writeFile(path, whole);
    await assert.rejects(
      openSource(path, { objects: true }),
      /a\.lmdb: damaged shard: its boxes do not fit their checksum/,
    );
    const plain = await openSource(path);
    assert.deepEqual((await plain.get(299)).bytes, fakeJpeg(299));
    await plain.close();
  }));

Deno.test("shards of a set have their boxes' classes joined; sets of both kinds give no boxes", () =>
  withFolder(async (folder) => {
    const [one, two] = [2, 1].map((kind): PictureObjects => ({
      ...{ width: 8, height: 8, boxes: Float64Array.of(1, 2, 3, 4) },
      ...{ classes: Int32Array.of(kind), crowd: Uint8Array.of(0) },
    }));
    await makeShard(`${folder}/0.lmdb`, [one], { last: false });
    await makeShard(`${folder}/1.lmdb`, [two], { shard: 1, labels: ["emu", "yak"] });
    const paths = [0, 1].map((i) => `${folder}/${i}.lmdb`);
    const both = await openShards(folder, paths, true);
    const names = [0, 1].map((i) => both.labels[both.objects!(i).classes[0]]);
    assert.deepEqual([both.labels, names], [["cat", "dog", "emu", "yak"], ["emu", "yak"]]);
    await both.close();
    await Deno.remove(paths[1]);
    await makeShard(paths[1], [undefined], { shard: 1 });
    await assert.rejects(
      openSource(folder, { objects: true }),
      /0\.lmdb has boxes and .*1\.lmdb has none; pack all of it again/,
    );
    const plain = await openSource(folder);
    assert.equal(plain.length, 2);
    await plain.close();
  }));

Deno.test("what a shard cannot hold is refused before it is written", () =>
  withFolder(async (folder) => {
    const [objects] = fc.sample(aPicture, { numRuns: 1, seed: 1 });
    const plain = writeShard(`${folder}/a`, 1 << 20), full = writeShard(`${folder}/b`, 1 << 20, true);
    const record = { key: "k", bytes: fakeJpeg(1) };
    assert.throws(
      () => plain.add(record, objects),
      /k: either all pictures of a shard have a list of objects, or none/,
    );
    assert.throws(() => full.add(record), /k: either all pictures/);
    full.add(record, {
      ...objects,
      boxes: new Float64Array(4),
      classes: Int32Array.of(7),
      crowd: new Uint8Array(1),
    });
    const set = { source: "test", shard: 0, last: true, labels: LABELS };
    await assert.rejects(
      full.finish({ format: "semantic-ae shard", version: OBJECTS_VERSION, ...set }),
      /an object is of class number 7, but 3 classes are listed/,
    );
    for (const writer of [plain, full]) await writer.abandon();
  }));

import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { openWasm } from "../../src/engine/wasm.ts";
import * as tf from "../../src/engine/tensors.ts";
import { nearestPersons } from "../../src/reid/nearest.ts";
import type { Persons } from "../../src/reid/people.ts";
import { rightRanks } from "../../src/reid/ranks.ts";
import { heldRows } from "../../src/reid/scores.ts";
import { randomStream } from "../../src/random.ts";

interface Picture {
  identity: number;
  camera: number;
  feature: readonly number[];
}

function personsOf(pictures: readonly Picture[]): Persons {
  const width = pictures[0].feature.length,
    data = Float32Array.from(pictures.flatMap(({ feature }) => feature));
  return {
    identities: Float64Array.from(pictures, ({ identity }) => identity),
    cameras: Float64Array.from(pictures, ({ camera }) => camera),
    features: heldRows({ rows: pictures.length, width, data }),
  };
}

/** The whole gallery as a query sorts it, without what does not count. */
function sortedFor(query: Picture, gallery: readonly Picture[]): { picture: Picture; row: number }[] {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i], 0);
  const cosine = ({ feature: a }: Picture, { feature: b }: Picture) =>
    dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  return gallery.map((picture, row) => ({ picture, row, cosine: cosine(query, picture) }))
    .sort((a, b) => b.cosine - a.cosine || a.row - b.row)
    .filter(({ picture: { identity, camera } }) =>
      identity !== -1 && !(identity === query.identity && camera === query.camera && identity > 0)
    );
}

/** Walks through the whole sorted gallery, picture by picture. */
function walked(queries: readonly Picture[], gallery: readonly Picture[]): number[][] {
  return queries.map((query) =>
    sortedFor(query, gallery).flatMap(({ picture: { identity } }, i) =>
      identity === query.identity && identity > 0 ? [i + 1] : []
    )
  );
}

/** A picture along an axis: cosines are exact, and most of them are equal. */
const onAxis = fc.record({
  identity: fc.integer({ min: -1, max: 3 }),
  camera: fc.integer({ min: 1, max: 2 }),
  feature: fc.record({ axis: fc.integer({ min: 0, max: 2 }), length: fc.constantFrom(-2, 1, 3) })
    .map(({ axis, length }) => [0, 1, 2].map((i) => i === axis ? length : 0)),
});

Deno.test("ranks are those of a walk through the sorted gallery: ties, junk, distractors, blocks of any size", async () => {
  const engine = await openWasm(), before = tf.memory().numTensors;
  const sets = fc.array(onAxis, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sets, sets, fc.integer({ min: 1, max: 13 }), async (queries, gallery, blockRows) => {
      const ranks = await rightRanks({
        engine,
        queries: personsOf(queries),
        gallery: personsOf(gallery),
        blockRows,
      });
      assert.deepEqual(ranks.map((list) => [...list]), walked(queries, gallery));
    }),
    { numRuns: 60 },
  );
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("ranks of features in general position, more queries than go at once", async () => {
  const engine = await openWasm(), random = randomStream(5, "test", 1);
  const pictures = (count: number, cameras: readonly number[]): Picture[] =>
    Array.from({ length: count }, (_, i) => ({
      identity: 1 + i % 40,
      camera: cameras[i % cameras.length],
      feature: Array.from({ length: 8 }, () => random.normal()),
    }));
  const queries = pictures(530, [1, 2, 3]), gallery = [...pictures(90, [2, 3]), ...pictures(40, [4])];
  gallery.forEach((picture, i) => {
    if (i % 9 === 0) picture.identity = i % 2 ? 0 : -1;
  });
  const done: number[] = [];
  const ranks = await rightRanks({
    engine,
    queries: personsOf(queries),
    gallery: personsOf(gallery),
    blockRows: 48,
    progress: (rows, total) => done.push(rows, total),
  });
  assert.deepEqual(ranks.map((list) => [...list]), walked(queries, gallery));
  assert.deepEqual(done, [48, 130, 96, 130, 130, 130]);
});

Deno.test("a gallery is never held: blocks are read in turn, those with right pictures once more", async () => {
  const engine = await openWasm(), read: string[] = [];
  const gallery = personsOf(Array.from({ length: 10 }, (_, i) => ({
    identity: i === 4 ? 7 : 0,
    camera: 1,
    feature: [1, i],
  })));
  const { features } = gallery;
  const ranks = await rightRanks({
    engine,
    queries: personsOf([{ identity: 7, camera: 2, feature: [0, 1] }]),
    gallery: {
      ...gallery,
      features: {
        ...features,
        read(from, to) {
          read.push(`${from}-${to}`);
          return features.read(from, to);
        },
      },
    },
    blockRows: 3,
  });
  assert.deepEqual([...ranks[0]], [6]);
  assert.deepEqual(read, ["3-6", "0-3", "3-6", "6-9", "9-10"]);
});

Deno.test("features that cannot be compared are refused", async () => {
  const engine = await openWasm();
  const one = personsOf([{ identity: 1, camera: 1, feature: [1, 2] }]);
  const wide = personsOf([{ identity: 1, camera: 2, feature: [1, 2, 3] }]);
  await assert.rejects(
    rightRanks({ engine, queries: one, gallery: wide }),
    /queries of width 2, a gallery of 3/,
  );
  const wrong = personsOf([{ identity: 1, camera: 2, feature: [1, NaN] }]);
  await assert.rejects(rightRanks({ engine, queries: one, gallery: wrong }), /are not finite numbers/);
  // In whatever block it stands, the picture that is meant is named.
  const pictures = Array.from(
    { length: 5 },
    (_, i) => ({ identity: 1, camera: 2, feature: [1, i === 3 ? NaN : i] }),
  );
  const { features, ...people } = personsOf(pictures);
  for (
    const [nameOf, name] of [[undefined, "picture 3"], [
      (row: number) => `g.npy: ${row}.jpg`,
      "g.npy: 3.jpg",
    ]] as const
  ) {
    const gallery = { ...people, features: { ...features, ...nameOf && { nameOf } } };
    await assert.rejects(
      rightRanks({ engine, queries: one, gallery, blockRows: 2 }),
      (error: Error) => error.message === `the features of ${name} are not finite numbers`,
    );
  }
});

Deno.test("the nearest pictures are the first of the same walk", async () => {
  const engine = await openWasm();
  const sets = fc.array(onAxis, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sets, sets, fc.integer({ min: 1, max: 5 }), async (queries, gallery, count) => {
      const near = await nearestPersons(engine, personsOf(queries), personsOf(gallery), count, 4);
      near.forEach((list, i) => {
        const all = sortedFor(queries[i], gallery);
        assert.deepEqual(list.map(({ row }) => row), all.slice(0, count).map(({ row }) => row));
        for (const { row, right } of list) {
          assert.equal(right, gallery[row].identity === queries[i].identity && queries[i].identity > 0);
        }
      });
    }),
    { numRuns: 30 },
  );
});

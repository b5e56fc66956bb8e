import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { openWasm } from "../../src/engine/wasm.ts";
import { accuracy, knnClasses, knnHits } from "../../src/eval/knn.ts";
import { nearest, type Neighbours, withoutOwn } from "../../src/eval/nearest.ts";
import { retrieval } from "../../src/eval/retrieval.ts";
import { centreRows, joinRows, pickRows, type Rows, unitRows } from "../../src/eval/rows.ts";

const engine = await openWasm();

/** Rows of small whole numbers: products are exact, so ties are ties everywhere. */
const wholeRows = (rows: number, width: number) =>
  fc.array(fc.integer({ min: -2, max: 2 }), { minLength: rows * width, maxLength: rows * width })
    .map((numbers): Rows => ({ rows, width, data: Float32Array.from(numbers) }));

const problem = fc.record({
  queries: fc.integer({ min: 1, max: 7 }),
  gallery: fc.integer({ min: 1, max: 12 }),
  width: fc.integer({ min: 1, max: 4 }),
  k: fc.integer({ min: 1, max: 15 }),
}).chain((sizes) =>
  fc.record({
    k: fc.constant(sizes.k),
    queries: wholeRows(sizes.queries, sizes.width),
    gallery: wholeRows(sizes.gallery, sizes.width),
    labels: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: sizes.gallery, maxLength: sizes.gallery }),
    asked: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: sizes.queries, maxLength: sizes.queries }),
  })
);

/** All gallery rows of a query by falling product, then by place: the definition, written plainly. */
function ranked(queries: Rows, gallery: Rows, query: number): { index: number; cosine: number }[] {
  const { width } = gallery;
  const dot = (index: number) => {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += queries.data[query * width + j] * gallery.data[index * width + j];
    return sum;
  };
  return Array.from({ length: gallery.rows }, (_, index) => ({ index, cosine: dot(index) }))
    .sort((a, b) => b.cosine - a.cosine || a.index - b.index);
}

const listOf = ({ k, indices, cosines }: Neighbours, query: number) =>
  [...indices.subarray(query * k, (query + 1) * k)]
    .map((index, i) => ({ index, cosine: cosines[query * k + i] }))
    .filter(({ index }) => index >= 0);

Deno.test("nearest: as a plain sort of all products", async () => {
  await fc.assert(
    fc.asyncProperty(problem, async ({ queries, gallery, k }) => {
      const found = await nearest(engine, queries, gallery, k);
      for (let query = 0; query < queries.rows; query++) {
        assert.deepEqual(
          listOf(found, query),
          ranked(queries, gallery, query).slice(0, k).map((n) => ({ ...n, cosine: n.cosine + 0 })),
        );
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("nearest: many rows, so that several blocks of queries and of the gallery are joined", async () => {
  const make = (rows: number, width: number, seed: number): Rows => ({
    rows,
    width,
    data: Float32Array.from({ length: rows * width }, (_, i) => ((i * 7919 + seed) % 11) - 5),
  });
  // 65,536 wide: 256 gallery rows stand on the engine at once.
  const width = 65536, gallery = make(300, width, 1), queries = pickRows(gallery, [299, 0, 255, 256]);
  const found = await nearest(engine, queries, gallery, 3);
  for (let query = 0; query < 4; query++) {
    assert.deepEqual(listOf(found, query), ranked(queries, gallery, query).slice(0, 3));
  }
  const narrow = make(1300, 3, 5), all = await nearest(engine, narrow, narrow, 2);
  for (const query of [0, 511, 512, 1023, 1024, 1299]) {
    assert.deepEqual(listOf(all, query), ranked(narrow, narrow, query).slice(0, 2));
  }
});

Deno.test("withoutOwn: as a plain filter", async () => {
  await fc.assert(
    fc.asyncProperty(problem, async ({ queries, gallery, k, asked, labels }) => {
      const all = await nearest(engine, queries, gallery, gallery.rows);
      const left = withoutOwn(all, asked, labels, k);
      for (let query = 0; query < queries.rows; query++) {
        const plain = listOf(all, query).filter(({ index }) => labels[index] !== asked[query]).slice(0, k);
        assert.deepEqual(listOf(left, query), plain);
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("knn and retrieval: as their definitions", async () => {
  await fc.assert(
    fc.asyncProperty(problem, async ({ queries, gallery, k, labels, asked }) => {
      const found = await nearest(engine, unitRows(queries), unitRows(gallery), Math.max(5, k));
      const votes = (query: number) =>
        [0, 1, 2].map((label) =>
          listOf(found, query).slice(0, k).filter(({ index }) => labels[index] === label)
            .reduce((sum, { cosine }) => sum + Math.exp(cosine / .07), 0)
        );
      const classes = knnClasses(found, labels, 3, k);
      const truth = asked.map((label) => label % 3);
      for (let query = 0; query < queries.rows; query++) {
        const all = votes(query);
        assert.equal(classes[query], all.indexOf(Math.max(...all)));
      }
      assert.equal(
        accuracy(classes, truth),
        truth.filter((label, i) => label === classes[i]).length / truth.length,
      );
      const among = (n: number) =>
        Uint8Array.from(
          asked,
          (what, query) =>
            listOf(found, query).slice(0, n).some(({ index }) => labels[index] === what) ? 1 : 0,
        );
      assert.deepEqual(retrieval(found, asked, labels), { top1: among(1), top5: among(5) });
    }),
    { numRuns: 60 },
  );
});

Deno.test("knn: a near neighbour outvotes two far ones, equal votes go to the first class", () => {
  const list = (cosines: number[]): Neighbours => ({
    queries: 1,
    k: cosines.length,
    indices: Int32Array.from(cosines.keys()),
    cosines: Float32Array.from(cosines),
  });
  assert.deepEqual([...knnClasses(list([.9, .8, .8]), [1, 0, 0], 2, 3)], [1]);
  assert.deepEqual([...knnClasses(list([.9, .9]), [1, 0], 2, 2)], [0]);
  assert.deepEqual([...knnClasses({ ...list([.9]), indices: Int32Array.of(-1) }, [1], 2, 1)], [-1]);
  assert.throws(() => knnClasses(list([.9]), [1], 2, 2), /only 1 neighbours/);
  // Two votes of exp(1 / 0.001) are both infinite, and two of exp(−1 / 0.001) nothing.
  assert.deepEqual([...knnClasses(list([1, .99]), [1, 0], 2, 2, .002)], [1]);
  assert.deepEqual([...knnClasses(list([-.99, -1]), [1, 0], 2, 2, .002)], [1]);
  for (const low of [.001, 0, -1, NaN]) {
    assert.throws(() => knnClasses(list([1, .99]), [1, 0], 2, 2, low), /temperature is .*0\.002 or more/);
    assert.throws(() => knnHits(list([1, .99]), [1, 0], [1], 2, [1], low), /temperature is .*0\.002 or more/);
  }
});

Deno.test("rows: unit length, centred, picked, joined; what is not finite is named", () => {
  const rows: Rows = { rows: 3, width: 2, data: Float32Array.of(3, 4, 0, 0, 1, 3) };
  assert.deepEqual([...unitRows(rows).data.subarray(0, 4)], [3 / 5, 4 / 5, 0, 0].map(Math.fround));
  assert.deepEqual([...centreRows(rows).data], [-.5, .5, 0, 0, -1, 1]);
  assert.deepEqual([...pickRows(rows, [2, 0]).data], [1, 3, 3, 4]);
  assert.deepEqual(joinRows([rows, pickRows(rows, [1])]).rows, 4);
  rows.data[3] = NaN;
  assert.throws(() => unitRows(rows), /picture 1 are not finite/);
});

Deno.test("nearest: impossible questions are refused", async () => {
  const rows: Rows = { rows: 1, width: 2, data: Float32Array.of(1, 0) };
  await assert.rejects(nearest(engine, rows, { ...rows, width: 1, rows: 2 }, 1), /width 2, a gallery of 1/);
  await assert.rejects(nearest(engine, rows, rows, 0), /k is 0/);
  await assert.rejects(nearest(engine, rows, rows, 1.5), /k is 1.5/);
});

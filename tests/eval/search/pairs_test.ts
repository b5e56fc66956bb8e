import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { openWasm } from "../../../src/engine/wasm.ts";
import { nearest } from "../../../src/eval/nearest.ts";
import { type Rows, unitRows } from "../../../src/eval/rows.ts";
import { findDuplicates } from "../../../src/eval/search/duplicates.ts";
import { type Gallery, keptGallery, rowsGallery } from "../../../src/eval/search/gallery.ts";
import { pairsAbove } from "../../../src/eval/search/pairs.ts";
import { searchPrograms } from "../../../src/eval/search/programs.ts";
import * as tf from "../../../src/engine/tensors.ts";

const engine = await openWasm();

const rowsOf = (...lists: number[][]): Rows => ({
  rows: lists.length,
  width: lists[0].length,
  data: Float32Array.from(lists.flat()),
});

/** Rows that stand in groups of directions, so that there are near ones, far ones and equal ones. */
function clustered(rows: number, width: number, seed: number): Rows {
  const data = Float32Array.from({ length: rows * width }, (_, i) => {
    const row = Math.floor(i / width), column = i % width, group = (row * 7919 + seed) % 13;
    return Math.sin(group * 37 + column * 11) + .05 * Math.sin(row % 29 * 3 + column + seed);
  });
  return { rows, width, data };
}

/** The cosine of two rows, in float64. */
function cosine(a: Rows, i: number, b: Rows, j: number): number {
  let dot = 0, one = 0, other = 0;
  for (let n = 0; n < a.width; n++) {
    const [x, y] = [a.data[i * a.width + n], b.data[j * b.width + n]];
    dot += x * y;
    one += x * x;
    other += y * y;
  }
  return dot / Math.sqrt(one * other);
}

Deno.test("nearest: rows of any length, a filter, several blocks: as a plain sort of all cosines", async () => {
  const gallery = clustered(4400, 6, 1), queries = clustered(3, 6, 5);
  const keep = Array.from({ length: gallery.rows }, (_, row) => row % 3 !== 1);
  const kept = keptGallery(rowsGallery(gallery), keep);
  assert.equal(kept.rows, keep.filter((one) => one).length);
  for (const [searched, allowed] of [[rowsGallery(gallery), keep.map(() => true)], [kept, keep]] as const) {
    const { indices, cosines } = await nearest(engine, unitRows(queries), searched, 7, { unit: true });
    for (let query = 0; query < 3; query++) {
      const all = Array.from({ length: gallery.rows }, (_, row) => row).filter((row) => allowed[row])
        .map((row) => cosine(queries, query, gallery, row)).sort((a, b) => b - a);
      for (let rank = 0; rank < 7; rank++) {
        const at = query * 7 + rank, exact = cosine(queries, query, gallery, indices[at]);
        assert.ok(allowed[indices[at]]);
        assert.ok(Math.abs(cosines[at] - exact) < 2e-6 && Math.abs(exact - all[rank]) < 2e-6);
      }
      assert.equal(new Set(indices.subarray(query * 7, query * 7 + 7)).size, 7);
    }
  }
});

Deno.test("nearest: very long, very short and empty rows; what is no number is named", async () => {
  const gallery = rowsOf([1e-25, 0], [0, 0], [3e25, 3e25], [0, 1], [-1, 0]), empty: number[] = [];
  const query = rowsOf([1, 0]), options = { unit: true, onEmpty: (row: number) => empty.push(row) };
  const { indices, cosines } = await nearest(engine, query, rowsGallery(gallery), 5, options);
  assert.deepEqual([...indices], [0, 2, 3, 4, -1]);
  [1, Math.SQRT1_2, 0, -1].forEach((value, i) => assert.ok(Math.abs(cosines[i] - value) < 1e-6));
  assert.deepEqual(empty, [1]);
  for (const value of [NaN, Infinity, -Infinity]) {
    const wrong = { ...gallery, data: gallery.data.with(7, value) };
    const named = { ...rowsGallery(wrong), nameOf: (row: number) => Promise.resolve(`photo ${row}`) };
    await assert.rejects(
      nearest(engine, query, named, 1, { unit: true }),
      /^Error: photo 3: its features are not finite numbers$/,
    );
    await assert.rejects(findDuplicates(engine, named, .5), /photo 3: its features are not finite/);
  }
});

Deno.test("pairsAbove: all pairs above a bound from a row on; nothing stays on the engine", async () => {
  const gallery = clustered(400, 5, 2),
    queries = unitRows(clustered(60, 5, 9)),
    before = tf.memory().numTensors;
  const programs = searchPrograms(engine), found: string[] = [], wanted: string[] = [];
  for (const bound of [-2, .2, .97, 2]) {
    found.length = wanted.length = 0;
    await pairsAbove(programs, queries, rowsGallery(gallery), {
      bounds: new Float32Array(60).fill(bound),
      unit: true,
      from: 130,
      take: (query, row, value) => {
        found.push(`${query} ${row}`);
        assert.ok(Math.abs(value - cosine(queries, query, gallery, row)) < 2e-6);
      },
    });
    for (let query = 0; query < 60; query++) {
      for (let row = 130; row < 400; row++) {
        const value = cosine(queries, query, gallery, row);
        assert.ok(Math.abs(value - bound) > 1e-5, "a pair at the bound would be a matter of rounding");
        if (value > bound) wanted.push(`${query} ${row}`);
      }
    }
    assert.deepEqual(found.toSorted(), wanted.toSorted(), `bound ${bound}`);
  }
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  const options = { bounds: new Float32Array(60), take: () => {}, signal: stop.signal };
  await assert.rejects(pairsAbove(programs, queries, rowsGallery(gallery), options), /enough/);
  const broken: Gallery = {
    ...rowsGallery(gallery),
    async *blocks(most) {
      yield* rowsGallery(gallery).blocks(Math.min(most, 200));
      await Promise.reject(new Error("the disk has gone"));
    },
  };
  await assert.rejects(
    pairsAbove(programs, queries, broken, { ...options, signal: undefined }),
    /the disk has gone/,
  );
  programs.close();
  assert.equal(tf.memory().numTensors, before);
});

/** Groups as a plain look at all pairs and a walk along them. */
function plainGroups(rows: Rows, threshold: number): { groups: number[][]; pairs: number } {
  const near = (a: number, b: number) => cosine(rows, a, rows, b) >= threshold - 1e-6;
  const left = new Set(Array.from({ length: rows.rows }, (_, row) => row)), groups: number[][] = [];
  let pairs = 0;
  for (let a = 0; a < rows.rows; a++) for (let b = a + 1; b < rows.rows; b++) if (near(a, b)) pairs++;
  for (const first of left) {
    const group = [first];
    left.delete(first);
    for (const one of group) {
      for (const other of left) {
        if (!near(one, other)) continue;
        group.push(other);
        left.delete(other);
      }
    }
    if (group.length > 1) groups.push(group.sort((a, b) => a - b));
  }
  return { groups: groups.sort((a, b) => b.length - a.length || a[0] - b[0]), pairs };
}

/** Whether a pair's side of a bound is a matter of rounding. */
function bySide(rows: Rows, bound: number): boolean {
  for (let a = 0; a < rows.rows; a++) {
    for (let b = 0; b < a; b++) if (Math.abs(cosine(rows, a, rows, b) - bound) < 5e-7) return true;
  }
  return false;
}

Deno.test("findDuplicates: as a walk along all pairs", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 40 }),
      fc.integer({ min: 2, max: 4 }),
      fc.integer({ min: 0, max: 1000 }),
      fc.constantFrom(-.5, .3, .9, .999, 1),
      async (count, width, seed, threshold) => {
        const rows = clustered(count, width, seed);
        fc.pre(!bySide(rows, threshold - 1e-6));
        const found = await findDuplicates(engine, rowsGallery(rows), threshold),
          plain = plainGroups(rows, threshold);
        assert.deepEqual(found.groups.map((group) => group.map(({ row }) => row)), plain.groups);
        assert.equal(found.pairs, plain.pairs);
        for (const { row, nearest, cosine: value } of found.groups.flat()) {
          assert.ok(nearest !== row && Math.abs(value - cosine(rows, row, rows, nearest)) < 2e-6);
        }
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("findDuplicates: several outer blocks, equal rows, a filter, empty rows, thresholds that are none", async () => {
  const angles = Array.from({ length: 1100 }, (_, row) => 2 * Math.PI * (row % 1050) / 1050);
  const rows = rowsOf(...angles.map((angle, row) => {
    const length = row === 5 ? 0 : row + 1;
    return [length * Math.cos(angle), length * Math.sin(angle)];
  }));
  const progress: number[] = [];
  const found = await findDuplicates(engine, rowsGallery(rows), 1, {
    together: 256,
    progress: (done, total) => progress.push(done / total),
  });
  // Row 5 is empty, so 49 of the 50 last rows are like one of the first.
  assert.deepEqual([found.pairs, found.groups.length, found.pictures, found.empty], [49, 49, 1099, [5]]);
  assert.deepEqual(found.groups[0].map(({ row, nearest, cosine }) => [row, nearest, cosine]), [
    [0, 1050, 1],
    [1050, 0, 1],
  ]);
  assert.deepEqual(progress, progress.toSorted((a, b) => a - b));
  assert.equal(progress.at(-1), 1);
  const keep = Array.from({ length: 1100 }, (_, row) => row >= 2 && row !== 1052);
  const part = await findDuplicates(engine, keptGallery(rowsGallery(rows), keep), 1, {
    size: 1100,
    together: 300,
  });
  assert.equal(part.pairs, 46);
  for (const threshold of [-1, 1.0001, NaN, Infinity]) {
    await assert.rejects(
      findDuplicates(engine, rowsGallery(rows), threshold),
      /must be above -1 and at most 1/,
    );
  }
});

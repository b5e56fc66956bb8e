import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { permutation } from "../../../src/data/epoch/permutation.ts";

const orderOf = (n: number, seed: number, epoch: number) =>
  Array.from({ length: n }, (_, place) => permutation(n, seed, epoch)(place));

Deno.test("a permutation names every record once", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 700 }),
      fc.nat(2 ** 32 - 1),
      fc.nat(1000),
      (n, seed, epoch) => {
        const order = permutation(n, seed, epoch), seen = new Uint8Array(n);
        for (let place = 0; place < n; place++) seen[order(place)]++;
        assert.ok(seen.every((times) => times === 1));
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("each seed, epoch and size has an order of its own, the same every time", () => {
  const first = orderOf(100, 0, 0);
  assert.deepEqual(first, orderOf(100, 0, 0));
  assert.notDeepEqual(first, Array.from({ length: 100 }, (_, i) => i));
  assert.notDeepEqual(first, orderOf(100, 0, 1));
  assert.notDeepEqual(first, orderOf(100, 1, 0));
  assert.notDeepEqual(first, orderOf(101, 0, 0).filter((record) => record < 100));
});

Deno.test("every record comes to every place about as often", () => {
  // 6 records, 1200 epochs: each of 36 cells expects 200; chi-square over 25 degrees of freedom, 99.99 % at 59.
  const n = 6, epochs = 1200, cells = new Float64Array(n * n);
  for (let epoch = 0; epoch < epochs; epoch++) {
    orderOf(n, 5, epoch).forEach((record, place) => cells[place * n + record]++);
  }
  const chi = cells.reduce((sum, seen) => sum + (seen - epochs / n) ** 2 / (epochs / n), 0);
  assert.ok(chi < 59, `chi-square ${chi}`);
});

Deno.test("large counts work at both ends, and need no table", () => {
  for (const n of [2 ** 31, 2 ** 32 - 1, 2 ** 32]) {
    const order = permutation(n, 1, 2), records = [0, 1, n - 1].map(order);
    assert.equal(new Set(records).size, 3);
    assert.ok(records.every((record) => Number.isInteger(record) && record >= 0 && record < n));
  }
});

Deno.test("what is out of range is refused", () => {
  for (const n of [0, -1, 1.5, 2 ** 32 + 1]) assert.throws(() => permutation(n, 0, 0), /1 to 2\^32 records/);
  assert.throws(() => permutation(5, -1, 0), /seed/);
  assert.throws(() => permutation(5, 0, 0.5), /epoch/);
  for (const place of [-1, 5, 0.5]) assert.throws(() => permutation(5, 0, 0)(place), /place/);
});

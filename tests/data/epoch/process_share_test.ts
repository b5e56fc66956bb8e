import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { parseProcess, part } from "../../../src/data/epoch/process_share.ts";

Deno.test("part: disjoint, equally long, together the whole but for a remainder", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 40 }), (length, count) => {
      fc.pre(count <= length);
      const parts = Array.from({ length: count }, (_, i) => part(length, i, count));
      assert.ok(parts.every((one) => one.length === Math.floor(length / count)));
      const places = parts.flatMap((one) => Array.from({ length: one.length }, (_, j) => one.place(j)));
      const whole = Array.from({ length: length - length % count }, (_, i) => i);
      assert.deepEqual(places.sort((a, b) => a - b), whole);
    }),
  );
});

Deno.test("part: after j records of each process the first j · n places are consumed", () => {
  const parts = [0, 1, 2].map((i) => part(100, i, 3));
  const consumed = parts.flatMap((one) => [0, 1, 2, 3].map((j) => one.place(j)));
  assert.deepEqual(consumed.sort((a, b) => a - b), Array.from({ length: 12 }, (_, i) => i));
});

Deno.test("part: impossible splits are refused", () => {
  assert.throws(() => part(10, 3, 3), /process 3 of 3 does not exist/);
  assert.throws(() => part(2, 0, 3), /2 records cannot be split among 3/);
  assert.throws(() => part(10, 0, 0), /at least 1/);
  assert.throws(() => part(10, 0, 2).place(5), /place 5/);
  assert.deepEqual(parseProcess("1/4"), { index: 1, count: 4 });
  for (const text of ["4/4", "1", "a/b", "1/0", "-1/2"]) assert.throws(() => parseProcess(text), /--process/);
});

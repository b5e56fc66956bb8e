import assert from "node:assert/strict";
import { studentT, summarise } from "../../src/ablate/statistics.ts";

const near = (a: number | undefined, b: number, by = 1e-9) =>
  assert.ok(a !== undefined && Math.abs(a - b) <= by, `${a} is not ${b}`);

Deno.test("Student's t: known points, and no jump where the table ends", () => {
  // Published tables: 1, 2, 10, 30, 40, 100 degrees of freedom.
  for (const [freedom, t] of [[1, 12.706], [2, 4.303], [10, 2.228], [30, 2.042], [40, 2.021], [100, 1.984]]) {
    near(studentT(freedom), t, 1e-3);
  }
  for (let n = 1; n < 60; n++) assert.ok(studentT(n + 1) < studentT(n), `${n}`);
  for (const wrong of [0, -1, 1.5, NaN]) assert.throws(() => studentT(wrong), RangeError);
});

Deno.test("a summary: mean, deviation of the sample, interval; of one figure the mean alone", () => {
  const { count, mean, deviation, interval } = summarise([1, 2, 4]);
  assert.equal(count, 3);
  near(mean, 7 / 3);
  near(deviation, Math.sqrt(((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2));
  near(interval![1] - mean, 4.303 * deviation! / Math.sqrt(3));
  near(mean - interval![0], interval![1] - mean);
  assert.deepEqual(summarise([0.5]), { count: 1, mean: 0.5 });
  assert.throws(() => summarise([]), RangeError);
});

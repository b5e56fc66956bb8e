import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { curveBuilder } from "../../src/report/curves.ts";

Deno.test("short curves stay as they are; what is no number leaves a gap", () => {
  const builder = curveBuilder(4, new Set(["step"]));
  builder.add(1, { step: 1, a: 5 });
  builder.add(3, { step: 3, a: null, b: "x", c: Infinity });
  builder.add(7, { step: 7, a: 2.0000004, b: -1 });
  assert.equal(builder.add(7, { a: 1 }), false);
  assert.equal(builder.add(2, { a: 1 }), false);
  assert.deepEqual(builder.curves(), {
    lines: 3,
    perPoint: 1,
    steps: [1, 3, 7],
    values: { a: [5, null, 2], b: [null, null, -1] },
    last: { a: 2.0000004, b: -1 },
  });
});

Deno.test("where the last step may come again, what it said at last counts", () => {
  const builder = curveBuilder(2, new Set(), true);
  builder.add(5, { a: 1, b: 1 });
  builder.add(10, { a: 2, b: 2 });
  assert.equal(builder.add(10, { a: 3 }), true);
  assert.equal(builder.add(5, { a: 9 }), false);
  assert.deepEqual(builder.curves(), {
    lines: 2,
    perPoint: 1,
    steps: [5, 10],
    values: { a: [1, 3], b: [1, null] },
    last: { a: 3, b: 2 },
  });
  // In a point of several steps it is one more.
  for (const [step, a] of [[15, 4], [20, 5], [20, 9], [25, 6]]) builder.add(step, { a });
  const { steps, values: { a }, last } = builder.curves();
  assert.deepEqual([steps, a, last.a], [[5, 20, 25], [1, 9, 6], 6]);
});

Deno.test("curves of any length keep every point's least and most, in their order", () => {
  const values = fc.array(fc.oneof(fc.integer({ min: -50, max: 50 }), fc.constant(null)), { maxLength: 120 });
  fc.assert(fc.property(values, fc.constantFrom(2, 4, 8), (values, limit) => {
    const builder = curveBuilder(limit);
    values.forEach((a, i) => builder.add(i + 1, { a }));
    const { lines, perPoint, steps, values: { a = [] } } = builder.curves();
    assert.equal(lines, values.length);
    assert.ok(values.length <= limit * perPoint && perPoint <= Math.max(1, 2 * values.length / limit));
    assert.ok(steps.every((step, i) => i === 0 || step > steps[i - 1]), `${steps}`);
    if (values.length > 0) assert.deepEqual([steps[0], steps.at(-1)], [1, values.length]);
    let at = 0;
    for (let from = 0; from < values.length; from += perPoint) {
      const part = values.slice(from, from + perPoint), there = part.filter((value) => value !== null);
      const [least, most] = [Math.min(...there), Math.max(...there)];
      const rising = part.indexOf(least) < part.indexOf(most) || least === most;
      const pair = there.length === 0 ? [null, null] : rising ? [least, most] : [most, least];
      const wanted = part.length > 1 ? pair : [pair[0]];
      // A name that never had a value has no curve.
      if (a.length > 0) assert.deepEqual(a.slice(at, at + wanted.length), wanted);
      at += wanted.length;
    }
  }));
});

Deno.test("names without end take no memory without end", () => {
  const builder = curveBuilder(10);
  for (let i = 1; i <= 300; i++) builder.add(i, { [`name ${i}`]: 1 });
  assert.equal(Object.keys(builder.curves().values).length, 100);
});

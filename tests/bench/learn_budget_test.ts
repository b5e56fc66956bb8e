import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { commonMarks, markEvery, markNear, marksOf, picturesIn, stepsOf } from "../../bench/learn/budget.ts";

Deno.test("seconds are pictures by the rate, and the start counts", () => {
  const rate = { steady: 100, first: 20 };
  // 20 s for the first step, then 80 s of 100 pictures a second: 80 steps more.
  assert.equal(picturesIn(100, rate, 100), 8100);
  assert.equal(picturesIn(100.5, rate, 100), 8100);
  assert.throws(
    () => picturesIn(20.5, rate, 100),
    /20\.5 seconds are 1 steps of 100 pictures .* more --minutes/,
  );
  assert.throws(() => picturesIn(3, rate, 100), /are 0 steps/);
  assert.equal(stepsOf(1000, 128), 8);
  assert.throws(() => stepsOf(128, 128), /fewer than two steps/);
});

Deno.test("marks double from the first, are whole steps, and end at the end", () => {
  assert.deepEqual(marksOf(10, 100, 200).map(({ pictures }) => pictures), [200, 400, 800, 1000]);
  // Eight steps would be too near to the end.
  assert.deepEqual(marksOf(8, 100, 200).map(({ step }) => step), [2, 4, 8]);
  assert.deepEqual(marksOf(2, 100, 1e9), [{ step: 2, pictures: 200 }]);
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 5000 }),
      fc.integer({ min: 1, max: 512 }),
      fc.integer({ min: 1, max: 1e5 }),
      (
        steps,
        batch,
        first,
      ) => {
        const marks = marksOf(steps, batch, first), every = markEvery(batch, first);
        assert.equal(marks.at(-1)!.step, steps);
        marks.forEach(({ step, pictures }, i) => {
          assert.equal(pictures, step * batch);
          assert.ok(i === 0 || step > marks[i - 1].step);
          // Checkpoints of ours come every so many steps, and must hit all marks but the end.
          if (i < marks.length - 1) assert.equal(step % every, 0);
        });
      },
    ),
  );
});

Deno.test("equal pictures are those at which all runs were looked at", () => {
  const short = marksOf(30, 100, 500), long = marksOf(200, 50, 500);
  assert.deepEqual(commonMarks([short, long]), [2000, 1000, 500]);
  assert.deepEqual(commonMarks([long, short])[0], 2000);
  assert.deepEqual(commonMarks([]), []);
  assert.deepEqual(commonMarks([marksOf(4, 100, 1e9), marksOf(9, 100, 1e9)]), []);
  // The end of one counts where it is as far as another's mark.
  assert.deepEqual(commonMarks([marksOf(4, 100, 100), marksOf(100, 100, 100)]), [400, 200, 100]);
  assert.equal(markNear(short, 2050)?.pictures, 2000);
  assert.equal(markNear(short, 2400), undefined);
});

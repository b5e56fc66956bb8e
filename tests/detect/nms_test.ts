import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { type Detections, suppress } from "../../src/detect/nms.ts";

type Found = [x: number, y: number, w: number, h: number, kind: number, score: number];

const detections = (found: readonly Found[]): Detections => ({
  boxes: Float64Array.from(found.flatMap(([x, y, w, h]) => [x, y, x + w, y + h])),
  classes: Int32Array.from(found, (one) => one[4]),
  scores: Float64Array.from(found, (one) => one[5]),
});

const overlap = ([ax, ay, aw, ah]: Found, [bx, by, bw, bh]: Found) => {
  let common = 0, all = 0;
  // Boxes of whole pixels: counted.
  for (let x = 0; x < 24; x++) {
    for (let y = 0; y < 24; y++) {
      const a = x >= ax && x < ax + aw && y >= ay && y < ay + ah;
      const b = x >= bx && x < bx + bw && y >= by && y < by + bh;
      common += Number(a && b);
      all += Number(a || b);
    }
  }
  return common / all;
};

/** Takes the best that is left and strikes out what overlaps it, until nothing is left. */
function suppressedPlainly(found: readonly Found[], most: number): number[] {
  let left = found.map((one, i) => ({ one, i }));
  const kept: number[] = [];
  while (left.length > 0 && kept.length < most) {
    const best = left.reduce((a, b) => b.one[5] > a.one[5] ? b : a);
    kept.push(best.i);
    left = left.filter((other) =>
      other !== best && !(other.one[4] === best.one[4] && overlap(other.one, best.one) > 0.6)
    );
  }
  return kept;
}

const side = fc.integer({ min: 1, max: 8 }), place = fc.integer({ min: 0, max: 12 });
const one: fc.Arbitrary<Found> = fc.tuple(
  place,
  place,
  side,
  side,
  fc.nat(1),
  fc.integer({ min: 1, max: 9 }),
);

Deno.test("suppression is that of brute force: by class, by score, the first of equals, so many at most", () => {
  fc.assert(
    fc.property(fc.array(one, { maxLength: 14 }), fc.integer({ min: 1, max: 6 }), (found, most) => {
      const rows = suppressedPlainly(found, most);
      assert.deepEqual(suppress(detections(found), { most }), detections(rows.map((row) => found[row])));
    }),
    { numRuns: 300 },
  );
});

Deno.test("an overlap of just the limit stays; other classes do not matter", () => {
  // 5 × 4 and the 3 columns of it: 12 of 20 pixels.
  const found: Found[] = [[0, 0, 5, 4, 0, 9], [0, 0, 3, 4, 0, 8], [0, 0, 5, 4, 1, 7], [0, 0, 5, 4, 0, 6]];
  assert.deepEqual([...suppress(detections(found)).scores], [9, 8, 7]);
  assert.deepEqual([...suppress(detections(found), { overlap: 0.5 }).scores], [9, 7]);
});

import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { boxIou, maskIou } from "../../src/coco/iou.ts";
import {
  type Mask,
  maskArea,
  maskBox,
  maskFromPixels,
  pixelsOfMask,
  runsFromText,
  textFromRuns,
  uniteMasks,
} from "../../src/coco/mask.ts";
import { maskList } from "../../src/coco/mask_list.ts";
import { boxMask, polygonMask } from "../../src/coco/polygon.ts";
import { maskOfSegmentation } from "../../src/coco/segmentation.ts";

/** A mask of 4 × 5 pixels from its text. */
const of = (counts: string): Mask => ({ height: 4, width: 5, runs: runsFromText(counts) });
const text = ({ runs }: Mask) => textFromRuns(runs);

/** Pixels of two pictures of the same size. */
const twoPictures = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).chain(
  ([height, width]) => {
    const pixels = fc.array(fc.constantFrom(0, 1), { minLength: height * width, maxLength: height * width });
    return fc.tuple(pixels, pixels).map(([a, b]) => ({
      height,
      width,
      a: Uint8Array.from(a),
      b: Uint8Array.from(b),
    }));
  },
);

Deno.test("masks: COCO's texts of run lengths, areas and boxes", () => {
  const middle = new Uint8Array(20);
  for (const y of [1, 2]) for (const x of [1, 2, 3]) middle[y * 5 + x] = 1;
  const mask = maskFromPixels(middle, 4, 5);
  assert.deepEqual([...mask.runs], [5, 2, 2, 2, 2, 2, 5]);
  assert.equal(text(mask), "5220003");
  assert.deepEqual([maskArea(mask), maskBox(mask)], [6, [1, 1, 3, 2]]);
  assert.deepEqual([...runsFromText("01c0")], [0, 1, 19]);
  assert.deepEqual([...runsFromText("d0")], [20]);
  assert.deepEqual([maskArea(of("d0")), maskBox(of("d0"))], [0, [0, 0, 0, 0]]);
  assert.deepEqual([maskArea(of("0d0")), maskBox(of("0d0"))], [20, [0, 0, 5, 4]]);
  // A run that goes on in the next column spans all rows.
  assert.deepEqual(maskBox({ height: 4, width: 5, runs: Uint32Array.of(3, 2, 15) }), [0, 0, 2, 4]);
  // Runs of nothing count for no box.
  assert.deepEqual(maskBox({ height: 4, width: 5, runs: Uint32Array.of(0, 0, 5, 2, 13) }), [1, 1, 1, 2]);
});

Deno.test("masks: texts hold any runs, pixels any masks", () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 2 ** 32 - 1 }), { maxLength: 20 }), (runs) => {
    assert.deepEqual([...runsFromText(textFromRuns(runs))], runs);
  }));
  fc.assert(fc.property(twoPictures, ({ height, width, a }) => {
    const mask = maskFromPixels(a, height, width), list = maskList();
    assert.deepEqual(pixelsOfMask(mask), a);
    assert.equal(maskArea(mask), a.reduce((sum, pixel) => sum + pixel, 0));
    list.push(mask);
    assert.deepEqual(list.get(0), mask);
  }));
});

Deno.test("masks: union and overlap are those of the pixels", () => {
  fc.assert(fc.property(twoPictures, ({ height, width, a, b }) => {
    const [left, right] = [maskFromPixels(a, height, width), maskFromPixels(b, height, width)];
    const any = a.map((pixel, i) => pixel | b[i]), both = a.map((pixel, i) => pixel & b[i]);
    const count = (pixels: Uint8Array) => pixels.reduce((sum, pixel) => sum + pixel, 0);
    assert.deepEqual(pixelsOfMask(uniteMasks([left, right])), any);
    assert.equal(maskIou(left, right), count(both) === 0 ? 0 : count(both) / count(any));
    assert.equal(maskIou(left, right, true), count(both) === 0 ? 0 : count(both) / count(a));
  }));
  const other = maskFromPixels(new Uint8Array(20).fill(1), 5, 4);
  assert.equal(maskIou(of("0d0"), other), -1);
  assert.throws(() => uniteMasks([of("0d0"), other]), /4 × 5 and 5 × 4/);
  assert.throws(() => uniteMasks([]), /no mask/);
});

Deno.test("boxes: overlap, and of a crowd that of the detection", () => {
  assert.equal(boxIou([0, 0, 2, 4], [1, 0, 4, 4]), 0.2);
  assert.equal(boxIou([0, 0, 2, 4], [1, 0, 4, 4], true), 0.5);
  assert.equal(boxIou([0, 0, 2, 4], [2, 0, 4, 4]), 0);
  assert.equal(boxIou([0, 0, 0, 4], [0, 0, 4, 4]), 0);
});

Deno.test("polygons: drawn as COCO's C code draws them", () => {
  const size = { height: 4, width: 5 };
  const drawn = (...polygons: number[][]) => maskOfSegmentation(polygons, size);
  assert.equal(text(drawn([1, 1, 1, 3, 3, 3, 3, 1])), "52207");
  const box = drawn([0.4, 0.4, 0.4, 2.6, 3.6, 2.6, 3.6, 0.4]);
  assert.deepEqual([text(box), maskArea(box)], ["031000004", 12]);
  const triangle = drawn([1.5, 0.5, 3.5, 2.5, 0.5, 3.5]);
  assert.deepEqual([text(triangle), maskArea(triangle)], ["52201O2", 5]);
  assert.equal(text(drawn([0, 0, 0, 2, 2, 2, 2, 0], [3, 2, 3, 4, 5, 4, 5, 2])), "022060J0");
  // A corner that stands twice changes nothing.
  assert.equal(text(drawn([1, 1, 1, 3, 1, 3, 3, 3, 3, 1])), "52207");
  // What is too short encloses nothing.
  assert.equal(text(drawn([1, 1, 1, 3, 3, 3, 3, 1], [0, 0, 4, 3])), "52207");
});

Deno.test("polygons: boxes of whole pixels are exact, wherever they lie", () => {
  const side = fc.integer({ min: -4, max: 12 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (x, y, w, h) => {
      const pixels = Uint8Array.from({ length: 8 * 9 }, (_, i) => {
        const column = i % 9, row = Math.floor(i / 9);
        return Number(column >= x && column < x + w && row >= y && row < y + h);
      });
      assert.deepEqual(pixelsOfMask(boxMask([x, y, w, h], 8, 9)), pixels);
    }),
  );
});

Deno.test("masks: what cannot be one is refused", () => {
  const size = { height: 4, width: 5 };
  for (
    const [segmentation, words] of [
      [{ size: [4, 5], counts: [5, 10, 6] }, /21 pixels, its picture of 4 × 5 only 20/],
      [{ size: [4, 5], counts: textFromRuns([5, 10, 6]) }, /21 pixels/],
      [{ size: [4, 5], counts: [5, -1] }, /run 1 of a mask is -1/],
      [{ size: [4, 5], counts: [1.5] }, /run 0 of a mask is 1.5/],
      [{ size: [4, 5], counts: "5o" }, /break off/],
      [{ size: [4, 5], counts: "5 2" }, /character " "/],
      [{ size: [4, 5], counts: "A" }, /run 0 of a mask is -/],
      [{ size: [0, 5], counts: [] }, /size is \[0, 5\]/],
      [{ size: [4], counts: [20] }, /a list of polygons or/],
      [null, /a list of polygons or .* not null/],
      ["x", /a list of polygons or/],
      [[], /empty list/],
      [[[]], /a polygon of 0 numbers/],
      [[[1, 2]], /a polygon of 2 numbers; it needs three points/],
      [[[1, 2, 3, 4, 5, 6, 7]], /x and y come in turn/],
      [[[1, 2, 3, 4]], /a polygon of 4 numbers; it needs three points/],
      [[[1, 2, 3, 4, 5, 1e9]], /point 2 is \(5, 1000000000\)/],
      [[[1, 2, 3, 4, 5, null]], /a list of numbers/],
    ] as const
  ) {
    assert.throws(() => maskOfSegmentation(segmentation, size), words, JSON.stringify(segmentation));
  }
  assert.throws(
    () => maskOfSegmentation([[1, 1, 2, 2, 3, 1]], undefined),
    /height and width are not given/,
  );
  assert.throws(() => polygonMask([], 4, 5), /0 numbers/);
});

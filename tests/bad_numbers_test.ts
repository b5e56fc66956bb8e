/** Lists that do not fit each other, and numbers out of range: an error, and never a figure. */
import assert from "node:assert/strict";
import { completeOptions } from "../src/coco/options.ts";
import { maskFromPixels, textFromRuns } from "../src/coco/mask.ts";
import { maskList } from "../src/coco/mask_list.ts";
import { boxMask } from "../src/coco/polygon.ts";
import { suppress } from "../src/detect/nms.ts";
import { bootstrap } from "../src/eval/hits.ts";
import { knnClasses, knnHits } from "../src/eval/knn.ts";
import { unitRows } from "../src/eval/rows.ts";
import { rowsGallery } from "../src/eval/search/gallery.ts";
import { judge } from "../src/finetune/measures.ts";
import { queryFigures, reidMetrics } from "../src/reid/metrics.ts";
import { heldRows } from "../src/reid/scores.ts";
import { cropMap, cutBoxes, letterBox, moveBoxes, resizeMap } from "../src/views/boxes.ts";
import { packView } from "../src/views/pack.ts";
import { DEFAULT_VIEWS, sampleView } from "../src/views/sample.ts";

const refuses = (compute: () => unknown, pattern: RegExp) =>
  assert.throws(
    compute,
    (error) => /^(Range|Coco)Error$/.test((error as Error).name) && pattern.test(`${error}`),
  );

Deno.test("neighbours vote for the classes that there are, k of them, and each query has a class", () => {
  const found = { queries: 1, k: 2, indices: Int32Array.of(0, 1), cosines: Float32Array.of(0.9, 0.5) };
  assert.deepEqual([...knnClasses(found, [1, 0], 2, 2)], [1]);
  for (const k of [0, -1, NaN, 1.5, 3]) {
    refuses(() => knnClasses(found, [0, 1], 2, k), /: k is /);
    refuses(() => knnHits(found, [0, 1], [0], 2, [1, k]), /: k is /);
  }
  for (const labels of [[7, 1], [-1, 1], [0.5, 1], []]) {
    refuses(
      () => knnClasses(found, labels, 2, 2),
      /row 0 of the gallery is of class .*, none of the 2 classes from 0 on/,
    );
    refuses(() => knnHits(found, labels, [0], 2, [1]), /row 0 of the gallery is of class/);
  }
  refuses(() => knnHits(found, [0, 1], [], 2, [1]), /there are 1 queries, but classes of 0/);
});

Deno.test("rows are as many numbers as they say", () => {
  const short = { rows: 2, width: 2, data: Float32Array.of(1, 1) };
  for (const take of [unitRows, rowsGallery, heldRows]) {
    refuses(() => take(short), /2 rows of 2 numbers cannot be 2 numbers/);
  }
  refuses(() => bootstrap([]), /no values/);
  refuses(() => bootstrap([1], 0, 0), /draws is 0/);
});

Deno.test("predictions have a probability for each class, and ranks are whole numbers", () => {
  const one = (label: number, ...probabilities: number[]) => () =>
    judge([{ label, probabilities: Float64Array.from(probabilities) }], ["a", "b"]);
  assert.equal(one(1, 0.25, 0.75)().top1, 1);
  refuses(one(0.5, 0.5, 0.5), /class number 0\.5 is none/);
  refuses(one(0, 0.5, 0.3, 0.2), /picture 0 has 3 probabilities, but there are 2 classes/);
  refuses(one(1, 1), /picture 0 has 1 probabilities/);
  for (const share of [NaN, -0.1, 7]) refuses(one(0, 0.5, share), /picture 0 has a probability of/);
  refuses(() => queryFigures([1.5]), /ranks must rise/);
  for (const k of [0, -1, NaN]) {
    refuses(() => reidMetrics([[1]], { at: [k] }), /a rank of the cumulative matching is/);
  }
});

Deno.test("options of COCO's evaluation, masks and detections that cannot be", () => {
  const options = [{ iouThresholds: [] }, { iouThresholds: [NaN] }, { iouThresholds: [2] }, {
    recallPoints: [],
  }];
  for (const given of options) {
    refuses(() => completeOptions(given), /, not at least one number from 0 to 1$/);
  }
  refuses(() => completeOptions({ areas: { all: [5, 1] } }), /areas "all" is \[5, 1\], not two numbers/);
  refuses(() => completeOptions({ areas: {} }), /areas has no range/);
  for (const run of [-1, NaN, 1.5, Infinity]) refuses(() => textFromRuns([0, run]), /run 1 of a mask is/);
  refuses(() => maskFromPixels(new Uint8Array(3), 2, 2), /has 4 pixels, not 3/);
  for (const side of [NaN, -1, 1.5]) {
    refuses(() => boxMask([0, 0, 1, 1], side, 4), /both must be whole numbers/);
  }
  for (const index of [0, -1, NaN]) refuses(() => maskList().get(index), /is none of 0/);
  const found = {
    boxes: new Float64Array(8),
    classes: Int32Array.of(0, 0),
    scores: Float64Array.of(0.5, 0.9),
  };
  for (const overlap of [NaN, -1, 2]) refuses(() => suppress(found, { overlap }), /overlap is/);
  for (const most of [NaN, -1, 1.5]) refuses(() => suppress(found, { most }), /most is/);
  refuses(() => suppress({ ...found, classes: Int32Array.of(0) }), /do not fit 2 scores/);
  refuses(() => suppress({ ...found, scores: Float64Array.of(NaN, 1) }), /score is no number/);
});

Deno.test("boxes have four numbers, pictures have sides, and a packed view begins at a number", () => {
  const [some, none] = [{ width: 4, height: 4 }, { width: 0, height: 4 }], map = resizeMap(some, some);
  refuses(() => moveBoxes(new Float64Array(3), map), /3 numbers are no boxes/);
  refuses(() => cutBoxes(new Float64Array(5), some), /5 numbers are no boxes/);
  for (const make of [resizeMap, letterBox]) {
    refuses(() => make(none, some), /is 0 × 4 pixels; both sides must be above 0/);
    refuses(() => make(some, none), /is 0 × 4 pixels/);
  }
  refuses(() => cropMap({ top: 0, left: 0, ...none }, some), /the crop is 0 × 4 pixels/);
  const view = sampleView(DEFAULT_VIEWS, 0, 0, 0, 0);
  for (const offset of [NaN, 0.5, -1]) {
    refuses(() => packView(view, new Float32Array(20), offset), /takes 16 numbers from/);
  }
});

import assert from "node:assert/strict";
import { cocoDetections } from "../../src/coco/detections.ts";
import { evaluateCoco } from "../../src/coco/evaluate.ts";
import { IOU_THRESHOLDS } from "../../src/coco/options.ts";
import { reportCoco, summarizeCoco } from "../../src/coco/summary.ts";
import { summaryLines } from "../../src/coco/text.ts";
import { cocoTruth } from "../../src/coco/truth.ts";
import type { CocoAnnotation, CocoResult, IouType } from "../../src/coco/types.ts";

const images = [{ id: 7, height: 100, width: 100 }, { id: 3, height: 100, width: 100 }];
const categories = [{ id: 18, name: "dog" }, { id: 90, name: "toothbrush" }];
const BOX = [10, 10, 40, 40] as const;

const annotation = (rest: Partial<CocoAnnotation> = {}): CocoAnnotation => ({
  ...{ id: 1, image_id: 7, category_id: 18, bbox: BOX, area: 1600, iscrowd: 0 },
  ...rest,
});
const result = (score: number, rest: Partial<CocoResult> = {}): CocoResult => ({
  ...{ image_id: 7, category_id: 18, bbox: BOX },
  ...{ ...rest, score },
});
/** A mask without a box. */
const masked = (segmentation: unknown): CocoResult => ({
  image_id: 7,
  category_id: 18,
  score: 0.9,
  segmentation,
});

/** pycocotools' precision never quite reaches 1. */
function near(found: number[], expected: number[]): void {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-12, `${found}, not ${expected}`));
}

function evaluated(
  annotations: CocoAnnotation[],
  results: CocoResult[],
  iouType: IouType = "bbox",
  options = {},
) {
  const truth = cocoTruth({ images, categories, annotations }, iouType);
  const evaluation = evaluateCoco(truth, cocoDetections(truth, results), options);
  return { ...summarizeCoco(evaluation), notes: evaluation.notes, evaluation, truth };
}

Deno.test("a right detection behind a wrong one", () => {
  const { AP, AR1, AR10, AR100, APs, APm, APl } = evaluated([annotation()], [
    result(0.3),
    result(0.8, { bbox: [70, 70, 9, 9] }),
  ]);
  near([AP, AR1, AR10, AR100], [0.5, 0, 1, 1]);
  // In medium the wrong one, whose area is small, is ignored.
  near([APs, APm, APl], [-1, 1, -1]);
});

Deno.test("of two equal objects the later is found; the other is missed", () => {
  const { AP, AR100 } = evaluated([annotation(), annotation({ id: 2 })], [result(0.9)]);
  near([AP, AR100], [51 / 101, 0.5]);
});

Deno.test("of two that overlap alike the later is taken, and an IoU at the threshold is enough", () => {
  const left = annotation({ bbox: [0, 0, 10, 10] }), right = annotation({ id: 2, bbox: [10, 0, 10, 10] });
  const both = result(0.9, { bbox: [0, 0, 20, 10] }), second = result(0.8, { bbox: [0, 0, 10, 10] });
  near([evaluated([left, right], [both, second]).AP50], [1]);
  near([evaluated([right, left], [both, second]).AP50], [51 / 101]);
});

Deno.test("among ignored objects, too, the one that overlaps most is taken", () => {
  // By their areas all but the first are too large for the small ones.
  const found = annotation({ area: 100 }),
    large = (id: number, bbox: number[]) => annotation({ id, bbox, area: 5000 });
  const small = (score: number, bbox: number[]) => result(score, { bbox });
  const { APs } = evaluated(
    [annotation({ ...found, bbox: [80, 80, 5, 5] }), large(2, [0, 0, 10, 10]), large(3, [0, 0, 10, 20])],
    [
      small(0.9, [0, 0, 10, 19]),
      small(0.8, [0, 0, 10, 10]),
      small(0.7, [80, 80, 5, 5]),
    ],
    "bbox",
    { iouThresholds: [0.51] },
  );
  near([APs], [1]);
});

Deno.test("what lies in a crowd is ignored, as often as it comes", () => {
  const crowd = annotation({ id: 2, iscrowd: 1, bbox: [60, 60, 30, 30], area: 900 });
  const inside = (score: number) => result(score, { bbox: [65, 65, 10, 10] });
  const { AP, AR1, AR100 } = evaluated([annotation(), crowd], [inside(0.9), inside(0.8), result(0.5)]);
  near([AP, AR1, AR100], [1, 0, 1]);
});

Deno.test("an area at the end of a range belongs to both ranges", () => {
  const { APs, APm, APl } = evaluated([annotation({ area: 1024 })], [result(0.9)]);
  near([APs, APm, APl], [1, 1, -1]);
});

Deno.test("thresholds are those of numpy, the last but one below 0.9", () => {
  assert.equal(IOU_THRESHOLDS.length, 10);
  assert.deepEqual([IOU_THRESHOLDS[0], IOU_THRESHOLDS[5], IOU_THRESHOLDS[8], IOU_THRESHOLDS[9]], [
    0.5,
    0.75,
    0.8999999999999999,
    0.95,
  ]);
});

Deno.test("without categories any object is found by any detection", () => {
  const other = [result(0.9, { category_id: 90 })];
  assert.equal(evaluated([annotation()], other).AP, 0);
  const { AP, evaluation, truth } = evaluated([annotation()], other, "bbox", { categories: false });
  near([AP], [1]);
  assert.deepEqual(
    reportCoco(truth, evaluation).categories.map((
      { name, objects, detections },
    ) => [name, objects, detections]),
    [
      ["all categories", 1, 1],
    ],
  );
});

Deno.test("nothing found, nothing to find, nothing at all", () => {
  const none = evaluated([annotation()], []);
  assert.deepEqual([none.AP, none.AR100, none.APs], [0, 0, -1]);
  const empty = evaluated([], [result(0.5)]);
  assert.deepEqual([empty.AP, empty.AR100], [-1, -1]);
  assert.equal(evaluated([], []).AP, -1);
});

Deno.test("categories are numbered by their ids, gaps or not, and have figures of their own", () => {
  const { evaluation, truth } = evaluated(
    [annotation(), annotation({ id: 2, image_id: 3, category_id: 90 })],
    [result(0.9)],
  );
  const rows = reportCoco(truth, evaluation).categories;
  assert.deepEqual(rows.map(({ id, name, objects, detections, AR }) => [id, name, objects, detections, AR]), [
    ["18", "dog", 1, 1, 1],
    ["90", "toothbrush", 1, 0, 0],
  ]);
  near(rows.map(({ AP }) => AP), [1, 0]);
});

Deno.test("oddities that pycocotools passes over in silence are told, and counted as it counts them", () => {
  const { AP, notes } = evaluated([
    annotation({ id: 0 }),
    annotation({ id: 5, image_id: 3, bbox: [0, 0, 0, 10] }),
    annotation({ id: 5, image_id: 3, bbox: [90, 90, 30, 5], area: null }),
    annotation({ id: 8, image_id: 77 }),
    annotation({ id: 9, category_id: 4 }),
  ], [
    result(0.9),
    result(0.9),
    result(0.5, { category_id: 91 }),
    result(0.1, { image_id: 3, bbox: [5, 5, 0, 0] }),
  ]);
  assert.ok(AP > 0.3 && AP < 0.4, "id 0 is found, unlike in pycocotools");
  assert.deepEqual(notes, [
    "1 annotation has a box without area, which nothing can find: id 5",
    "1 annotation has no area, which is taken from the box: id 5",
    "1 annotation has a box that reaches out of the picture: id 5",
    "1 annotation is of a picture that is not listed and is passed over: image_id 77",
    "1 annotation has an id below 1 and counts like any other (pycocotools never finds id 0): id 0",
    "1 annotation has another one's id; both count: id 5",
    "1 annotation is of a category that is not listed and is passed over: category_id 4",
    "1 detection is of a category that ground truth does not list and is passed over: results[2], category_id 91",
    "1 detection has a box without area, which finds nothing: results[3]",
    "1 detection equals another in picture, category, score and place; as in pycocotools, each counts",
  ]);
});

Deno.test("ids of the other kind, and objects of which none counts, are told", () => {
  assert.deepEqual(
    evaluated(
      [annotation(), annotation({ id: 2, image_id: "7" }), annotation({ id: 3, category_id: "18" })],
      [
        result(0.9, { category_id: "18" }),
      ],
    ).notes,
    [
      "1 annotation is of a picture that is not listed and is passed over: image_id 7; it is a text, and ids there are numbers",
      "1 annotation is of a category that is not listed and is passed over: category_id 18; it is a text, and ids there are numbers",
      "1 detection is of a category that ground truth does not list and is passed over: results[0], category_id 18; it is a text, " +
      "and ids there are numbers",
    ],
  );
  const none = "ground truth has no object that is to be found, so every figure is −1";
  for (const objects of [[], [annotation({ iscrowd: 1 })]]) {
    const { AP, notes } = evaluated(objects, [result(0.9)]);
    assert.deepEqual([AP, notes], [-1, [none]]);
  }
});

Deno.test("masks: areas come from the result's box where it has one, and a mask of another size finds nothing", () => {
  const segmentation = { size: [100, 100], counts: [0, 1600, 8400] };
  const object = annotation({ segmentation });
  near([evaluated([object], [masked(segmentation)], "segm").AP], [1]);
  near([evaluated([object], [result(0.9, { segmentation })], "segm").AP], [1]);
  const other = { size: [100, 101], counts: [0, 1600, 8500] };
  const { AP, notes } = evaluated([object], [masked(other)], "segm");
  assert.equal(AP, 0);
  assert.deepEqual(notes, [
    "1 detection has a mask of another size than the picture and finds nothing: results[0]",
  ]);
  const short = evaluated([
    annotation({ segmentation: [[10, 10, 10, 50, 50, 50, 50, 10], [60, 60, 70, 70]] }),
  ], [
    result(0.9),
  ], "segm");
  near([short.AP], [1]);
  assert.deepEqual(short.notes, [
    "1 annotation has a polygon of fewer than three points, which encloses nothing: id 1",
  ]);
  assert.throws(
    () => evaluated([annotation({ segmentation: [[10, 10, 40, 40]] })], [], "segm"),
    /annotations\[0\] \(id 1\): a polygon of 4 numbers; it needs three points/,
  );
});

Deno.test("entries that cannot be evaluated are refused, with their place", () => {
  const truth = cocoTruth({ images, categories, annotations: [annotation()] });
  const refuse = (entry: unknown, words: RegExp) =>
    assert.throws(() => cocoDetections(truth, [result(0.5), entry as CocoResult], "r.json"), words);
  refuse(result(NaN), /^CocoError: r.json: results\[1\]: score is NaN, not a finite number/);
  refuse({ ...result(1), score: null }, /results\[1\]: score is null or NaN/);
  refuse({ ...result(1), score: "0.5" }, /score is "0.5"/);
  refuse(result(Infinity), /score is .*not a finite number/);
  refuse(result(0.5, { image_id: 77 }), /image_id 77 is none of the 2 pictures of ground truth$/);
  refuse(result(0.5, { image_id: "7" }), /it is a text, and ids there are numbers/);
  refuse(result(0.5, { bbox: [1, 2, 3] }), /bbox is \[1,2,3\], not \[x, y, width, height\]/);
  refuse(result(0.5, { bbox: [1, 2, NaN, 3] }), /bbox is/);
  refuse({ image_id: 7, score: 1, bbox: BOX }, /category_id is nothing, not a number or a text/);
  refuse([1], /\[1\] is no object/);
  assert.throws(
    () => cocoDetections(truth, [{ image_id: 7, category_id: 18, score: 1, keypoints: [] } as CocoResult]),
    /neither bbox nor segmentation; keypoints are not evaluated here/,
  );
  const refuseTruth = (entry: unknown, words: RegExp) =>
    assert.throws(
      () => cocoTruth({ images, categories, annotations: [annotation(), entry as CocoAnnotation] }),
      words,
    );
  refuseTruth(annotation({ id: 4, bbox: undefined }), /annotations\[1\] \(id 4\): bbox is nothing/);
  refuseTruth(annotation({ image_id: undefined }), /image_id is nothing/);
  refuseTruth(null, /annotations\[1\]: null is no object/);
  assert.throws(() => cocoTruth({ images: [], categories, annotations: [] }), /lists no images/);
  assert.throws(() => cocoTruth({ images, categories: [], annotations: [] }), /lists no categories/);
  assert.throws(
    () => evaluateCoco(truth, cocoDetections(truth, []), { maxDetections: [0] }),
    /maxDetections/,
  );
  const masks = cocoTruth({ images, categories, annotations: [] }, "segm");
  assert.throws(() => evaluateCoco(masks, cocoDetections(truth, [])), /the other for its boxes/);
});

Deno.test("the twelve lines are pycocotools'", () => {
  const { evaluation } = evaluated([annotation()], [result(0.3)]);
  const lines = summaryLines({ ...summarizeCoco(evaluation), AP: 0.0625, AP50: 0.1875 }, evaluation);
  assert.deepEqual(lines, [
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.062",
    " Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 0.188",
    " Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 1.000",
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000",
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 1.000",
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = -1.000",
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 1.000",
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 10 ] = 1.000",
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 1.000",
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000",
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 1.000",
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = -1.000",
  ]);
});

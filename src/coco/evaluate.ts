/** Average precision and recall of detections, as COCO counts them. */
import { precisionCurve } from "./curve.ts";
import { CocoError } from "./error.ts";
import { type CocoOptions, completeOptions } from "./options.ts";
import { judge } from "./judge.ts";
import { fallingOrder, type Grouped, groupRows } from "./order.ts";
import type { CocoDetections, CocoTruth, Objects } from "./types.ts";

/** What is found at each threshold, recall point, category, area and number of detections; −1 where no object counts. */
export interface CocoEvaluation {
  /** Complete options; `maxDetections` rises. */
  options: Required<CocoOptions>;
  /** Precision, [T, R, K, A, M] flat. */
  precision: Float64Array;
  /** Recall, [T, K, A, M] flat. */
  recall: Float64Array;
  /** Objects that count, [K, A] flat. */
  positives: Float64Array;
  /** Detections of each category, [K]. */
  detections: Float64Array;
  /** What was odd in either file, a line each. */
  notes: readonly string[];
}

/**
 * Compares detections with annotated objects by the rules of pycocotools' COCOeval (version 2.0.11), its odd ones included.
 *
 * @param truth Annotated objects.
 * @param found Detections in the same pictures.
 * @param options What differs from COCO's own evaluation.
 * @returns Precision and recall by threshold, category, area and number of detections.
 * @throws {CocoError} When an option cannot be, or only one side has masks.
 */
export function evaluateCoco(
  truth: CocoTruth,
  found: CocoDetections,
  options: CocoOptions = {},
): CocoEvaluation {
  if (!truth.objects.masks !== !found.objects.masks) {
    throw new CocoError(
      `${truth.name} and ${found.name}: one was read for its masks, the other for its boxes`,
    );
  }
  const all = completeOptions(options), { iouThresholds, recallPoints, maxDetections } = all;
  const K = all.categories ? truth.categories.length : 1, A = Object.keys(all.areas).length;
  const T = iouThresholds.length, R = recallPoints.length, M = maxDetections.length;
  const group = ({ images, categories }: Objects): Grouped =>
    groupRows(images, categories, truth.images.length, truth.categories.length, !all.categories);
  const truths = group(truth.objects), detections = group(found.objects);
  const of = ({ rows, starts }: Grouped, k: number) => rows.subarray(starts[k], starts[k + 1]);
  const result = {
    precision: new Float64Array(T * R * K * A * M).fill(-1),
    recall: new Float64Array(T * K * A * M).fill(-1),
    positives: new Float64Array(K * A),
    detections: Float64Array.from({ length: K }, (_, k) => of(detections, k).length),
  };
  let equal = 0;
  for (let k = 0; k < K; k++) {
    const judged = judge(truth, of(truths, k), found, of(detections, k), all);
    equal += judged.twins;
    result.positives.set(judged.positives, k * A);
    const n = result.detections[k], byScore = fallingOrder(judged.scores);
    for (let m = 0; m < M; m++) {
      const order = byScore.filter((place) => judged.ranks[place] < maxDetections[m]);
      for (let a = 0; a < A; a++) {
        const positives = judged.positives[a];
        if (positives === 0) continue;
        for (let t = 0; t < T; t++) {
          const results = judged.results.subarray((a * T + t) * n, (a * T + t + 1) * n),
            last = (k * A + a) * M + m;
          result.recall[t * K * A * M + last] = precisionCurve(
            { order, results, positives },
            recallPoints,
            (r, precision) => {
              result.precision[(t * R + r) * K * A * M + last] = precision;
            },
          );
        }
      }
    }
  }
  const notes = [...truth.notes, ...found.notes];
  if (result.positives.every((count) => count === 0)) {
    notes.push(`${truth.name} has no object that is to be found, so every figure is −1`);
  }
  if (equal > 0) {
    const equals = equal === 1 ? "1 detection equals another" : `${equal} detections equal others`;
    notes.push(`${equals} in picture, category, score and place; as in pycocotools, each counts`);
  }
  return { options: all, ...result, notes };
}

/** COCO's twelve numbers, and a table by category. */
import type { CocoEvaluation } from "./evaluate.ts";
import type { CocoTruth, IouType } from "./types.ts";

/** The twelve numbers from 0 to 1; −1 where no object counts. */
export interface CocoSummary {
  /** Mean over thresholds, recall points and categories, with the largest number of detections. */
  AP: number;
  /** At IoU 0.5; −1 where the options leave that threshold out. */
  AP50: number;
  AP75: number;
  /** By area. */
  APs: number;
  APm: number;
  APl: number;
  /** Mean recall over thresholds and categories by number of detections, 1, 10 and 100 unless the options say otherwise. */
  AR1: number;
  AR10: number;
  AR100: number;
  /** By area, with the largest number of detections. */
  ARs: number;
  ARm: number;
  ARl: number;
}

/** The figures of one category. */
export interface CategoryRow extends Pick<CocoSummary, "AP" | "AP50" | "AP75" | "APs" | "APm" | "APl"> {
  id: string;
  name: string;
  /** Objects that count, and detections. */
  objects: number;
  detections: number;
  /** Mean recall with the largest number of detections. */
  AR: number;
}

/** The whole of an evaluation. */
export interface CocoReport {
  iouType: IouType;
  summary: CocoSummary;
  /** By rising id; one row for all where categories do not count. */
  categories: CategoryRow[];
  pictures: number;
  notes: readonly string[];
}

/** Which entries are meant; what is left out means all of them, of areas the first, of detections the last. */
interface Choice {
  iou?: number;
  area?: string;
  most?: number;
  category?: number;
}

/** The mean of the entries above −1, −1 where there are none. Sums keep what rounding loses (Neumaier). */
function meanOf(values: Iterable<number>): number {
  let sum = 0, lost = 0, count = 0;
  for (const value of values) {
    if (!(value > -1)) continue;
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
    count++;
  }
  return count === 0 ? -1 : (sum + lost) / count;
}

/** Entries of precision, or of recall, that a choice names. */
function* entriesOf(
  evaluation: CocoEvaluation,
  which: "precision" | "recall",
  choice: Choice,
): Generator<number> {
  const { options, detections } = evaluation, values = evaluation[which];
  const areas = Object.keys(options.areas),
    K = detections.length,
    A = areas.length,
    M = options.maxDetections.length;
  const a = choice.area === undefined ? 0 : areas.indexOf(choice.area), m = choice.most ?? M - 1;
  if (a < 0 || m < 0 || m >= M) return;
  const R = which === "precision" ? options.recallPoints.length : 1;
  for (const [t, threshold] of options.iouThresholds.entries()) {
    if (choice.iou !== undefined && threshold !== choice.iou) continue;
    for (let r = 0; r < R; r++) {
      for (let k = choice.category ?? 0; k < (choice.category === undefined ? K : choice.category + 1); k++) {
        yield values[(((t * R + r) * K + k) * A + a) * M + m];
      }
    }
  }
}

/** Mean precision of a choice. */
const ap = (evaluation: CocoEvaluation, choice: Choice = {}) =>
  meanOf(entriesOf(evaluation, "precision", choice));
/** Mean recall of a choice. */
const ar = (evaluation: CocoEvaluation, choice: Choice = {}) =>
  meanOf(entriesOf(evaluation, "recall", choice));

/**
 * The twelve numbers of an evaluation (pycocotools' `summarize`). Where the options name other numbers of detections than 1, 10 and
 * 100, AP is that of the largest; pycocotools gives −1 then.
 */
export function summarizeCoco(evaluation: CocoEvaluation): CocoSummary {
  return {
    AP: ap(evaluation),
    AP50: ap(evaluation, { iou: 0.5 }),
    AP75: ap(evaluation, { iou: 0.75 }),
    APs: ap(evaluation, { area: "small" }),
    APm: ap(evaluation, { area: "medium" }),
    APl: ap(evaluation, { area: "large" }),
    AR1: ar(evaluation, { most: 0 }),
    AR10: ar(evaluation, { most: 1 }),
    AR100: ar(evaluation, { most: 2 }),
    ARs: ar(evaluation, { area: "small" }),
    ARm: ar(evaluation, { area: "medium" }),
    ARl: ar(evaluation, { area: "large" }),
  };
}

/**
 * The twelve numbers, and those of each category.
 *
 * @param truth What was evaluated.
 * @param evaluation What came of it.
 */
export function reportCoco(truth: CocoTruth, evaluation: CocoEvaluation): CocoReport {
  const areas = Object.keys(evaluation.options.areas).length;
  const categories = evaluation.options.categories
    ? truth.categories
    : [{ id: "all", name: "all categories" }];
  return {
    iouType: truth.iouType,
    summary: summarizeCoco(evaluation),
    pictures: truth.images.length,
    categories: categories.map(({ id, name }, category) => ({
      id: String(id),
      name,
      objects: evaluation.positives[category * areas],
      detections: evaluation.detections[category],
      AP: ap(evaluation, { category }),
      AP50: ap(evaluation, { category, iou: 0.5 }),
      AP75: ap(evaluation, { category, iou: 0.75 }),
      APs: ap(evaluation, { category, area: "small" }),
      APm: ap(evaluation, { category, area: "medium" }),
      APl: ap(evaluation, { category, area: "large" }),
      AR: ar(evaluation, { category }),
    })),
    notes: evaluation.notes,
  };
}

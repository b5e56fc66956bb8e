/** From two files to COCO's numbers. */
import { type CocoEvaluation, evaluateCoco } from "./evaluate.ts";
import type { CocoOptions } from "./options.ts";
import { readCocoDetections, readCocoTruth } from "./read.ts";
import { type CocoReport, reportCoco } from "./summary.ts";
import { formatCoco } from "./text.ts";
import type { IouType } from "./types.ts";

/** Options of {@linkcode cocoEval}. */
export interface CocoEvalOptions extends CocoOptions {
  /** Compare boxes (`bbox`, default) or masks (`segm`). */
  iouType?: IouType;
}

/**
 * Evaluates a file of detections: average precision and recall as pycocotools 2.0.11 counts them.
 *
 * @param truthFile Annotations in COCO's layout, such as `instances_val2017.json`.
 * @param resultsFile A list of `{image_id, category_id, score, bbox | segmentation}`.
 * @param options Boxes or masks, and what differs from COCO's own evaluation.
 * @returns The twelve numbers, those of each category, precision and recall behind them, and all as text.
 * @throws {CocoError} When an entry of a file cannot be what it should be; names it.
 * @throws {Error} When a file cannot be read, is no JSON or cut short.
 */
export async function cocoEval(
  truthFile: string,
  resultsFile: string,
  { iouType = "bbox", ...options }: CocoEvalOptions = {},
): Promise<CocoReport & { evaluation: CocoEvaluation; text: string }> {
  const truth = await readCocoTruth(truthFile, iouType), found = await readCocoDetections(resultsFile, truth);
  const evaluation = evaluateCoco(truth, found, options), report = reportCoco(truth, evaluation);
  return { ...report, evaluation, text: formatCoco(report, evaluation) };
}

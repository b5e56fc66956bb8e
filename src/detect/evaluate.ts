/** COCO's figures of a detector, while it is trained and afterwards. */
import { cocoDetections } from "../coco/detections.ts";
import { type CocoEvaluation, evaluateCoco } from "../coco/evaluate.ts";
import { type CocoReport, type CocoSummary, reportCoco } from "../coco/summary.ts";
import { formatCoco } from "../coco/text.ts";
import type { CocoResult } from "../coco/types.ts";
import type { BadRecordError } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import type { Params } from "../model/types.ts";
import type { Evaluator } from "../train/evaluators.ts";
import { evaluatorsOfTest } from "../train/evaluators_of_test.ts";
import { type Finder, finder } from "./candidates.ts";
import { type FoundObjects, searchPictures } from "./found.ts";
import type { DetectorConfig } from "./model.ts";
import { cocoResults, type TestObjects } from "./truth.ts";

/** A detector's figures on test pictures. */
export interface DetectorFigures {
  report: CocoReport;
  evaluation: CocoEvaluation;
  /** pycocotools' lines and a table by category. */
  text: string;
  /** What was found, as COCO's results. */
  results: CocoResult[];
}

/** How {@linkcode measureDetector} works. */
export interface MeasureDetectorOptions {
  /** Side of the canvas. */
  imageSize: number;
  batchSize: number;
  /** Told of pictures that cannot be read; nothing is found in them. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
  /** Told of each picture that was searched. */
  onFound?: (found: FoundObjects) => void;
}

/**
 * Measures parameters on test pictures as COCO does: 100 detections of a picture count, and every picture does.
 *
 * @param prepared From {@linkcode finder}.
 * @param params On the engine; read, never disposed.
 * @throws {BadRecordError} When a picture cannot be read and `onBad` is not there to hear of it.
 */
export async function measureDetector(
  prepared: Pick<Finder, "find">,
  params: Params,
  test: TestObjects,
  options: MeasureDetectorOptions,
): Promise<DetectorFigures> {
  const { imageSize, batchSize, onBad, onFound } = options, results: CocoResult[] = [];
  for await (const found of searchPictures(prepared, params, test.source, { imageSize, batchSize, onBad })) {
    results.push(...cocoResults(test, found));
    onFound?.(found);
  }
  const evaluation = evaluateCoco(test.truth, cocoDetections(test.truth, results, "detections"));
  const report = reportCoco(test.truth, evaluation);
  return { report, evaluation, text: formatCoco(report, evaluation), results };
}

/** What {@linkcode detectionEvaluators} measures, and when. */
export interface DetectionEvaluatorOptions extends MeasureDetectorOptions {
  engine: Engine;
  model: DetectorConfig;
  test: TestObjects;
  /** Epochs between two measurements; there is one after the last step, too. */
  every: number;
  /** Measure the averaged parameters as well. */
  ema: boolean;
  /** Told of all that the trained parameters, not the average, have found. */
  onMeasured?: (found: FoundObjects[]) => Promise<void>;
}

/** The figures that a run records. */
const RECORDED = [
  "AP",
  "AP50",
  "AP75",
  "APs",
  "APm",
  "APl",
  "AR100",
] as const satisfies (keyof CocoSummary)[];

/**
 * Evaluators for a detector's training: `test`, and of averaged parameters `average`, with AP and others from 0 to 1; sizes that
 * no object has are left out. The state with the highest AP is kept as a checkpoint.
 */
export function detectionEvaluators(options: DetectionEvaluatorOptions): Evaluator[] {
  const { engine, model, test, every, batchSize, ema, onBad, onMeasured } = options;
  const prepared = finder(engine, model, batchSize);
  return evaluatorsOfTest({
    ...{ every, ema, onBad },
    best: { value: "AP", on: test.source.uri },
    measure: async (params, onBad, averaged) => {
      const all: FoundObjects[] = [];
      const onFound = averaged ? undefined : (found: FoundObjects) => all.push(found);
      const { report: { summary } } = await measureDetector(prepared, params, test, {
        ...options,
        onBad,
        onFound,
      });
      if (!averaged) await onMeasured?.(all);
      return Object.fromEntries(RECORDED.flatMap((key) => summary[key] < 0 ? [] : [[key, summary[key]]]));
    },
  });
}

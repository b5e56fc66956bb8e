/** A detector's training put together: what a training on an encoder is told, for boxes in pictures. */
import type { Batch } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import { learnedFrom, learnedFromMetadata } from "../finetune/classifier_file.ts";
import { originOf } from "../finetune/finetune.ts";
import { checkSameSet } from "../finetune/prepare.ts";
import { finetuneScalars } from "../finetune/rates.ts";
import { requireEncoder } from "../finetune/config.ts";
import { checkRunning } from "../train/check_running.ts";
import { storedTaskConfig } from "../train/config/task_settings.ts";
import {
  type DownstreamOptions,
  type DownstreamResult,
  type Method,
  runDownstream,
} from "../train/downstream.ts";
import type { DownstreamData } from "../train/downstream_data.ts";
import type { Evaluator } from "../train/evaluators.ts";
import { OWN_EVALUATORS } from "../train/evaluators_of_test.ts";
import { blankBatch } from "../train/memory.ts";
import { lockRun } from "../train/run/folder.ts";
import { silent } from "../train/show/progress.ts";
import { disposeTree, untrained } from "../train/state.ts";
import type { ScalarTensors } from "../train/step.ts";
import { tensorsOf } from "../train/step_inputs.ts";
import { DEFAULT_VIEWS } from "../views/sample.ts";
import { checkTrainingPictures, objectsDigest, type TrainingPictures } from "./annotated.ts";
import { checkDetectConfig, detectorConfig } from "./config.ts";
import { DETECTOR } from "./detector_file.ts";
import { detectionEvaluators } from "./evaluate.ts";
import { detectTensors, type FeedSettings } from "./inputs.ts";
import { initDetector } from "./model.ts";
import { DETECT_SETTINGS, type DetectConfig } from "./settings.ts";
import { writeDetectionSheet } from "./sheet.ts";
import { type DetectBatch, detectStep } from "./step.ts";
import { checkTestObjects, type TestObjects } from "./truth.ts";

/** What {@linkcode trainDetector} runs on; for its pictures see `trainingPictures` and `testObjects`. */
export type TrainDetectorOptions = DownstreamOptions<TrainingPictures, TestObjects>;

/** What a step takes beside the state. */
type DetectInputs = { batch: DetectBatch; scalars: ScalarTensors };

/** What the tensors of batches depend on. */
function feedOf(config: DetectConfig, { source, most }: TrainingPictures): FeedSettings {
  const { imageSize, jitter, flip, depth, seed, maxObjects } = config;
  return {
    ...{ imageSize, jitter, flip, depth, seed },
    baseSize: config.baseSize || imageSize,
    most: Math.min(maxObjects, most),
    sizeOf: (index) => source.objects(index),
  };
}

/** Prepares the step. */
function detecting(
  engine: Engine,
  config: DetectConfig,
  pictures: TrainingPictures,
  perEpoch: number,
): Method<DetectInputs> {
  const { layerDecay, clipGrad, precision } = config, feed = feedOf(config, pictures);
  const model = detectorConfig(config), classes = pictures.names.length;
  const step = engine.jit(detectStep({ model, classes, layerDecay, clipGrad }), {
    donate: ["state"],
    precision,
  });
  return {
    step,
    inputs(batch: Batch, number: number) {
      const scalars = tensorsOf(finetuneScalars(config, perEpoch, number));
      return { batch: detectTensors(engine, feed, batch, number), scalars };
    },
    rates: (number) => finetuneScalars(config, perEpoch, number),
    compile: async (args, count) => {
      if (count === undefined || count === args.batch.base.shape[0]) return await step.compile(args);
      const batch = detectTensors(engine, feed, { ...blankBatch(feed.baseSize, count), epoch: 0 }, 0);
      return await step.compile({ ...args, batch }).finally(() => disposeTree(batch));
    },
    close: () => {},
  };
}

/** What is learned from, as every training on an encoder is told. */
function detectData(
  config: DetectConfig,
  { source, names }: TrainingPictures,
  digest: string,
): DownstreamData<DetectConfig> {
  const imageSize = config.baseSize || config.imageSize;
  const now = {
    uri: source.uri,
    classes: names,
    pictures: source.length,
    digest,
    differs: "pictures, or other boxes in them,",
  };
  return {
    source,
    kind: DETECTOR,
    table: DETECT_SETTINGS,
    stored: storedTaskConfig(config),
    check: (checkpoint) => checkSameSet(checkpoint, learnedFrom(checkpoint), now),
    // Where pictures lie is drawn apart, by the shape that they had before.
    stream: { imageSize, views: { ...DEFAULT_VIEWS, imageSize }, withObjects: true },
  };
}

/** The evaluators of a run. */
function evaluatorsOf(config: DetectConfig, options: TrainDetectorOptions): Evaluator[] {
  const { engine, test, pictures: { names }, evaluators = [], onBad } = options;
  if (!test) return [...evaluators];
  const { imageSize, evalEvery: every, ema, batchSize, out } = config, model = detectorConfig(config);
  const how = { engine, model, test, every, ema, imageSize, onBad, batchSize: Math.min(batchSize, 16) };
  const onMeasured: Parameters<typeof detectionEvaluators>[0]["onMeasured"] = (found) =>
    writeDetectionSheet(out, test.source, found, names);
  return [...detectionEvaluators({ ...how, onMeasured }), ...evaluators];
}

/**
 * Trains a detector on an encoder, and leaves a run folder with config.json, metrics.jsonl, checkpoints and, with test pictures,
 * detections.png. With `config.resume` it goes on from the last checkpoint, bit for bit on the same engine.
 *
 * @param config The run; `out` names its folder, and its sizes are those of `from`.
 * @throws {ConfigError} When settings cannot be used with these pictures, or a run cannot go on with them.
 * @throws {TypeError} When the engine, the pictures or what else it runs on are none; before work starts.
 * @throws {RangeError} When an object is of none of the classes, or weights or evaluators cannot be used.
 * @throws {InUseError} When another process has the run folder.
 * @throws {MemoryError} When the step does not fit into the device's memory; the folder is free again.
 * @throws {NonFiniteError} When a loss is not a finite number; that state is not saved.
 * @throws {EvaluatorError} When an evaluator fails; the state is saved.
 * @throws {Error} When a checkpoint cannot be written; the earlier ones stay.
 */
export async function trainDetector(
  config: DetectConfig,
  options: TrainDetectorOptions,
): Promise<DownstreamResult> {
  checkDetectConfig(config);
  checkRunning(options, options?.test ? OWN_EVALUATORS : []);
  const { engine, pictures, from, test, progress = silent, signal, disk } = options;
  checkTrainingPictures(pictures);
  if (test) checkTestObjects(test);
  requireEncoder(config, from);
  await using _lock = options.lock ? null : await lockRun(config, (line) => progress.line(line));
  const digest = await objectsDigest(pictures), classes = pictures.names.length;
  const { freeze, seed, ema, maxObjects } = config,
    { source: { uri, length }, objects, most, notes } = pictures;
  return await runDownstream({
    ...{ config, engine, progress, signal, disk },
    data: detectData(config, pictures, digest),
    more: learnedFromMetadata({ classes: [...pictures.names], digest }),
    first: () => untrained(initDetector(detectorConfig(config), { freeze, classes, seed, from }), ema),
    origin: originOf({ ...config, from }),
    method: (perEpoch) => detecting(engine, config, pictures, perEpoch),
    multiple: 1,
    evaluators: () => evaluatorsOf(config, options),
    told: (perEpoch): [string, string][] => [
      [
        "data",
        `${uri}: ${length} pictures with ${objects} objects of ${classes} classes, ${perEpoch} steps of ` +
        `${config.batchSize} an epoch`,
      ],
      ...notes.map((note): [string, string] => ["note", note]),
      ...most > maxObjects
        ? [
          [
            "note",
            `pictures have up to ${most} objects, of which the first ${maxObjects} are learned from`,
          ] as [string, string],
        ]
        : [],
      ...test
        ? [["test", `${test.source.uri}: ${test.source.length} pictures`] as [string, string]]
        : [["note", "no --eval-data: its average precision is not measured"] as [string, string]],
      ...(test?.notes ?? []).map((note): [string, string] => ["note", `${test!.source.uri}: ${note}`]),
    ],
  });
}

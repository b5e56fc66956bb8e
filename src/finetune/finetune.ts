/** Fine-tuning put together: what a training on an encoder is told, for classes of pictures. */
import { type DownstreamOptions, type DownstreamResult, runDownstream } from "../train/downstream.ts";
import type { Evaluator } from "../train/evaluators.ts";
import { OWN_EVALUATORS } from "../train/evaluators_of_test.ts";
import { lockRun } from "../train/run/folder.ts";
import { silent } from "../train/show/progress.ts";
import { untrained } from "../train/state.ts";
import { checkClasses } from "./budget.ts";
import { learnedFromMetadata } from "./classifier_file.ts";
import { checkRunning } from "../train/check_running.ts";
import { checkFinetuneConfig, classifierConfig, requireEncoder } from "./config.ts";
import { accuracyEvaluators, checkTest, type TestPictures } from "./evaluate.ts";
import { finetuning } from "./finetuning.ts";
import { checkedPictures, type LabelledPictures, picturesDigest } from "./labelled.ts";
import { initClassifier } from "./model.ts";
import { finetuneData } from "./prepare.ts";
import type { FinetuneConfig } from "./settings.ts";

/** What {@linkcode finetune} runs on; for its pictures see `labelledPictures`, `withinBudget` and `testPictures`. */
export type FinetuneOptions = DownstreamOptions<LabelledPictures, TestPictures>;

/** What a fine-tuning ends with. */
export type FinetuneResult = DownstreamResult;

/**
 * Trains a classifier on an encoder, and leaves a run folder with config.json, metrics.jsonl and checkpoints. With
 * `config.resume` it goes on from the last checkpoint, bit for bit on the same engine.
 *
 * @param config The run; `out` names its folder, and its sizes are those of `from`.
 * @throws {ConfigError} When settings cannot be used with these pictures, or a run cannot go on with them.
 * @throws {TypeError} When the engine, the pictures or what else it runs on are none; before work starts.
 * @throws {RangeError} When pictures are of one class or labels are none of the classes, or weights or evaluators cannot be used.
 * @throws {InUseError} When another process has the run folder.
 * @throws {MemoryError} When the step does not fit into the device's memory; the folder is free again.
 * @throws {NonFiniteError} When a loss is not a finite number; that state is not saved.
 * @throws {EvaluatorError} When an evaluator fails; the state is saved.
 * @throws {Error} When a checkpoint cannot be written; the earlier ones stay.
 */
export async function finetune(config: FinetuneConfig, options: FinetuneOptions): Promise<FinetuneResult> {
  checkFinetuneConfig(config);
  checkRunning(options, options?.test ? OWN_EVALUATORS : []);
  const { engine, from, test, progress = silent, signal, disk } = options;
  const pictures = checkedPictures(options.pictures);
  const notes = checkClasses(pictures, pictures.source.uri);
  if (test) checkTest(test, pictures.names);
  requireEncoder(config, from);
  await using _lock = options.lock ? null : await lockRun(config, (line) => progress.line(line));
  const digest = await picturesDigest(pictures), classes = pictures.names.length;
  const { freeze, seed, ema, depth, model } = config;
  return await runDownstream({
    ...{ config, engine, progress, signal, disk },
    data: finetuneData(config, pictures, digest),
    more: learnedFromMetadata({ classes: [...pictures.names], digest }),
    first: () => untrained(initClassifier(classifierConfig(config), { freeze, classes, seed, from }), ema),
    origin: originOf({ from, model, freeze, depth }),
    method: (perEpoch) => finetuning(engine, config, classes, perEpoch),
    // Pictures are mixed in pairs.
    multiple: 2,
    evaluators: () => evaluatorsOf(config, options),
    told: (perEpoch) => [
      [
        "data",
        `${pictures.source.uri}: ${pictures.labels.length} pictures of ${classes} classes, ${perEpoch} steps of ` +
        `${config.batchSize} an epoch`,
      ],
      ...pictures.unlabelled > 0
        ? [["besides", `${pictures.unlabelled} pictures without a class are left out`] as [string, string]]
        : [],
      ...test
        ? [["test", `${test.source.uri}: ${test.labels.length} pictures`] as [string, string]]
        : [["note", "no --eval-data: its accuracy is not measured"] as [string, string]],
      ...(test?.notes ?? []).map((note): [string, string] => ["note", `${test!.source.uri}: ${note}`]),
      ...notes.map((note): [string, string] => ["note", note]),
    ],
  });
}

/** What a state is from, in words. */
export function originOf(
  { from, model, freeze, depth }: Pick<FinetuneConfig, "model" | "freeze" | "depth"> & { from?: unknown },
): string {
  if (!from) return "from scratch";
  return `from ${model}${freeze > 0 ? `, ${freeze} of ${depth} blocks frozen` : ""}`;
}

/** The evaluators of a run. */
function evaluatorsOf(config: FinetuneConfig, options: FinetuneOptions): Evaluator[] {
  const { engine, test, evaluators = [], onBad } = options;
  if (!test) return [...evaluators];
  const { imageSize, evalShare, evalEvery: every, ema, batchSize } = config;
  const model = classifierConfig(config);
  const how = { engine, model, test, every, ema, imageSize, evalShare, onBad };
  return [...accuracyEvaluators({ ...how, batchSize: Math.min(batchSize, 64) }), ...evaluators];
}

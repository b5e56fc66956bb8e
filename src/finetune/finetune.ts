/** Fine-tuning put together: the stream and the loop are those of pre-training, with another step, state and evaluators. */
import { setImmediate, setTimeout as delay } from "node:timers/promises";
import { BadLimitError } from "../data/epoch/bad_limit.ts";
import type { BadRecordError } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import type { Disk } from "../files/disk.ts";
import type { Lock } from "../files/lock.ts";
import type { StoredTensor } from "../files/safetensors.ts";
import { bestKeeper } from "../train/best_keeper.ts";
import { tellData, writeDataFile } from "../train/data_account.ts";
import { checkEvaluators, type Evaluator, EvaluatorError, openEvaluations } from "../train/evaluators.ts";
import { type Keeper, openKeeper } from "../train/keeper.ts";
import { loop } from "../train/loop.ts";
import { compileWithin, MemoryError } from "../train/memory.ts";
import { oneProcess, type ProcessGroup } from "../train/process_group.ts";
import { recorder } from "../train/record.ts";
import { CLASSIFIER_FORMAT, saveCheckpoint } from "../train/run/checkpoint.ts";
import { abandonFolder, lockRun } from "../train/run/folder.ts";
import { noteStart, thisStart } from "../train/run/machine.ts";
import { describeCompile, describeEnd, labelled } from "../train/show/describe.ts";
import { openMeter } from "../train/show/meter.ts";
import { type Progress, silent } from "../train/show/progress.ts";
import { epochBefore, type Run } from "../train/standing.ts";
import {
  countParameters,
  disposeTree,
  readState,
  type TrainState,
  untrained,
  writeState,
} from "../train/state.ts";
import { checkClasses } from "./budget.ts";
import { learnedFromMetadata } from "./classifier_file.ts";
import { classifierConfig, storedFinetuneConfig } from "./config.ts";
import { accuracyEvaluators, type TestPictures } from "./evaluate.ts";
import { type Finetuning, finetuning } from "./finetuning.ts";
import type { LabelledPictures } from "./labelled.ts";
import { initClassifier } from "./model.ts";
import { type PreparedFinetune, prepareFinetune } from "./prepare.ts";
import type { FinetuneConfig } from "./settings.ts";
import type { FinetuneStepArgs } from "./step.ts";

/** What {@linkcode finetune} runs on. */
export interface FinetuneOptions {
  engine: Engine;
  /** The pictures that are learned from, see `labelledPictures` and `withinBudget`. Not closed. */
  pictures: LabelledPictures;
  /** The pictures that it is measured on now and then, see `testPictures`. Not closed. */
  test?: TestPictures;
  /** The encoder's tensors to begin with, under our names; left out: random ones, from scratch. */
  from?: Readonly<Record<string, StoredTensor>>;
  /** Further evaluators. */
  evaluators?: readonly Evaluator[];
  /** Told of test pictures that cannot be read, once. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
  /** Default: shows nothing. */
  progress?: Progress;
  /** Aborting it finishes the step, writes a checkpoint and returns. */
  signal?: AbortSignal;
  /** The lock of the run folder, where the caller has it already; it stays the caller's. */
  lock?: Lock;
  /** Where checkpoints go; tests give a disk with faults. */
  disk?: Disk;
}

/** What a fine-tuning ends with. */
export interface FinetuneResult {
  /** The trained state, on the engine; the caller's to dispose. */
  state: TrainState;
  /** Steps done, of how many. */
  step: number;
  total: number;
  /** True when the signal ended it before its last step. */
  stopped: boolean;
  /** The last checkpoint. */
  checkpoint: string;
  /** Bad pictures skipped. */
  bad: number;
  /** The evaluators' latest findings, such as `test top1`. */
  found: Record<string, number>;
}

/** What the parts of a run share. */
interface Session {
  config: FinetuneConfig;
  options: FinetuneOptions;
  prepared: PreparedFinetune;
  run: Run<TrainState>;
  group: ProcessGroup;
  progress: Progress;
}

/**
 * Trains a classifier on an encoder, and leaves a run folder with config.json, metrics.jsonl and checkpoints. With
 * `config.resume` it goes on from the last checkpoint, bit for bit on the same engine.
 *
 * @param config The run; `out` names its folder, and its sizes are those of `from`.
 * @throws {ConfigError} When settings cannot be used with these pictures, or a run cannot go on with them.
 * @throws {RangeError} When pictures are of one class, or weights or evaluators cannot be used.
 * @throws {InUseError} When another process has the run folder.
 * @throws {MemoryError} When the step does not fit into the device's memory; the folder is free again.
 * @throws {NonFiniteError} When a loss is not a finite number; that state is not saved.
 * @throws {EvaluatorError} When an evaluator fails; the state is saved.
 * @throws {Error} When a checkpoint cannot be written; the earlier ones stay.
 */
export async function finetune(config: FinetuneConfig, options: FinetuneOptions): Promise<FinetuneResult> {
  const { engine, pictures, progress = silent, signal } = options;
  const notes = checkClasses(pictures, pictures.source.uri);
  checkEvaluators(options.evaluators ?? []);
  await using _lock = options.lock ? null : await lockRun(config, progress.line);
  const prepared = await prepareFinetune(config, pictures, progress.line);
  let run: Run<TrainState> | undefined, refused = false;
  try {
    run = beginRun(config, options, prepared);
    notes.forEach((note) => progress.line(labelled("note", note)));
    await noteStart(config.out, thisStart(engine, run.step));
    const session = { config, options, prepared, run, group: oneProcess(1, signal), progress };
    const { keeper, take } = keeping(session);
    const found = await trainRun(session, keeper, take);
    const { state, step, bad } = run, { total } = prepared.plan;
    return { state, step, total, stopped: step < total, checkpoint: keeper.path() ?? "", bad, found };
  } catch (error) {
    if (error instanceof BadLimitError) await tellData(config.out, prepared.account, run?.step ?? 0, error);
    if (run) disposeTree(run.state);
    // No step was done, so the folder is free for another batch size.
    refused = error instanceof MemoryError && !prepared.resumed;
    throw error;
  } finally {
    progress.close();
    await prepared.close();
    if (refused) await abandonFolder(config);
  }
}

/** Puts the first state on the engine, and says what the run is. */
function beginRun(
  config: FinetuneConfig,
  options: FinetuneOptions,
  prepared: PreparedFinetune,
): Run<TrainState> {
  const { engine, pictures, from, test, progress = silent } = options, { resumed, place, plan } = prepared;
  const { freeze, seed, ema } = config, classes = pictures.names.length;
  const state = resumed
    ? writeState(resumed.tensors)
    : untrained(initClassifier(classifierConfig(config), { freeze, classes, seed, from }), ema);
  const begun = resumed
    ? `going on after ${resumed.step} (${resumed.path})`
    : from
    ? `from ${config.model}${freeze > 0 ? `, ${freeze} of ${config.depth} blocks frozen` : ""}`
    : "from scratch";
  // They are on the engine now; a second copy would stay for the whole run.
  if (resumed) resumed.tensors = {};
  const lines: [string, string][] = [
    ["engine", `${engine.name}: ${engine.description}, ${config.precision}`],
    ["model", `${countParameters(state.params).toLocaleString("en")} trainable parameters, ${begun}`],
    [
      "data",
      `${pictures.source.uri}: ${pictures.labels.length} pictures of ${classes} classes, ${plan.perEpoch} steps of ` +
      `${config.batchSize} an epoch`,
    ],
    ...pictures.unlabelled > 0
      ? [["besides", `${pictures.unlabelled} pictures without a class are left out`] as [string, string]]
      : [],
    ...test
      ? [["test", `${test.source.uri}: ${test.labels.length} pictures`] as [string, string]]
      : [["note", "no --eval-data: its accuracy is not measured"] as [string, string]],
    ...(test?.notes ?? []).map((note): [string, string] => ["note", `${test!.source.uri}: ${note}`]),
    ["run", `${config.out}: ${plan.total} steps`],
  ];
  for (const [label, text] of lines) progress.line(labelled(label, text));
  const { cursor, bad } = place;
  return { state, step: resumed?.step ?? 0, epoch: epochBefore(cursor), next: cursor, bad };
}

/** The keeper of a run's checkpoints, and what takes a state to host memory. */
function keeping({ config, options, prepared, run }: Session) {
  const { out, keep, checkpointMinutes: minutes, checkpointSteps: steps } = config;
  const { engine, pictures, disk } = options, { account, metrics, resumed } = prepared;
  const more = learnedFromMetadata({ classes: [...pictures.names], digest: prepared.digest });
  const take = async ({ state, step, next, bad }: Run<TrainState>) => ({
    info: {
      config: storedFinetuneConfig(config),
      step,
      cursor: next,
      pictures: pictures.labels.length,
      bad,
      data: account.account(),
      engine: engine.name,
      time: new Date().toISOString(),
      format: CLASSIFIER_FORMAT,
      more,
    },
    tensors: await readState(state),
  });
  const keeper: Keeper<TrainState> = openKeeper({
    ...{ minutes, steps, take, start: run.step, path: resumed?.path ?? null },
    write: async ({ info, tensors }) => {
      await metrics.sync();
      const path = await saveCheckpoint(out, info, tensors, { keep, disk });
      await writeDataFile(out, info.step, info.data, disk);
      return path;
    },
  });
  return { keeper, take };
}

/** The evaluators of a run. */
function evaluatorsOf({ config, options }: Session): Evaluator[] {
  const { engine, test, evaluators = [], onBad } = options;
  if (!test) return [...evaluators];
  const { imageSize, evalShare, evalEvery: every, ema, batchSize } = config;
  const model = classifierConfig(config);
  const how = { engine, model, test, every, ema, imageSize, evalShare, onBad };
  return [...accuracyEvaluators({ ...how, batchSize: Math.min(batchSize, 64) }), ...evaluators];
}

/** Trains until the run ends or is stopped, writes the last checkpoint and runs the final evaluations. */
async function trainRun(
  session: Session,
  keeper: Keeper<TrainState>,
  take: ReturnType<typeof keeping>["take"],
): Promise<Record<string, number>> {
  const { config, options: { engine, signal, disk }, prepared, run, progress, group } = session;
  const { plan: { perEpoch, total }, batches, metrics, account } = prepared, { batchSize, logEvery } = config;
  const meter = openMeter(batchSize), say = (text: string) => progress.line(labelled("best", text));
  const best = bestKeeper({ run: config.out, take, disk, say });
  const evaluations = openEvaluations(evaluatorsOf(session), {
    ...{ perEpoch, total, metrics, progress, meter, signal, best },
  });
  const method = finetuning(engine, config, session.options.pictures.names.length, perEpoch);
  const { step, inputs, rates } = method, { path: checkpoint } = keeper, { found } = evaluations;
  const record = recorder({ total, batchSize, logEvery, rates, metrics, meter, progress, found, checkpoint });
  let failed: EvaluatorError | undefined;
  await loop({
    ...{ run, total, step, inputs, batches, group, meter, keeper, evaluations },
    first: async (args) => meter.start(await compileFirst(session, method, args)),
    // A queued step already takes memory of its own, and a processor loses no time between two steps.
    ahead: engine.deviceMemory() === "host" ? 0 : 1,
    rest: () => engine.compiles ? setImmediate() : delay(1),
    record: (flight, values) => {
      record(flight, values);
      account.add(flight.batch);
    },
  }).catch((error) => {
    if (!(error instanceof EvaluatorError)) throw error;
    failed = error;
  }).finally(method.close);
  await keeper.finish(run).catch((error) => {
    if (!failed) throw error;
    failed.message += `; and its state could not be saved: ${(error as Error).message}`;
  });
  if (failed) throw failed;
  progress.line(describeEnd({ step: run.step, total, checkpoint: checkpoint() ?? "", bad: run.bad }));
  for (const line of account.lines()) progress.line(labelled("data", line));
  if (run.step >= total) await evaluations.end(run);
  return found();
}

/** Compiles the step and refuses one that does not fit. Gives the share of the device's peak that one picture a second takes. */
async function compileFirst(
  { config, options: { engine }, progress }: Session,
  method: Finetuning,
  args: FinetuneStepArgs,
): Promise<number | undefined> {
  const { batchSize, memoryLimit, overMemory } = config;
  const say = (label: string, text: string) => progress.line(labelled(label, text));
  const report = await compileWithin({
    ...{ engine, batchSize, memoryLimit, overMemory, say },
    // Pictures are mixed in pairs.
    multiple: 2,
    search: true,
    compile: (count) => method.compile(args, count),
  });
  if (engine.compiles) say("step", describeCompile(report));
  const { flops, peakFlops } = report;
  return flops && peakFlops ? flops / batchSize / peakFlops : undefined;
}

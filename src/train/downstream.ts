/** Trainings on an encoder put together: the stream and the loop are those of pre-training, with another step and evaluators. */
import { BadLimitError } from "../data/epoch/bad_limit.ts";
import type { BadRecordError, Batch } from "../data/types.ts";
import type { Tree } from "../engine/tensors.ts";
import type { CompileReport, Engine } from "../engine/types.ts";
import type { Disk } from "../files/disk.ts";
import type { Lock } from "../files/lock.ts";
import type { StoredTensor } from "../files/stored_tensor.ts";
import { bestKeeper } from "./best_keeper.ts";
import { tellData, writeDataFile } from "./data_account.ts";
import {
  type DownstreamConfig,
  type DownstreamData,
  type PreparedDownstream,
  prepareDownstream,
} from "./downstream_data.ts";
import { type Evaluator, openEvaluations } from "./evaluators.ts";
import { type Keeper, openKeeper } from "./keeper.ts";
import { runLoop } from "./run_loop.ts";
import { compileFirst } from "./first_compile.ts";
import { MemoryError } from "./memory.ts";
import { oneProcess } from "./process_group.ts";
import { recorder } from "./record.ts";
import { abandonFolder } from "./run/folder.ts";
import { type Before, keepBefore } from "./run/put_back.ts";
import { noteStart, thisStart } from "./run/machine.ts";
import { saveInRun } from "./run/save.ts";
import { describeEnd, labelled } from "./show/describe.ts";
import { openMeter } from "./show/meter.ts";
import type { Progress } from "./show/progress.ts";
import { epochBefore, type Run } from "./standing.ts";
import { countParameters, disposeTree, readState, type TrainState, writeState } from "./state.ts";
import type { ScalarMetrics } from "./steps_in_flight.ts";

/** What every training on an encoder runs on. */
export interface DownstreamOptions<Pictures, Test> {
  engine: Engine;
  /** The pictures that are learned from. Not closed. */
  pictures: Pictures;
  /** The pictures that it is measured on now and then. Not closed. */
  test?: Test;
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

/** A training's step, prepared for an engine. */
export interface Method<Inputs extends Record<string, Tree>> {
  /** One step; gives up the old state. */
  step(args: { state: TrainState } & Inputs): { state: TrainState; metrics: ScalarMetrics };
  /** What a step takes beside the state. `step`: its number in the run, from 0. */
  inputs(batch: Batch, step: number): Inputs;
  /** The rates of a step, from 0; those of the layer behind the blocks. */
  rates(step: number): { lr: number; wd: number };
  /** Compiles the step for the arguments, or for another number of pictures than theirs. */
  compile(args: { state: TrainState } & Inputs, count?: number): Promise<CompileReport>;
  /** Gives back what all batches share. */
  close(): void;
}

/** A training on an encoder. */
export interface Downstream<Config extends DownstreamConfig, Inputs extends Record<string, Tree>> {
  config: Config;
  engine: Engine;
  data: DownstreamData<Config>;
  /** What stands in its checkpoints beside the settings. */
  more: Readonly<Record<string, string>>;
  /** The state before the first step. */
  first(): TrainState;
  /** What its state is from, in words, such as `from scratch`. */
  origin: string;
  /** Prepares the step. `perEpoch`: steps in an epoch. */
  method(perEpoch: number): Method<Inputs>;
  /** Batches must be divisible by this. */
  multiple: number;
  /** Opens its evaluators. Default: none. */
  evaluators?(): Evaluator[];
  /** What else is told at the start, as labels and texts. `perEpoch`: steps in an epoch. */
  told(perEpoch: number): [label: string, text: string][];
  progress: Progress;
  signal?: AbortSignal;
  disk?: Disk;
}

/** What a training ends with. */
export interface DownstreamResult {
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
interface Session<Config extends DownstreamConfig, Inputs extends Record<string, Tree>> {
  task: Downstream<Config, Inputs>;
  prepared: PreparedDownstream<Config>;
  before: Before;
  run: Run<TrainState>;
}

/**
 * Trains, and leaves a run folder with config.json, metrics.jsonl and checkpoints. With `config.resume` it goes on from the last
 * checkpoint, bit for bit on the same engine. The folder's lock is the caller's.
 *
 * @throws {ConfigError} When settings cannot be used with these pictures, or a run cannot go on with them.
 * @throws {MemoryError} When the step does not fit into the device's memory; a new run's folder is free again, that of one
 * which was to go on is as it was.
 * @throws {NonFiniteError} When a loss is not a finite number; that state is not saved.
 * @throws {EvaluatorError} When an evaluator fails; the state is saved.
 * @throws {Error} When a checkpoint cannot be written; the earlier ones stay.
 */
export async function runDownstream<Config extends DownstreamConfig, Inputs extends Record<string, Tree>>(
  task: Downstream<Config, Inputs>,
): Promise<DownstreamResult> {
  const { config, engine, data, progress } = task;
  using before = await keepBefore(config);
  const prepared = await prepareDownstream(config, data, (line) => progress.line(line)).catch(before.refuse);
  let run: Run<TrainState> | undefined, refused = false;
  try {
    run = beginRun(task, prepared);
    await noteStart(config.out, thisStart(engine, run.step));
    const session = { task, prepared, before, run }, { keeper, take } = keeping(session);
    const found = await trainRun(session, keeper, take);
    const { state, step, bad } = run, { total } = prepared.plan;
    return { state, step, total, stopped: step < total, checkpoint: keeper.path() ?? "", bad, found };
  } catch (error) {
    if (error instanceof BadLimitError) await tellData(config.out, prepared.account, run?.step ?? 0, error);
    if (run) disposeTree(run.state);
    // No step was done, so the folder of a new run is free for another batch size.
    refused = error instanceof MemoryError && !config.resume;
    await before.putBack();
    throw error;
  } finally {
    progress.close();
    await prepared.close();
    if (refused) await abandonFolder(config);
  }
}

/** Puts the first state on the engine, and says what the run is. */
function beginRun<Config extends DownstreamConfig, Inputs extends Record<string, Tree>>(
  task: Downstream<Config, Inputs>,
  { resumed, place, plan }: PreparedDownstream<Config>,
): Run<TrainState> {
  const { engine, config, progress } = task;
  const state = resumed ? writeState(resumed.tensors) : task.first();
  const begun = resumed ? `going on after ${resumed.step} (${resumed.path})` : task.origin;
  // They are on the engine now; a second copy would stay for the whole run.
  if (resumed) resumed.tensors = {};
  const lines: [string, string][] = [
    ["engine", `${engine.name}: ${engine.description}, ${config.precision}`],
    ["model", `${countParameters(state.params).toLocaleString("en")} trainable parameters, ${begun}`],
    ...task.told(plan.perEpoch),
    ["run", `${config.out}: ${plan.total} steps`],
  ];
  for (const [label, text] of lines) progress.line(labelled(label, text));
  const { cursor, bad } = place;
  return { state, step: resumed?.step ?? 0, epoch: epochBefore(cursor), next: cursor, bad };
}

/** The keeper of a run's checkpoints, and what takes a state to host memory. */
function keeping<Config extends DownstreamConfig, Inputs extends Record<string, Tree>>(
  { task, prepared, run }: Session<Config, Inputs>,
) {
  const { config, data, engine, disk, more } = task, { account, metrics, resumed } = prepared;
  const { out, keep, checkpointMinutes: minutes, checkpointSteps: steps } = config;
  const take = async ({ state, step, next, bad }: Run<TrainState>) => ({
    info: {
      config: data.stored,
      step,
      cursor: next,
      pictures: data.source.length,
      bad,
      data: account.account(),
      engine: engine.name,
      time: new Date().toISOString(),
      format: data.kind.format,
      more,
    },
    tensors: await readState(state),
  });
  const keeper: Keeper<TrainState> = openKeeper({
    ...{ minutes, steps, take, start: run.step, path: resumed?.path ?? null },
    write: async ({ info, tensors }) => {
      await metrics.sync();
      const path = await saveInRun(out, info, tensors, { keep, disk });
      await writeDataFile(out, info.step, info.data, disk);
      return path;
    },
  });
  return { keeper, take };
}

/** Trains until the run ends or is stopped, writes the last checkpoint and runs the final evaluations. */
async function trainRun<Config extends DownstreamConfig, Inputs extends Record<string, Tree>>(
  session: Session<Config, Inputs>,
  keeper: Keeper<TrainState>,
  take: ReturnType<typeof keeping<Config, Inputs>>["take"],
): Promise<Record<string, number>> {
  const { task, prepared, run } = session, { config, engine, signal, disk, progress } = task;
  const { plan: { perEpoch, total }, batches, metrics, account } = prepared, { batchSize, logEvery } = config;
  const meter = openMeter(batchSize), say = (text: string) => progress.line(labelled("best", text));
  const best = bestKeeper({ run: config.out, take, disk, say });
  const evaluations = openEvaluations(task.evaluators?.() ?? [], {
    ...{ perEpoch, total, metrics, progress, meter, signal, best },
  });
  const method = task.method(perEpoch), group = oneProcess(1, signal);
  const { step, inputs, rates } = method, { path: checkpoint } = keeper, { found } = evaluations;
  const record = recorder({ total, batchSize, logEvery, rates, metrics, meter, progress, found, checkpoint });
  await runLoop({
    ...{ engine, account, run, total, step, inputs, batches, group, meter, keeper, evaluations, record },
    first: async (args) => {
      const compile = (count?: number) => method.compile(args, count);
      const { multiple } = task;
      meter.start(await compileFirst({ engine, config, multiple, search: true, compile, progress }));
      session.before.forget();
      if (run.step < total) await evaluations.missed(run);
    },
  }).finally(method.close);
  progress.line(describeEnd({ step: run.step, total, checkpoint: checkpoint() ?? "", bad: run.bad }));
  for (const line of account.lines()) progress.line(labelled("data", line));
  // What a run that was complete finds now stays, whatever else fails.
  session.before.forget();
  if (run.step >= total) await evaluations.end(run);
  return found();
}

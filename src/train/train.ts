import type { DataAccount } from "../data/epoch/account.ts";
import { BadLimitError } from "../data/epoch/bad_limit.ts";
import type { Data } from "../data/open/data.ts";
import { bfloat16Units } from "../engine/processor.ts";
import type { Engine } from "../engine/types.ts";
import type { Hosts } from "../engine/xla/hosts/join.ts";
import type { Disk } from "../files/disk.ts";
import type { Lock } from "../files/lock.ts";
import type { LossTerm } from "../model/loss.ts";
import type { ModelState } from "../model/types.ts";
import { checkDevices, checkRunning } from "./check_running.ts";
import { checkSettings, joinLayers } from "./config/config.ts";
import type { RunConfig } from "./config/settings.ts";
import { tellData } from "./data_account.ts";
import { type Evaluator, openEvaluations } from "./evaluators.ts";
import { checkWeights, firstState, requireInitial } from "./first_state.ts";
import { withBatchSize } from "./auto_batch.ts";
import { bestKeeper, keptBest } from "./best_keeper.ts";
import { keeperOf, type Taker, takerOf } from "./checkpoints.ts";
import { type Keeper, noKeeper } from "./keeper.ts";
import { runLoop } from "./run_loop.ts";
import { epochBefore, type Run } from "./standing.ts";
import { compileFirst } from "./first_compile.ts";
import { MemoryError } from "./memory.ts";
import { openOutlook } from "./outlook.ts";
import { type PreparedRun, prepareRun } from "./prepare.ts";
import { pretraining } from "./pretraining.ts";
import { oneProcess, type ProcessGroup, severalNodes } from "./process_group.ts";
import { recorder } from "./record.ts";
import type { Best } from "./run/best.ts";
import { abandonFolder, lockRun } from "./run/folder.ts";
import { type Before, keepBefore } from "./run/put_back.ts";
import { noteStart, thisStart } from "./run/machine.ts";
import { planSteps, type StepPlan } from "./run/plan.ts";
import { describeEnd, describeRun, labelled } from "./show/describe.ts";
import { openMeter } from "./show/meter.ts";
import { type Progress, silent } from "./show/progress.ts";
import { countParameters, disposeTree, type TrainState } from "./state.ts";
import type { StepArgs } from "./step.ts";

/** What {@linkcode train} runs on. */
export interface TrainOptions {
  engine: Engine;
  /** The pictures: what {@linkcode openData} or {@linkcode openSource} gives. Not closed. */
  source: Data;
  /** The nodes that train together, where they are several; the engine must have been opened with them. */
  hosts?: Hosts;
  /**
   * Weights to start from, where the run has no checkpoint yet: all tensors of the model under their names. Read, never
   * disposed.
   */
  initial?: ModelState;
  /** What the loss is the sum of. Default: the method's terms. */
  terms?: readonly LossTerm[];
  /** Evaluators that look at the state now and then. */
  evaluators?: readonly Evaluator[];
  /** Default: shows nothing. */
  progress?: Progress;
  /** Aborting it finishes the step, writes a checkpoint and returns. */
  signal?: AbortSignal;
  /** False: no checkpoint is written, nor what came of the data when it fails; for a trial with which nobody goes on. */
  checkpoints?: boolean;
  /** The lock of the run folder, where the caller has it already ({@linkcode lockRun}); it stays the caller's. */
  lock?: Lock;
  /** Where checkpoints go; tests give a disk with faults. */
  disk?: Disk;
}

/** What a run ends with. */
export interface TrainResult {
  /** The trained state, on the engine; the caller's to dispose. */
  state: TrainState;
  /** Steps done, of how many. */
  step: number;
  total: number;
  /** True when the signal ended the run before its last step. */
  stopped: boolean;
  /** The last checkpoint; empty on nodes other than node 0. */
  checkpoint: string;
  /** The best states by the evaluators' figures, with their checkpoints; none on nodes other than node 0. */
  best: Best[];
  /** Bad pictures skipped, those that shards lost among them. */
  bad: number;
  /** What came of the data; on nodes other than node 0, of their part. */
  data: DataAccount;
}

/** What the parts of a run share. */
interface Session {
  engine: Engine;
  group: ProcessGroup;
  plan: StepPlan;
  prepared: PreparedRun;
  before: Before;
  run: Run<TrainState>;
  progress: Progress;
}

/**
 * Trains: streams batches of view pairs through the compiled step and leaves a run folder with config.json,
 * metrics.jsonl and checkpoints. With `config.resume` it goes on from the last checkpoint, bit for bit on the same
 * engine. A run begins with its checkpoint (resume), else with `initial` (warm start), else with random weights (scratch).
 *
 * At most two steps are under way (one on a processor), and the next batches are decoded while the device works. A
 * state becomes a checkpoint only once the step after it has shown that its loss is a number.
 *
 * @param given The run; `out` names its folder. A batch size of 0 is found, see {@linkcode withBatchSize}.
 * @throws {ConfigError} When settings cannot be used with this data or on this engine, or name weights that are not given; before
 * work starts.
 * @throws {TypeError} When the engine, the data or what else it runs on are none; before work starts.
 * @throws {RangeError} When evaluators or weights cannot be used, before work starts; or loss terms, before the first step.
 * @throws {InUseError} When another process has the run folder.
 * @throws {MemoryError} When the step does not fit into the device's memory; a new run's folder is free again, that of one
 * which was to go on is as it was.
 * @throws {NonFiniteError} When a loss is not a finite number; that state is not saved.
 * @throws {EvaluatorError} When an evaluator fails; the state is saved.
 * @throws {Error} When a checkpoint cannot be written; the earlier ones stay.
 */
export async function train(given: RunConfig, options: TrainOptions): Promise<TrainResult> {
  const { engine, source, hosts, initial, progress = silent, signal } = options;
  checkSettings(joinLayers([given]), "the run");
  checkRunning(options);
  checkDevices(given, engine, hosts);
  const say = (line: string) => progress.line(line);
  const config = await withBatchSize(given, { engine, source, progress: say });
  const plan = planSteps(config, source), { total } = plan;
  if (initial) checkWeights(config, initial);
  const group = hosts ? severalNodes(hosts, engine.devices, signal) : oneProcess(engine.devices, signal);
  if (group.leads) await requireInitial(config, initial);
  await using _lock = group.leads && !options.lock ? await lockRun(config, say) : null;
  using before = await keepBefore({ out: config.out, resume: group.leads && config.resume });
  const preparing = prepareRun(config, source, group, plan, say);
  const prepared = await preparing.catch(before.refuse);
  let run: Run<TrainState> | undefined, refused = false;
  try {
    run = beginRun(config, options, prepared, plan);
    if (group.leads) await noteStart(config.out, thisStart(engine, run.step));
    const session = { engine, group, plan, prepared, before, run, progress };
    const { account, metrics, resumed } = prepared, { pictures } = plan, { disk } = options;
    const take = takerOf(config, { engine, group, pictures, account });
    const keeper = group.leads && options.checkpoints !== false
      ? keeperOf(config, { resumed, start: run.step, metrics, take, disk })
      : noKeeper;
    await trainRun(config, options, session, keeper, take);
    const { state, step, bad } = run;
    return {
      state,
      step,
      total,
      stopped: step < total,
      checkpoint: keeper.path() ?? "",
      best: group.leads ? await keptBest(config.out, options.evaluators ?? []) : [],
      bad,
      data: prepared.account.account(),
    };
  } catch (error) {
    if (error instanceof BadLimitError && group.leads && options.checkpoints !== false) {
      await tellData(config.out, prepared.account, run?.step ?? 0, error);
    }
    // With several processes, this one's device may wait for others that never get there.
    if (run && group.alone) disposeTree(run.state);
    // No step was done, so the folder of a new run is free for another batch size.
    refused = error instanceof MemoryError && group.leads && !config.resume;
    await before.putBack();
    throw error;
  } finally {
    progress.close();
    await prepared.close();
    if (refused) await abandonFolder(config);
  }
}

/** Puts the first state on the engine, and says what the run is. */
function beginRun(
  config: RunConfig,
  { engine, source, initial, progress = silent }: TrainOptions,
  { resumed, place }: PreparedRun,
  plan: StepPlan,
): Run<TrainState> {
  const state = firstState(config, resumed?.tensors, initial);
  if (resumed) resumed.tensors = {}; // They are on the engine now; a second copy would stay for the whole run.
  const parameters = countParameters(state.params), warm = !resumed && initial !== undefined;
  const units = bfloat16Units(), of = { engine, source, parameters, plan, resumed, warm, units };
  for (const [label, text] of describeRun(config, of)) progress.line(labelled(label, text));
  const { cursor, bad } = place;
  return { state, step: resumed?.step ?? 0, epoch: epochBefore(cursor), next: cursor, bad };
}

/** Trains until the run ends or is stopped, writes the last checkpoint and runs the final evaluations. */
async function trainRun(
  config: RunConfig,
  { evaluators = [], terms, signal, disk }: TrainOptions,
  session: Session,
  keeper: Keeper<TrainState>,
  take: Taker,
): Promise<void> {
  const { engine, group, plan, prepared: { batches, metrics, account, resumed }, run, progress } = session;
  const { perEpoch, total } = plan, { batchSize, logEvery } = config;
  const say = (label: string, text: string) => progress.line(labelled(label, text));
  const meter = openMeter(batchSize);
  const best = bestKeeper({
    run: config.out,
    take,
    disk,
    say: (text) => say("best", text),
  });
  const watch = group.leads ? await openOutlook(config, { plan, resumed: resumed !== null, say }) : undefined;
  const looking = { perEpoch, total, metrics, progress, meter, signal, best, watch };
  const evaluations = openEvaluations(group.leads ? evaluators : [], looking);
  const method = pretraining(engine, config, group.layout, perEpoch, terms, say);
  const { step, inputs, rates } = method;
  const { path: checkpoint } = keeper, { found } = evaluations;
  const record = recorder({
    total,
    batchSize,
    logEvery,
    rates,
    metrics,
    meter,
    progress,
    found,
    watch,
    checkpoint,
  });
  const looped = runLoop({
    ...{ engine, account, run, total, step, inputs, batches, group, meter, keeper, evaluations, record },
    first: async (args: StepArgs) => {
      const compile = (count?: number) => method.compile(args, count), multiple = engine.devices;
      // With several processes, all would have to compile smaller batches together.
      meter.start(await compileFirst({ engine, config, multiple, search: group.alone, compile, progress }));
      session.before.forget();
      if (run.step < total) await evaluations.missed(run);
    },
  });
  // A program that trains many models would keep the steps of all of them. Where processes train together, a step of one
  // that fails may wait for the others.
  await (group.alone ? looped.finally(method.dispose) : looped);
  await group.finished();
  if (!group.alone) method.dispose();
  progress.line(describeEnd({ step: run.step, total, checkpoint: checkpoint() ?? "", bad: run.bad }));
  if (group.leads) {
    for (const line of account.lines()) say("data", line);
  }
  // What a run that was complete finds now stays, whatever else fails.
  session.before.forget();
  if (run.step >= total) await evaluations.end(run);
  watch?.end(run.step, found());
}

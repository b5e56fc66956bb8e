/** Weakly supervised re-identification put together: the loop is that of pre-training, with another step and state. */
import { join } from "node:path";
import { openEvaluations } from "../../train/evaluators.ts";
import { checkRunning } from "../../train/check_running.ts";
import { oneProcess } from "../../train/process_group.ts";
import { recorder } from "../../train/record.ts";
import type { Checkpoint } from "../../train/run/checkpoint.ts";
import { lockRun } from "../../train/run/folder.ts";
import { refuseNoStep, refusePassed } from "../../train/run/plan.ts";
import { keepBefore } from "../../train/run/put_back.ts";
import { noteStart, thisStart } from "../../train/run/machine.ts";
import { openMetrics } from "../../train/run/metrics_file.ts";
import { runLoop } from "../../train/run_loop.ts";
import { describeCompile, describeEnd, labelled } from "../../train/show/describe.ts";
import { openMeter } from "../../train/show/meter.ts";
import { silent } from "../../train/show/progress.ts";
import { epochBefore, type Run } from "../../train/standing.ts";
import { disposeTree } from "../../train/state.ts";
import { checkInput } from "../embed.ts";
import { checkBags } from "./bags.ts";
import { bagBatches } from "./batches.ts";
import { checkWeakConfig, type WeakConfig, weakRate } from "./config.ts";
import { bagsDigest, checkSameEncoder, checkSamePictures, prepareWeakFolder } from "./folder.ts";
import { describe, inputsOf, keeperOf, type Session, type TrainWeaklyOptions } from "./session.ts";
import { firstWeakState, writeWeakState } from "./state.ts";
import { type WeakInputs, type WeakState, weakStep } from "./step.ts";

/** What a run ends with. */
export interface WeakResult {
  step: number;
  total: number;
  stopped: boolean;
  checkpoint: string;
  bad: number;
}

/** Trains until the run ends or is stopped, writes the last checkpoint and runs the final evaluations. */
async function trainRun(session: Session, run: Run<WeakState>, resumed: Checkpoint | null): Promise<string> {
  const { config, engine, source, list, model, perEpoch, total, progress, signal, onBad, before } = session;
  const { logEvery, bagsPerBatch, perBag, pairwise, triplet, margin, decay } = config,
    batchSize = bagsPerBatch * perBag;
  const metrics = await openMetrics(join(config.out, "metrics.jsonl"), run.step);
  const batches = bagBatches(source, list, {
    ...config,
    bags: bagsPerBatch,
    from: run.next,
    bad: run.bad,
    onBad,
  });
  const step = engine.jit(weakStep({ model, pairwise, triplet, margin, decay }), { donate: ["state"] });
  try {
    const meter = openMeter(batchSize), keeper = keeperOf(session, run, resumed?.path ?? null, metrics.sync);
    const looking = { perEpoch, total, metrics, progress, meter, signal };
    const evaluations = openEvaluations(session.evaluators ?? [], looking);
    const { found } = evaluations, { path: checkpoint } = keeper;
    const record = recorder({
      ...{ total, batchSize, logEvery, metrics, meter, progress, found, checkpoint },
      rates: (step) => ({ lr: weakRate(config, Math.floor(step / perEpoch)), wd: decay }),
    });
    await runLoop<WeakState, WeakInputs>({
      ...{ engine, run, total, step, inputs: inputsOf(session), batches, meter, keeper, evaluations, record },
      group: oneProcess(1, signal),
      first: async (args) => {
        const report = await step.compile(args);
        if (engine.compiles) progress.line(labelled("step", describeCompile(report)));
        meter.start();
        before.forget();
        if (run.step < total) await evaluations.missed(run);
      },
    });
    const last = checkpoint() ?? "";
    progress.line(describeEnd({ step: run.step, total, checkpoint: last, bad: run.bad }));
    // What a run that was complete finds now stays, whatever else fails.
    before.forget();
    if (run.step >= total) await evaluations.end(run);
    return last;
  } finally {
    metrics.close();
    await batches.return();
    step.dispose();
  }
}

/**
 * Trains an encoder to tell persons apart whose labels are known for bags of pictures only, as the authors of SYSU-30k do
 * (docs/reid.md): unary term, pairwise term, weak triplet. Leaves a run folder with config.json, metrics.jsonl and
 * checkpoints whose encoder every command reads. With `resume` it goes on from the last one, bit for bit on the same engine.
 *
 * A resume that ends with an error before its first step leaves the run's settings and metrics as they were.
 *
 * @param config The run; `out` names its folder.
 * @throws {ConfigError} When a setting cannot be used, the run cannot go on with these settings, pictures or bags, or has not one
 * step.
 * @throws {TypeError} When the engine, the pictures, the bags or what else it runs on are none.
 * @throws {RangeError} When there are too few bags, one has no picture or no known person, the input's sides are no multiples of the encoder's patches, or evaluators
 * cannot be used.
 * @throws {InUseError} When another process has the run folder.
 * @throws {NonFiniteError} When a loss is not a finite number; that state is not saved.
 * @throws {EvaluatorError} When an evaluator fails; the state is saved.
 * @throws {Error} When pictures cannot be read, or a checkpoint cannot be written; the earlier ones stay.
 */
export async function trainWeakly(config: WeakConfig, options: TrainWeaklyOptions): Promise<WeakResult> {
  checkWeakConfig(config);
  checkRunning(options);
  const { engine, list, source, model, resume = false, progress = silent } = options;
  checkBags(source, list);
  checkInput(model, { ...config, mirror: "none" });
  const perEpoch = Math.floor(list.bags.length / config.bagsPerBatch),
    all = Math.round(config.epochs * perEpoch);
  if (perEpoch === 0) {
    throw new RangeError(
      `${source.uri}: a batch takes ${config.bagsPerBatch} bags, but there are ${list.bags.length}`,
    );
  }
  refuseNoStep(config.epochs, perEpoch);
  const total = config.steps > 0 ? Math.min(config.steps, all) : all;
  await using _lock = options.lock
    ? null
    : await lockRun({ out: config.out, resume }, (line) => progress.line(line));
  using before = await keepBefore({ out: config.out, resume });
  const session: Session = { ...options, config, perEpoch, total, progress, before };
  let run: Run<WeakState> | undefined;
  try {
    const stored = { ...config, bagsDigest: bagsDigest(list, source) };
    const resumed = await prepareWeakFolder(stored, resume, (checkpoint) => {
      checkSamePictures(checkpoint, source, list);
      checkSameEncoder(checkpoint, model);
      refusePassed(checkpoint, { steps: config.steps, total });
    });
    run = await beginRun(session, resumed);
    await noteStart(config.out, thisStart(engine, run.step));
    describe(session, run);
    const checkpoint = await trainRun(session, run, resumed);
    const { step, bad } = run;
    return { step, total, stopped: step < total, checkpoint, bad };
  } catch (error) {
    await before.putBack();
    throw error;
  } finally {
    progress.close();
    if (run) disposeTree(run.state);
  }
}

/** Puts the first state on the engine: that of a checkpoint, or a trained encoder with a fresh head. */
async function beginRun(
  { config, list, load }: Session,
  resumed: Checkpoint | null,
): Promise<Run<WeakState>> {
  const state = resumed
    ? writeWeakState(resumed.tensors)
    : firstWeakState(await load(), list.identities.length, config.seed);
  // They are on the engine now; a second copy would stay for the whole run.
  if (resumed) resumed.tensors = {};
  const next = resumed?.cursor ?? { epoch: 0, position: 0 };
  return { state, step: resumed?.step ?? 0, epoch: epochBefore(next), next, bad: resumed?.bad ?? 0 };
}

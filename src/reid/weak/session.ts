/** What the parts of a weakly supervised training share, and what each of its steps and checkpoints holds. */
import type { BagList } from "../../data/sources/people/bags.ts";
import type { FolderedSource } from "../../data/sources/people/numbered_folders.ts";
import type { BadRecordError, Batch } from "../../data/types.ts";
import * as tf from "../../engine/tensors.ts";
import type { Engine } from "../../engine/types.ts";
import type { Lock } from "../../files/lock.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { ModelState } from "../../model/types.ts";
import { resolveConfig } from "../../train/config/config.ts";
import type { Evaluator } from "../../train/evaluators.ts";
import { openKeeper } from "../../train/keeper.ts";
import type { Before } from "../../train/run/put_back.ts";
import { saveInRun } from "../../train/run/save.ts";
import { BETAS } from "../../train/schedule.ts";
import { labelled } from "../../train/show/describe.ts";
import type { Progress } from "../../train/show/progress.ts";
import type { Run } from "../../train/standing.ts";
import { countParameters } from "../../train/state.ts";
import { type WeakConfig, weakRate } from "./config.ts";
import { readWeakState } from "./state.ts";
import type { WeakInputs, WeakState } from "./step.ts";

/** What `trainWeakly` runs on. */
export interface TrainWeaklyOptions {
  engine: Engine;
  /** The training pictures, by folders. Not closed. */
  source: FolderedSource;
  /** Bags of its folders, see `readBags`. */
  list: BagList;
  /** The encoder's sizes. */
  model: ModelConfig;
  /** Puts the encoder that a new run begins with on the engine. */
  load(): Promise<ModelState>;
  /** Whether to go on from the run's last checkpoint. */
  resume?: boolean;
  /** Look at the state now and then. Default: none. */
  evaluators?: readonly Evaluator<WeakState>[];
  progress?: Progress;
  onBad?: (bad: BadRecordError) => void;
  /** Aborting it finishes the step, writes a checkpoint and returns. */
  signal?: AbortSignal;
  /** The lock of the run folder, where the caller has it already. */
  lock?: Lock;
}

/** What the parts of a run share. */
export interface Session extends TrainWeaklyOptions {
  config: WeakConfig;
  perEpoch: number;
  total: number;
  progress: Progress;
  before: Before;
}

/** The keeper of a run's checkpoints. Each holds an encoder that every command reads. */
export function keeperOf(
  session: Session,
  run: Run<WeakState>,
  path: string | null,
  sync: () => Promise<void>,
) {
  const { config, engine, model, source } = session;
  const { out, keep, checkpointMinutes: minutes, checkpointSteps: steps, seed, data } = config;
  const stored = resolveConfig({ ...model, seed, data, batchSize: config.bagsPerBatch * config.perBag });
  return openKeeper<WeakState, Parameters<typeof saveInRun>[1]>({
    minutes,
    steps,
    start: run.step,
    path,
    take: async ({ state, step, next, bad }) => ({
      info: {
        config: stored,
        step,
        cursor: next,
        pictures: source.length,
        bad,
        engine: engine.name,
        time: new Date().toISOString(),
      },
      tensors: await readWeakState(state),
    }),
    write: async ({ info, tensors }) => {
      await sync();
      return await saveInRun(out, info, tensors, { keep });
    },
  });
}

/** A batch as the tensors that a step takes. */
export function inputsOf(
  { engine, config, list, perEpoch }: Session,
): (batch: Batch, step: number) => WeakInputs {
  const { height, width } = config, persons = list.identities.length;
  return ({ base, labels }, step) => {
    const count = labels!.length, shown = new Uint8Array(count * persons);
    labels!.forEach((bag, i) => list.bags[bag].labels.forEach((person) => shown[i * persons + person] = 1));
    return {
      pictures: engine.bytes(base, [count, height, width, 3]),
      bags: engine.bytes(shown, [count, persons]),
      scalars: {
        lr: tf.scalar(weakRate(config, Math.floor(step / perEpoch))),
        bias1: tf.scalar(1 - BETAS[0] ** (step + 1)),
        bias2: tf.scalar(1 - BETAS[1] ** (step + 1)),
      },
    };
  };
}

/** Says what the run is. */
export function describe(
  { config, engine, source, list, perEpoch, total, progress }: Session,
  run: Run<WeakState>,
): void {
  const parameters = countParameters(run.state.params).toLocaleString("en");
  const lines = [
    ["engine", `${engine.name}: ${engine.description}`],
    [
      "model",
      `${config.model}, input ${config.height} × ${config.width}, ${parameters} trainable parameters`,
    ],
    [
      "data",
      `${source.uri}: ${source.length} pictures, ${list.bags.length} bags of ${list.identities.length} persons, ${perEpoch} ` +
      `steps of ${config.bagsPerBatch} × ${config.perBag} pictures an epoch`,
    ],
    ["run", `${config.out}: ${total} steps${run.step > 0 ? `, going on after ${run.step}` : ""}`],
  ];
  for (const [label, text] of lines) progress.line(labelled(label, text));
}

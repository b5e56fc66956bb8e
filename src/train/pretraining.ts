/** The method (docs/spec.md) as what the loop trains: its step, and its batches as tensors. */
import type { Batch } from "../data/types.ts";
import type { CompileReport, Engine, Precision } from "../engine/types.ts";
import { LOSS_TERMS, type LossTerm } from "../model/loss.ts";
import { blankBatch } from "./memory.ts";
import type { Layout } from "./layout.ts";
import { stepScalars } from "./schedule.ts";
import { disposeTree } from "./state.ts";
import {
  type ScalarTensors,
  type StepArgs,
  type StepBatch,
  type StepResult,
  type StepSettings,
  trainStep,
} from "./step.ts";
import { type FeedSettings, scalarTensors } from "./step_inputs.ts";

/** What pretraining depends on. A whole run configuration is one. */
export interface PretrainingSettings extends StepSettings, FeedSettings {
  imageSize: number;
  depth: number;
  nodes: number;
  precision: Precision;
  gradientSums: Precision;
  shardOptimizer: boolean;
}

/** Pretraining, prepared for an engine. */
export interface Pretraining {
  /** One step; gives up the old state. */
  step(args: StepArgs): StepResult;
  /** What a step takes beside the state. `step`: its number in the run, from 0. */
  inputs(
    batch: Pick<Batch, "base" | "views" | "indices">,
    step: number,
  ): { batch: StepBatch; scalars: ScalarTensors };
  /** The rates of a step, from 0. */
  rates(step: number): { lr: number; wd: number };
  /** Compiles the step for the arguments, or for another number of pictures than theirs. */
  compile(args: StepArgs, count?: number): Promise<CompileReport>;
  /** Gives back what was compiled; no step may be under way or follow. */
  dispose(): void;
}

/**
 * Prepares the step of pretraining.
 *
 * @param layout How batches are laid out over processes and devices.
 * @param perEpoch Steps in an epoch.
 * @param terms What the loss is the sum of.
 */
export function pretraining(
  engine: Engine,
  settings: PretrainingSettings,
  layout: Layout,
  perEpoch: number,
  terms: readonly LossTerm[] = LOSS_TERMS,
): Pretraining {
  const over = { parts: layout.parts, divided: settings.shardOptimizer };
  const step = engine.jit(layout.step(trainStep(settings, terms, over)), {
    donate: ["state"],
    precision: settings.precision,
    shard: layout.shard,
    divide: settings.shardOptimizer ? ["state/m", "state/v", "state/ema"] : [],
    sums: settings.gradientSums,
  });
  const tensors = (batch: Pick<Batch, "base" | "views" | "indices">, step: number) =>
    layout.tensors(engine, settings, batch, step);
  return {
    step,
    inputs: (batch, step) => ({
      batch: tensors(batch, step),
      scalars: scalarTensors(settings, perEpoch, step),
    }),
    dispose: () => step.dispose(),
    rates: (step) => stepScalars(settings, perEpoch, step),
    compile: async (args, count) => {
      if (count === undefined || count === args.batch.base.shape[0]) return await step.compile(args);
      const batch = tensors(blankBatch(settings.imageSize, count), 0);
      return await step.compile({ ...args, batch }).finally(() => disposeTree(batch));
    },
  };
}

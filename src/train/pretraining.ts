/** The method (docs/spec.md) as what the loop trains: its step, and its batches as tensors. */
import type { Batch } from "../data/types.ts";
import type { CompileReport, Engine, Precision } from "../engine/types.ts";
import { whyNoFusedAttention } from "../engine/tensors.ts";
import type { ModelConfig } from "../model/config.ts";
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

/** How blocks attend in pre-training on the engine that is open: `auto` is cuDNN's where that can be had. */
export function attentionOf(
  { attention, precision }: Pick<PretrainingSettings, "attention" | "precision">,
): ModelConfig["attention"] {
  return attention === "auto" && !whyNoFusedAttention(precision) ? "cudnn" : attention;
}

/** Whether a program could not be compiled because of cuDNN's attention. */
const refusesFused = (error: unknown) => /cudnn|fmha/i.test(String(error));

/**
 * Prepares the step of pretraining. Where cuDNN's attention is asked for and cannot be had, or its library finds no way to
 * compute it for these sizes, the step attends plainly, and that is said.
 *
 * @param layout How batches are laid out over processes and devices.
 * @param perEpoch Steps in an epoch.
 * @param terms What the loss is the sum of.
 * @param say Takes a line for people.
 */
export function pretraining(
  engine: Engine,
  settings: PretrainingSettings,
  layout: Layout,
  perEpoch: number,
  terms: readonly LossTerm[] = LOSS_TERMS,
  say: (label: string, text: string) => void = () => {},
): Pretraining {
  // A card spends more time on beginning many small products than on them.
  const together = engine.compiles && engine.deviceMemory() !== "host";
  const over = { parts: layout.parts, divided: settings.shardOptimizer, together };
  const { precision } = settings, whyNot = whyNoFusedAttention(precision), attention = attentionOf(settings);
  const prepare = (attention: ModelConfig["attention"]) =>
    engine.jit(layout.step(trainStep({ ...settings, attention }, terms, over)), {
      donate: ["state"],
      precision,
      shard: layout.shard,
      divide: settings.shardOptimizer ? ["state/m", "state/v", "state/ema"] : [],
      sums: settings.gradientSums,
    });
  if (whyNot && attention === "cudnn") {
    say("note", `attention cudnn is not taken: ${whyNot}; blocks attend plainly`);
  }
  let step = prepare(attention);
  const compile = async (args: StepArgs): Promise<CompileReport> => {
    try {
      return await step.compile(args);
    } catch (error) {
      if (attention !== "cudnn" || !refusesFused(error)) throw error;
      const [why] = (error as Error).message.split("\n");
      say("note", `attention cudnn cannot be compiled here (${why}); blocks attend plainly`);
      step.dispose();
      step = prepare("plain");
      return await step.compile(args);
    }
  };
  const tensors = (batch: Pick<Batch, "base" | "views" | "indices">, step: number) =>
    layout.tensors(engine, settings, batch, step);
  return {
    step: (args) => step(args),
    inputs: (batch, step) => ({
      batch: tensors(batch, step),
      scalars: scalarTensors(settings, perEpoch, step),
    }),
    dispose: () => step.dispose(),
    rates: (step) => stepScalars(settings, perEpoch, step),
    compile: async (args, count) => {
      if (count === undefined || count === args.batch.base.shape[0]) return await compile(args);
      const batch = tensors(blankBatch(settings.imageSize, count), 0);
      return await compile({ ...args, batch }).finally(() => disposeTree(batch));
    },
  };
}

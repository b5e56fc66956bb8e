/** Fine-tuning as what the loop trains: its step, and its batches as tensors. */
import type { Engine } from "../engine/types.ts";
import type { Method } from "../train/downstream.ts";
import { blankBatch } from "../train/memory.ts";
import { disposeTree } from "../train/state.ts";
import type { ScalarTensors } from "../train/step.ts";
import { tensorsOf } from "../train/step_inputs.ts";
import { classifierConfig } from "./config.ts";
import { openFeed } from "./inputs.ts";
import { finetuneScalars } from "./rates.ts";
import type { FinetuneConfig } from "./settings.ts";
import { type FinetuneBatch, finetuneStep } from "./step.ts";

/** What a step takes beside the state. */
export type FinetuneInputs = { batch: FinetuneBatch; scalars: ScalarTensors };

/** Side of the base pictures that crops are cut from. */
export function baseSizeOf({ baseSize, imageSize }: Pick<FinetuneConfig, "baseSize" | "imageSize">): number {
  return baseSize || imageSize;
}

/**
 * Prepares the step of fine-tuning.
 *
 * @param classes How many classes there are.
 * @param perEpoch Steps in an epoch.
 */
export function finetuning(
  engine: Engine,
  config: FinetuneConfig,
  classes: number,
  perEpoch: number,
): Method<FinetuneInputs> {
  const settings = { ...config, model: classifierConfig(config), classes, baseSize: baseSizeOf(config) };
  const step = engine.jit(finetuneStep(settings), { donate: ["state"], precision: config.precision });
  const feed = openFeed(engine, settings);
  return {
    step,
    inputs(batch, number) {
      const scalars = tensorsOf(finetuneScalars(config, perEpoch, number));
      return { batch: feed.tensors(batch, number), scalars };
    },
    rates: (number) => finetuneScalars(config, perEpoch, number),
    compile: async (args, count) => {
      if (count === undefined || count === args.batch.base.shape[0]) return await step.compile(args);
      const blank = { ...blankBatch(settings.baseSize, count), labels: new Int32Array(count), epoch: 0 };
      const batch = feed.tensors(blank, 0);
      return await step.compile({ ...args, batch }).finally(() => disposeTree(batch));
    },
    close: feed.close,
  };
}

import type { Batch } from "../data/types.ts";
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { randomStream } from "../random.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import { type ScheduleSettings, type StepScalars, stepScalars } from "./schedule.ts";
import type { ScalarTensors, StepBatch } from "./step.ts";

/** What the arguments of a step depend on beside the batch. A whole run configuration is one. */
export interface FeedSettings extends ScheduleSettings {
  imageSize: number;
  /** Blocks of the encoder. */
  depth: number;
  seed: number;
}

/**
 * The uniform draws of stochastic depth for one step, docs/spec.md §2: one for each block, branch (attention, then MLP) and
 * row of the stacked views.
 *
 * @param seed The run's seed.
 * @param step Number of the step in the run, counted from 0.
 * @param depth Blocks of the encoder.
 * @param rows Rows of the stack, 2B.
 * @returns depth × 2 × rows numbers in [0, 1).
 */
export function drawDrop(seed: number, step: number, depth: number, rows: number): Float32Array {
  const stream = randomStream(seed, "dropPath", step);
  const below1 = 1 - 2 ** -24;
  // Rounding to float32 may give 1, which would keep a row twice: floor(1 − rate + 1) = 2 where the rate is 0.
  return Float32Array.from({ length: depth * 2 * rows }, () => Math.min(stream.uniform(), below1));
}

/**
 * A batch as the tensors that a step takes.
 *
 * @param step Number of the step in the run, counted from 0: it names the draws of stochastic depth.
 * @throws {RangeError} When pictures, views and indices are not as many as each other.
 */
export function batchTensors(
  engine: Engine,
  settings: Omit<FeedSettings, keyof ScheduleSettings>,
  batch: Pick<Batch, "base" | "views" | "indices">,
  step: number,
): StepBatch {
  const { imageSize: size, depth, seed } = settings;
  const count = batch.indices.length, { base, views } = batch;
  if (engine.devices === 1) {
    const wanted = [count * size * size * 3, 2 * count * VIEW_FIELDS];
    if (base.length !== wanted[0] || views.length !== wanted[1]) {
      throw new RangeError(
        `a batch of ${count} pictures of ${size} pixels has ${wanted[0]} bytes and ${
          wanted[1]
        } numbers of views, not ` +
          `${base.length} and ${views.length}`,
      );
    }
  }
  return {
    base: engine.bytes(batch.base, [count, size, size, 3]),
    views: tf.tensor(batch.views, [2, count, VIEW_FIELDS], "float32"),
    drop: tf.tensor(drawDrop(seed, step, depth, 2 * count), [depth, 2, 2 * count], "float32"),
  };
}

/**
 * The scalars of a step as tensors. `step` is counted from 0.
 *
 * @throws {RangeError} When the step, or the steps in an epoch, are none.
 */
export function scalarTensors(
  settings: ScheduleSettings,
  stepsPerEpoch: number,
  step: number,
): ScalarTensors {
  return tensorsOf(stepScalars(settings, stepsPerEpoch, step));
}

/** The numbers of one step as tensors, the caller's to dispose. */
export function tensorsOf({ lr, wd, bias1, bias2, ema }: StepScalars): ScalarTensors {
  return {
    lr: tf.scalar(lr),
    wd: tf.scalar(wd),
    bias1: tf.scalar(bias1),
    bias2: tf.scalar(bias2),
    ema: tf.scalar(ema),
  };
}

/**
 * Reads named scalars, such as a step's metrics, and disposes their tensors. Waits for the device without blocking.
 *
 * @throws {RangeError} When one is no scalar; all are disposed then, too.
 */
export async function readValues<Scalars extends Record<string, tf.Tensor>>(
  scalars: Scalars,
): Promise<{ [name in keyof Scalars]: number }> {
  const entries = Object.entries(scalars);
  const values: Record<string, number> = {};
  try {
    for (const [name, tensor] of entries) {
      if (tensor.size !== 1) throw new RangeError(`${name} is [${tensor.shape}], no scalar`);
      values[name] = (await tensor.data())[0];
    }
  } finally {
    for (const [, tensor] of entries) tensor.dispose();
  }
  return values as { [name in keyof Scalars]: number };
}

import * as tf from "../engine/tensors.ts";
import { withGradient } from "./custom.ts";
import type { Params } from "./types.ts";

/** Epsilon beside the variance (docs/spec.md §3). */
export const BATCH_NORM_EPSILON = 1e-5;
/** Share of the new statistics in the running ones. */
export const BATCH_NORM_MOMENTUM = 0.1;

/** Normalised rows and the statistics after them. */
export interface BatchNormResult {
  y: tf.Tensor;
  /** `NAME.running_mean` and `NAME.running_var` after this batch; unchanged outside training. */
  buffers: Params;
}

/** How a batch norm works. */
export interface BatchNormOptions {
  training: boolean;
  /** Default {@linkcode BATCH_NORM_EPSILON}. */
  epsilon?: number;
}

/** (x − mean)·scale with the batch's own statistics, whose dependence on x is in the derivative. */
function normalise(x: tf.Tensor, mean: tf.Tensor, scale: tf.Tensor, affine: tf.Tensor[]): tf.Tensor {
  const rows = x.shape[0];
  return withGradient([x, ...affine], {
    forward: (x, weight, bias) => {
      const unit = tf.mul(tf.sub(x, mean), scale);
      const value = weight ? tf.add(tf.mul(unit, weight), bias) : unit;
      return { value, saved: weight ? [x, mean, scale, weight] : [x, mean, scale] };
    },
    backward: (dy, [x, mean, scale, weight]) => {
      const unit = tf.mul(tf.sub(x, mean), scale);
      const total = tf.sum(dy, 0), along = tf.sum(tf.mul(dy, unit), 0);
      const rest = tf.sub(tf.sub(dy, tf.div(total, rows)), tf.mul(unit, tf.div(along, rows)));
      const dx = tf.mul(rest, weight ? tf.mul(scale, weight) : scale);
      return weight ? [dx, along, total] : [dx];
    },
  });
}

/**
 * Batch norm of rows (docs/spec.md §3): in training by the mean and biased variance of all rows, and the running statistics
 * move toward the mean and unbiased variance; otherwise by the running statistics.
 *
 * @param x [rows, width].
 * @param params Where `NAME.weight` and `NAME.bias` exist, they are applied.
 * @param buffers `NAME.running_mean` and `NAME.running_var`, [width].
 */
export function batchNorm(
  x: tf.Tensor,
  params: Params,
  buffers: Params,
  name: string,
  { training, epsilon = BATCH_NORM_EPSILON }: BatchNormOptions,
): BatchNormResult {
  const [meanName, varianceName] = [`${name}.running_mean`, `${name}.running_var`];
  const [runningMean, runningVariance] = [buffers[meanName], buffers[varianceName]];
  const weight = params[`${name}.weight`], bias = params[`${name}.bias`];
  if (!training) {
    const scale = tf.rsqrt(tf.add(runningVariance, epsilon));
    const unit = tf.mul(tf.sub(x, runningMean), scale);
    const y = weight ? tf.add(tf.mul(unit, weight), bias) : unit;
    return { y, buffers: { [meanName]: runningMean, [varianceName]: runningVariance } };
  }
  const rows = x.shape[0];
  const mean = tf.mean(x, 0);
  const variance = tf.mean(tf.square(tf.sub(x, mean)), 0);
  const y = normalise(x, mean, tf.rsqrt(tf.add(variance, epsilon)), weight ? [weight, bias] : []);
  const move = (from: tf.Tensor, to: tf.Tensor, factor: number) =>
    tf.add(tf.mul(from, 1 - BATCH_NORM_MOMENTUM), tf.mul(to, BATCH_NORM_MOMENTUM * factor));
  return {
    y,
    buffers: {
      [meanName]: move(runningMean, mean, 1),
      [varianceName]: move(runningVariance, variance, rows / Math.max(rows - 1, 1)),
    },
  };
}

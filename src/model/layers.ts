import { devicePlatform, stored, together } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import { withGradient } from "./custom.ts";
import type { Params } from "./types.ts";

/** Epsilon of every layer norm (docs/spec.md §2). */
export const LAYER_NORM_EPSILON = 1e-6;

/**
 * A linear layer, x·Wᵀ + b, on rows.
 *
 * @param x [rows, in].
 * @param name Of the layer: `NAME.weight` [out, in] and, where it exists, `NAME.bias` [out].
 * @returns [rows, out].
 */
export function linear(x: tf.Tensor, params: Params, name: string): tf.Tensor {
  const y = tf.matMul(x, params[`${name}.weight`], false, true);
  const bias = params[`${name}.bias`];
  return bias ? tf.add(y, bias) : y;
}

/**
 * (x − mean)/√(variance + ε) of each row, the mean and 1/√… [rows, 1]. On a graphics card the variance is that of x² less
 * mean², so that both sums are of one pass over the rows, which the addition before it can share.
 */
function normalised(x: tf.Tensor): { unit: tf.Tensor; mean: tf.Tensor; scale: tf.Tensor } {
  const mean = tf.mean(x, -1, true), centred = tf.sub(x, mean);
  const variance = devicePlatform() === "cpu"
    ? tf.mean(tf.square(centred), -1, true)
    : tf.relu(tf.sub(tf.mean(tf.square(x), -1, true), tf.square(mean)));
  const scale = tf.rsqrt(tf.add(variance, LAYER_NORM_EPSILON));
  return { unit: tf.mul(centred, scale), mean, scale };
}

/** The gradient of rows, from that of the normalised ones. */
function normalisedGradient(dUnit: tf.Tensor, unit: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  const along = tf.mean(tf.mul(dUnit, unit), -1, true);
  return tf.mul(scale, tf.sub(tf.sub(dUnit, tf.mean(dUnit, -1, true)), tf.mul(unit, along)));
}

/**
 * Layer norm over the last axis of rows, with weight and bias.
 *
 * @param x [rows, width].
 * @param name Of the layer: `NAME.weight` and `NAME.bias`, [width].
 */
export function layerNorm(x: tf.Tensor, params: Params, name: string): tf.Tensor {
  return withGradient([x, params[`${name}.weight`], params[`${name}.bias`]], {
    forward: (x, weight, bias) => {
      const { unit, mean, scale } = normalised(x);
      // Kept together, or a compiler may compute the statistics again from the rows.
      return { value: tf.add(tf.mul(unit, weight), bias), saved: [x, weight, ...together([mean, scale])] };
    },
    backward: (dy, [x, weight, mean, scale]) => {
      // The normalised rows are computed again from x, which is kept anyway.
      const unit = tf.mul(tf.sub(x, mean), scale);
      return [
        normalisedGradient(tf.mul(dy, weight), unit, scale),
        tf.sum(tf.mul(dy, unit), 0),
        tf.sum(dy, 0),
      ];
    },
  });
}

/** A layer norm and the linear layer behind it, as {@linkcode normLinear} joins them. */
export interface NormedRows {
  /** The normalised rows u, [rows, in]. */
  unit: tf.Tensor;
  /** 1/√(variance + ε), [rows, 1]. */
  scale: tf.Tensor;
  /** W·g, [out, in]. */
  kernel: tf.Tensor;
  /** W·c + b, [out]. */
  start: tf.Tensor;
}

/** The parameters of a norm (g, c) and of the linear layer behind it (W, b). */
export const normLinearParams = (params: Params, norm: string, name: string): tf.Tensor[] =>
  [norm, name].flatMap((layer) => [params[`${layer}.weight`], params[`${layer}.bias`]]);

/** Normalises rows, and brings the norm's parameters into the linear layer's. */
export function normRows(x: tf.Tensor, [gain, shift, weight, bias]: tf.Tensor[]): NormedRows {
  const { unit, scale } = normalised(x);
  const start = tf.add(tf.sum(tf.mul(weight, shift), 1), bias);
  return { unit: stored(unit), scale, kernel: tf.mul(weight, gain), start };
}

/**
 * The gradients of the rows x and of g, c, W and b.
 *
 * @param dy Of the result, [rows, out].
 */
export function normRowsGradient(
  dy: tf.Tensor,
  { unit, scale }: Pick<NormedRows, "unit" | "scale">,
  [gain, shift, weight]: tf.Tensor[],
): tf.Tensor[] {
  const dKernel = tf.matMul(dy, unit, true), dStart = tf.sum(dy, 0), column = tf.reshape(dStart, [-1, 1]);
  return [
    normalisedGradient(tf.matMul(dy, tf.mul(weight, gain)), unit, scale),
    tf.sum(tf.mul(weight, dKernel), 0),
    tf.sum(tf.mul(weight, column), 0),
    tf.add(tf.mul(dKernel, gain), tf.mul(column, shift)),
    dStart,
  ];
}

/**
 * Layer norm and then a linear layer: (u·g + c)·Wᵀ + b of the normalised rows u, computed as u·(W·g)ᵀ + (W·c + b). The
 * weights are a small part of what the rows are: scaling these instead saves passes over the rows. So do the gradients of g
 * and c, which come of W's and b's instead of sums over all rows, and x itself is not kept for them.
 *
 * @param x [rows, in].
 * @param norm Name of the norm: `NAME.weight` g and `NAME.bias` c, [in].
 * @param name Of the linear layer: `NAME.weight` W [out, in] and `NAME.bias` b [out].
 * @returns [rows, out].
 */
export function normLinear(x: tf.Tensor, params: Params, norm: string, name: string): tf.Tensor {
  return withGradient([x, ...normLinearParams(params, norm, name)], {
    forward: (x, ...layers) => {
      const { unit, scale, kernel, start } = normRows(x, layers);
      return { value: tf.add(tf.matMul(unit, kernel, false, true), start), saved: [unit, scale, ...layers] };
    },
    backward: (dy, [unit, scale, ...layers]) => normRowsGradient(dy, { unit, scale }, layers),
  });
}

/** The share of a normal distribution below x. */
function normalBelow(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
}

/** The exact Gaussian error linear unit, x·Φ(x) with the error function. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return withGradient([x], {
    forward: (x) => ({ value: tf.mul(x, normalBelow(x)), saved: [x] }),
    backward: (dy, [x]) => {
      const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return [tf.mul(dy, tf.add(normalBelow(x), tf.mul(x, density)))];
    },
  });
}

/** ln Σ e^x over the last axis, finite for any finite x; its gradient is the softmax. The axis is kept as length 1. */
export function logSumExp(x: tf.Tensor): tf.Tensor {
  return withGradient([x], {
    forward: (x) => {
      const top = tf.max(x, -1, true);
      const value = tf.add(tf.log(tf.sum(tf.exp(tf.sub(x, top)), -1, true)), top);
      return { value, saved: [x, value] };
    },
    backward: (dy, [x, value]) => [tf.mul(dy, tf.exp(tf.sub(x, value)))],
  });
}

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
 * Layer norm over the last axis of rows, with weight and bias.
 *
 * @param x [rows, width].
 * @param name Of the layer: `NAME.weight` and `NAME.bias`, [width].
 */
export function layerNorm(x: tf.Tensor, params: Params, name: string): tf.Tensor {
  return withGradient([x, params[`${name}.weight`], params[`${name}.bias`]], {
    forward: (x, weight, bias) => {
      const mean = tf.mean(x, -1, true);
      const centred = tf.sub(x, mean);
      const variance = tf.mean(tf.square(centred), -1, true);
      const scale = tf.rsqrt(tf.add(variance, LAYER_NORM_EPSILON));
      return {
        value: tf.add(tf.mul(tf.mul(centred, scale), weight), bias),
        saved: [x, weight, mean, scale],
      };
    },
    backward: (dy, [x, weight, mean, scale]) => {
      // The normalised rows are computed again from x, which is kept anyway.
      const unit = tf.mul(tf.sub(x, mean), scale);
      const inner = tf.mul(dy, weight);
      const along = tf.mean(tf.mul(inner, unit), -1, true);
      const dx = tf.mul(scale, tf.sub(tf.sub(inner, tf.mean(inner, -1, true)), tf.mul(unit, along)));
      return [dx, tf.sum(tf.mul(dy, unit), 0), tf.sum(dy, 0)];
    },
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

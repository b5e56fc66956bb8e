/** Convolutions and norms of a detector's head, with derivatives that every engine runs. */
import * as tf from "../engine/tensors.ts";
import { withGradient } from "../model/custom.ts";
import type { Params } from "../model/types.ts";

/** Epsilon of the group norm, PyTorch's. */
const EPSILON = 1e-5;

/** Sides of the kernel. */
const SIDE = 3;

/**
 * A convolution with a kernel of 3 × 3, stride 1, zero outside. Its derivatives are products and another such convolution, because
 * not every engine has the usual ones.
 *
 * @param x [N, R, C, from].
 * @param name `NAME.weight` [to, from, 3, 3] and, where it exists, `NAME.bias` [to].
 * @returns [N, R, C, to].
 */
export function convolve(x: tf.Tensor, params: Params, name: string): tf.Tensor {
  const y = withGradient([x, params[`${name}.weight`]], {
    forward: (x, weight) => ({
      value: tf.conv2d(x as tf.Tensor4D, tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D, 1, "same"),
      saved: [x, weight],
    }),
    backward: (dy, [x, weight]) => {
      const [n, rows, columns, from] = x.shape as [number, number, number, number], [to] = weight.shape;
      const turned = tf.reverse(tf.transpose(weight, [2, 3, 0, 1]), [0, 1]) as tf.Tensor4D;
      const dx = tf.conv2d(dy as tf.Tensor4D, turned, 1, "same");
      const padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]);
      const cells = n * rows * columns, flat = tf.reshape(dy, [cells, to]);
      const parts = Array.from({ length: SIDE * SIDE }, (_, i) => {
        const seen = tf.slice(padded, [0, Math.floor(i / SIDE), i % SIDE, 0], [n, rows, columns, from]);
        return tf.matMul(flat, tf.reshape(seen, [cells, from]), true);
      });
      return [dx, tf.reshape(tf.stack(parts, 2), [to, from, SIDE, SIDE])];
    },
  });
  const bias = params[`${name}.bias`];
  return bias ? tf.add(y, bias) : y;
}

/**
 * A transposed convolution with a kernel of 2 × 2 and stride 2: doubles rows and columns.
 *
 * @param x [N, R, C, from].
 * @param name `NAME.weight` [from, to, 2, 2] and `NAME.bias` [to].
 * @returns [N, 2R, 2C, to].
 */
export function double(x: tf.Tensor, params: Params, name: string): tf.Tensor {
  const [n, rows, columns, from] = x.shape as [number, number, number, number];
  const weight = params[`${name}.weight`], to = weight.shape[1]!;
  const kernel = tf.reshape(tf.transpose(weight, [0, 2, 3, 1]), [from, 4 * to]);
  const made = tf.matMul(tf.reshape(x, [n * rows * columns, from]), kernel);
  const cells = tf.transpose(tf.reshape(made, [n * rows, columns, 2, 2 * to]), [0, 2, 1, 3]);
  return tf.add(tf.reshape(cells, [n, 2 * rows, 2 * columns, to]), params[`${name}.bias`]);
}

/**
 * The largest value of each 2 × 2 cells: halves rows and columns, which must be even.
 *
 * @param x [N, R, C, d].
 */
export function halve(x: tf.Tensor): tf.Tensor {
  const [n, rows, columns, width] = x.shape as [number, number, number, number];
  const cut = tf.reshape(x, [n * rows / 2, 2, columns / 2, 2 * width]);
  const part = (row: number, column: number) =>
    tf.slice(cut, [0, row, 0, column * width], [n * rows / 2, 1, columns / 2, width]);
  const most = tf.maximum(tf.maximum(part(0, 0), part(0, 1)), tf.maximum(part(1, 0), part(1, 1)));
  return tf.reshape(most, [n, rows / 2, columns / 2, width]);
}

/**
 * Group norm: each group of channels of each picture gets mean 0 and variance 1, over all cells together; then weight and bias.
 *
 * @param x [N, R, C, d].
 * @param name `NAME.weight` and `NAME.bias`, [d].
 * @param groups Divides d.
 */
export function groupNorm(x: tf.Tensor, params: Params, name: string, groups: number): tf.Tensor {
  const [n, rows, columns, width] = x.shape as [number, number, number, number];
  const split = [n, rows * columns, groups, width / groups];
  const unit = withGradient([tf.reshape(x, split)], {
    forward: (x) => {
      const mean = tf.mean(x, [1, 3], true), centred = tf.sub(x, mean);
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), [1, 3], true), EPSILON));
      const value = tf.mul(centred, scale);
      return { value, saved: [value, scale] };
    },
    backward: (dy, [unit, scale]) => {
      const along = tf.mean(tf.mul(dy, unit), [1, 3], true);
      return [tf.mul(scale, tf.sub(tf.sub(dy, tf.mean(dy, [1, 3], true)), tf.mul(unit, along)))];
    },
  });
  return tf.add(tf.mul(tf.reshape(unit, x.shape), params[`${name}.weight`]), params[`${name}.bias`]);
}

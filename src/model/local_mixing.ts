/** A depthwise convolution over the grid of tokens, as sums of shifted copies that every engine runs. */
import * as tf from "../engine/tensors.ts";
import { withGradient } from "./custom.ts";
import type { Params } from "./types.ts";

/** Rows and columns of a 3 × 3 kernel. */
const PLACES = Array.from({ length: 9 }, (_, i) => [Math.floor(i / 3), i % 3] as const);

const padded = (x: tf.Tensor) => tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]);

/** Sum over the kernel's places of the shifted grid times that place's weights: [N, R, C, d]. */
function convolve(grid: tf.Tensor, weights: tf.Tensor[]): tf.Tensor {
  const wide = padded(grid);
  return PLACES.map(([r, c], i) => tf.mul(tf.slice(wide, [0, r, c, 0], grid.shape), weights[i]))
    .reduce((sum, part) => tf.add(sum, part));
}

/**
 * Adds to each cell a depthwise 3 × 3 convolution of the grid, zero outside; class tokens stay as they are (Chu et al.,
 * "Conditional positional encodings for vision transformers", ICLR 2023).
 *
 * @param x Tokens as rows, [N·(1 + R·C), d].
 * @param name Of the convolution: `NAME.weight` [d, 1, 3, 3] and `NAME.bias` [d].
 * @param grid N, R and C.
 */
export function mixLocally(
  x: tf.Tensor,
  params: Params,
  name: string,
  [count, rows, columns]: readonly [number, number, number],
): tf.Tensor {
  const width = x.shape[1]!, cells = rows * columns;
  const tokens = tf.reshape(x, [count, 1 + cells, width]);
  const grid = tf.reshape(tf.slice(tokens, [0, 1, 0], [-1, -1, -1]), [count, rows, columns, width]);
  const weight = tf.transpose(tf.reshape(params[`${name}.weight`], [width, 9]));
  const mixed = withGradient([grid, weight], {
    forward: (grid, weight) => ({ value: convolve(grid, tf.unstack(weight)), saved: [grid, weight] }),
    backward: (dy, [grid, weight]) => {
      const wide = padded(grid);
      const each = PLACES.map(([r, c]) =>
        tf.sum(tf.mul(tf.slice(wide, [0, r, c, 0], grid.shape), dy), [0, 1, 2])
      );
      // The kernel turned by half a turn.
      return [convolve(dy, tf.unstack(weight).reverse()), tf.stack(each)];
    },
  });
  const added = tf.reshape(tf.add(mixed, params[`${name}.bias`]), [count, cells, width]);
  return tf.add(x, tf.reshape(tf.pad(added, [[0, 0], [1, 0], [0, 0]]), [count * (1 + cells), width]));
}

/** Pictures on canvases, anywhere and at any scale: what a detector is shown. */
import { matMulFloat32 } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";

/** Red, green and blue of a canvas where no picture lies: the mean of natural pictures, so 0 once normalised, but for rounding. */
export const CANVAS_COLOUR: readonly [number, number, number] = [124, 116, 104];

/** The weights of a line of base pixels in each pixel of a canvas, and which pixels of the canvas show the base. */
interface Line {
  /** [N, V, S], rows that sum to 1, or are zero where the base does not lie. */
  weights: tf.Tensor;
  /** [N, V] of 0 and 1. */
  covered: tf.Tensor;
}

/** One axis of {@linkcode placePictures}: points of the base at x lie at scale · x + shift. */
function placedLine(scale: tf.Tensor, shift: tf.Tensor, size: number, side: number): Line {
  const pixels = (count: number) => Float32Array.from({ length: count }, (_, i) => i + 0.5);
  const each = (values: tf.Tensor) => tf.reshape(values, [-1, 1, 1]);
  const centre = tf.div(tf.sub(tf.tensor(pixels(side), [1, side, 1]), each(shift)), each(scale));
  const stretch = tf.maximum(tf.div(1, tf.abs(each(scale))), 1);
  const inside = tf.cast(tf.logicalAnd(tf.greater(centre, 0), tf.less(centre, size)), "float32");
  const distance = tf.div(tf.abs(tf.sub(tf.tensor(pixels(size), [1, 1, size]), centre)), stretch);
  const kernel = tf.relu(tf.sub(1, distance));
  // Where the base does not lie, the sum may be 0.
  const sum = tf.add(tf.sum(kernel, 2, true), tf.sub(1, inside));
  return {
    weights: tf.mul(kernel, tf.div(inside, sum)),
    covered: tf.reshape(inside, [-1, side]),
  };
}

/**
 * Places each base picture on a canvas of its own by an affine map of both axes: resized (bilinear, antialias), shifted, mirrored
 * where a scale is negative, cut at the canvas's edges. The rest of the canvas has {@linkcode CANVAS_COLOUR}. A pure tensor function.
 *
 * @param base [B, S, S, 3] values 0…255.
 * @param maps [B, 4]: scaleX, shiftX, scaleY, shiftY of a `BoxMap` from base pixels to canvas pixels.
 * @param side V: side of the canvas in pixels.
 * @returns [B, V, 3, V] values 0…255, not rounded.
 */
export function placePictures(base: tf.Tensor, maps: tf.Tensor, side: number): tf.Tensor4D {
  return tf.tidy(() => {
    const [count, size] = base.shape as [number, number];
    const part = (column: number) => tf.slice(maps, [0, column], [-1, 1]);
    const across = placedLine(part(0), part(1), size, side), down = placedLine(part(2), part(3), size, side);
    const lines = tf.cast(tf.transpose(base, [0, 1, 3, 2]), "float32");
    const rows = matMulFloat32(down.weights, tf.reshape(lines, [count, size, 3 * size]));
    const both = matMulFloat32(tf.reshape(rows, [count, side * 3, size]), across.weights, true);
    const covered = tf.mul(
      tf.reshape(down.covered, [count, side, 1, 1]),
      tf.reshape(across.covered, [count, 1, 1, side]),
    );
    const colour = tf.reshape(tf.tensor([...CANVAS_COLOUR]), [1, 1, 3, 1]);
    const free = tf.mul(tf.sub(1, covered), colour);
    return tf.add(tf.reshape(both, [count, side, 3, side]), free) as tf.Tensor4D;
  });
}

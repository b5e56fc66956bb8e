/**
 * More of PIL's changes of colour as tensor functions. Pictures are [N, H, 3, W] with whole numbers 0…255, as in
 * photometric.ts.
 */
import * as tf from "../engine/tensors.ts";

/** Levels of a channel, and the side of the square that they are counted in. */
const LEVELS = 256, SIDE = 16;

/** Parts that a picture's rows are counted in, one after the other: all at once would take 32 numbers for each. */
const PARTS = 8;

/** Stretches each channel to 0…255 (`ImageOps.autocontrast`); one of a single level stays. */
export function autoContrast(x: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const low = tf.min(x, [1, 3], true), high = tf.max(x, [1, 3], true), range = tf.sub(high, low);
    const stretched = tf.floor(tf.div(tf.mul(tf.sub(x, low), 255), tf.maximum(range, 1)));
    return tf.where(tf.greater(range, 0), stretched, x) as tf.Tensor4D;
  });
}

/** How many values of each level there are: values [R, P] → [R, 256]. */
function histogram(values: tf.Tensor): tf.Tensor {
  const [rows, length] = values.shape, part = Math.ceil(length / PARTS);
  const numbers = tf.tensor(Float32Array.from({ length: SIDE }, (_, i) => i), [1, 1, SIDE]);
  let sum: tf.Tensor = tf.zeros([rows, SIDE, SIDE]);
  for (let from = 0; from < length; from += part) {
    const some = tf.slice(values, [0, from], [rows, Math.min(part, length - from)]);
    const tens = tf.floor(tf.mul(some, 1 / SIDE)), ones = tf.sub(some, tf.mul(tens, SIDE));
    const hot = (level: tf.Tensor) => tf.cast(tf.equal(tf.expandDims(level, 2), numbers), "float32");
    // 0 and 1 are exact in any precision of products, and so are their counts.
    sum = tf.add(sum, tf.matMul(hot(tens) as tf.Tensor3D, hot(ones) as tf.Tensor3D, true, false));
  }
  return tf.reshape(sum, [rows, LEVELS]);
}

/** Spreads each channel's levels evenly (`ImageOps.equalize`). */
export function equalise(x: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const [count, high, , wide] = x.shape, rows = count * 3, length = high * wide;
    const values = tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [rows, length]);
    const counts = histogram(values), levels = Float32Array.from({ length: LEVELS }, (_, i) => i);
    const top = tf.max(values, 1, true);
    const last = tf.sum(
      tf.mul(counts, tf.cast(tf.equal(tf.tensor(levels, [1, LEVELS]), top), "float32")),
      1,
      true,
    );
    const step = tf.floor(tf.mul(tf.add(tf.sub(length, last), 0.5), 1 / 255)), known = tf.maximum(step, 1);
    // In single precision: sums of up to 2^24 are exact there.
    const below = tf.cumsum(counts, 1, true);
    const spread = tf.floor(tf.div(tf.add(tf.floor(tf.mul(step, 0.5)), below), known));
    const table = tf.where(tf.greater(step, 0), tf.minimum(spread, 255), tf.tensor(levels, [1, LEVELS]));
    const offsets = Int32Array.from({ length: rows }, (_, row) => row * LEVELS);
    const places = tf.add(tf.cast(values, "int32"), tf.tensor(offsets, [rows, 1], "int32"));
    const found = tf.gather(
      tf.reshape(table, [rows * LEVELS]),
      tf.reshape(places, [rows * length]) as tf.Tensor1D,
    );
    return tf.transpose(tf.reshape(found, [count, 3, high, wide]), [0, 2, 1, 3]) as tf.Tensor4D;
  });
}

/**
 * Keeps the highest bits of each value (`ImageOps.posterize`).
 *
 * @param bits [N, 1, 1, 1], 0 … 8.
 */
export function posterise(x: tf.Tensor4D, bits: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => {
    const step = tf.round(tf.pow(2, tf.sub(8, bits)));
    return tf.mul(tf.floor(tf.div(x, step)), step) as tf.Tensor4D;
  });
}

/** Inverts values from a threshold on, [N, 1, 1, 1] (`ImageOps.solarize`). */
export function solariseFrom(x: tf.Tensor4D, threshold: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => tf.where(tf.less(x, threshold), x, tf.sub(255, x)) as tf.Tensor4D);
}

/** Adds to values below 128, [N, 1, 1, 1]. */
export function solariseAdd(x: tf.Tensor4D, amount: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => tf.where(tf.less(x, 128), tf.minimum(tf.add(x, amount), 255), x) as tf.Tensor4D);
}

/** The smoothed picture that sharpness is measured from (`ImageFilter.SMOOTH`); border pixels stay. */
export function smooth(x: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const [count, high, , wide] = x.shape;
    if (high < 3 || wide < 3) return x.clone();
    const inner = (dy: number, dx: number) => tf.slice(x, [0, dy, 0, dx], [count, high - 2, 3, wide - 2]);
    let sum: tf.Tensor = tf.mul(inner(1, 1), 4);
    for (let dy = 0; dy < 3; dy++) for (let dx = 0; dx < 3; dx++) sum = tf.add(sum, inner(dy, dx));
    const frame = [[0, 0], [1, 1], [0, 0], [1, 1]] as [number, number][];
    const made = tf.pad(tf.floor(tf.add(tf.mul(sum, 1 / 13), 0.5)), frame);
    const within = tf.pad(tf.ones([1, high - 2, 1, wide - 2]), frame);
    return tf.add(made, tf.mul(x, tf.sub(1, within))) as tf.Tensor4D;
  });
}

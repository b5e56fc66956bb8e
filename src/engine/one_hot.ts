import * as tf from "./tensors.ts";

/**
 * One-hot rows, also where there is one place alone, which TensorFlow.js's `oneHot` refuses.
 *
 * @param places int32 of any shape, [...].
 * @param count How many places there are, 1 or more.
 * @returns float32 [..., count]; a place that there is not gives zeros.
 */
export function oneHotRows(places: tf.Tensor, count: number): tf.Tensor {
  const all = tf.range(0, count, 1, "int32");
  return tf.cast(tf.equal(tf.expandDims(tf.cast(places, "int32"), -1), all), "float32");
}

import * as tf from "../engine/tensors.ts";

/**
 * How far the class codes of a batch are spread: the standard deviation of normalised class codes over the batch, its mean over
 * the C entries of a code, times √C. From 0, where all pictures have the same code, to about 1, where codes lie in all
 * directions. A sign of collapse (Chen and He, SimSiam, CVPR 2021); the loss does not read it.
 *
 * @param aligned [N, T, C], from `align`.
 * @returns A scalar.
 */
export function codeSpread(aligned: tf.Tensor): tf.Scalar {
  const [rows, , width] = aligned.shape as [number, number, number];
  const codes = tf.reshape(tf.slice(aligned, [0, 0, 0], [rows, 1, width]), [rows, width]);
  const length = tf.sqrt(tf.sum(tf.square(codes), -1, true));
  const unit = tf.div(codes, tf.maximum(length, 1e-12));
  const apart = tf.sub(unit, tf.mean(unit, 0, true));
  const deviation = tf.sqrt(tf.mean(tf.square(apart), 0));
  return tf.mul(tf.mean(deviation), Math.sqrt(width)) as tf.Scalar;
}

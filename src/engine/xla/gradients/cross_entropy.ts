import * as tf from "../tf.ts";

/**
 * TensorFlow.js's cross entropy has a gradient of its own that is right only where labels are constants that add up to 1, and
 * has none of second order: that came out as 0, without a word. Put together of operations that have gradients it is right
 * for all.
 */
function softmaxCrossEntropy<T extends tf.Tensor, O extends tf.Tensor>(
  onehotLabels: T | tf.TensorLike,
  logits: T | tf.TensorLike,
  weights?: tf.Tensor | tf.TensorLike,
  labelSmoothing = 0,
  reduction?: tf.Reduction,
): O {
  return tf.tidy(() => {
    const given = tf.cast(onehotLabels, "float32"), x = tf.cast(logits, "float32");
    tf.util.assertShapesMatch(given.shape, x.shape, "Error in softmaxCrossEntropy: ");
    const labels = labelSmoothing > 0
      ? tf.add(tf.mul(given, 1 - labelSmoothing), labelSmoothing / (given.shape as number[])[1])
      : given;
    const costs = tf.neg(tf.sum(tf.mul(labels, tf.logSoftmax(x)), -1));
    return tf.losses.computeWeightedLoss(costs, weights, reduction) as O;
  });
}

/** Has `tf.losses` compute its cross entropy so. */
export function mendCrossEntropy(): void {
  tf.losses.softmaxCrossEntropy = softmaxCrossEntropy;
}

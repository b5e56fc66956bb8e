/** What a detector's answers cost: focal loss, generalised IoU, cross-entropy of the centre-ness. */
import * as tf from "../engine/tensors.ts";
import type { Targets } from "./targets.ts";

/** Share of the loss of locations with an object, and how much less sure answers cost (Lin et al., ICCV 2017). */
const ALPHA = 0.25;

/** A detector's answers at all locations. */
export type Answers = {
  /** [B, L, K] scores of the classes before the sigmoid. */
  classes: tf.Tensor;
  /** [B, L, 4] distances to the sides of the box in strides, at least 0. */
  distances: tf.Tensor;
  /** [B, L] centre-ness before the sigmoid. */
  centreness: tf.Tensor;
};

/** The three losses, each a scalar. */
export type DetectionLosses = { classes: tf.Scalar; boxes: tf.Scalar; centreness: tf.Scalar };

/** ln(1 + e^x) without overflow. */
function softplus(x: tf.Tensor): tf.Tensor {
  return tf.add(tf.relu(x), tf.log(tf.add(1, tf.exp(tf.neg(tf.abs(x))))));
}

/** The binary cross-entropy of scores before the sigmoid with targets from 0 to 1. */
function crossEntropy(x: tf.Tensor, target: tf.Tensor): tf.Tensor {
  return tf.sub(softplus(x), tf.mul(x, target));
}

/**
 * The focal loss, α .25 and γ 2, of each score.
 *
 * @param x Scores before the sigmoid.
 * @param target 0 or 1, of the same shape.
 */
export function focalLoss(x: tf.Tensor, target: tf.Tensor): tf.Tensor {
  const p = tf.sigmoid(x), wrong = tf.add(p, tf.mul(target, tf.sub(1, tf.mul(p, 2))));
  const weight = tf.add(1 - ALPHA, tf.mul(target, 2 * ALPHA - 1));
  return tf.mul(tf.mul(weight, tf.square(wrong)), crossEntropy(x, target));
}

/**
 * The generalised IoU of two boxes around the same location (Rezatofighi et al., CVPR 2019), without the + 1 that FCOS adds to
 * areas: those are in strides here, where 1 is much.
 *
 * @param a [B, L, 4] distances to left, top, right, bottom.
 * @param b The same.
 * @returns [B, L] from −1 to 1.
 */
export function generalisedIou(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const sides = (x: tf.Tensor) =>
    [0, 1, 2, 3].map((i) => tf.squeeze(tf.slice(x, [0, 0, i], [-1, -1, 1]), [2]));
  const [al, at, ar, ab] = sides(a), [bl, bt, br, bb] = sides(b);
  const area = (l: tf.Tensor, t: tf.Tensor, r: tf.Tensor, b: tf.Tensor) => tf.mul(tf.add(l, r), tf.add(t, b));
  const common = area(tf.minimum(al, bl), tf.minimum(at, bt), tf.minimum(ar, br), tf.minimum(ab, bb));
  const hull = tf.add(
    area(tf.maximum(al, bl), tf.maximum(at, bt), tf.maximum(ar, br), tf.maximum(ab, bb)),
    1e-7,
  );
  const union = tf.sub(tf.add(area(al, at, ar, ab), area(bl, bt, br, bb)), common);
  return tf.sub(tf.div(common, tf.add(union, 1e-7)), tf.div(tf.sub(hull, union), hull));
}

/**
 * The losses of a batch: the focal loss summed over locations and classes, divided by the number of locations with an object, at
 * least 1; 1 − the generalised IoU of those, weighted by their centre-ness; the cross-entropy of the centre-ness, divided as
 * the first.
 */
export function detectionLosses(answers: Answers, targets: Targets): DetectionLosses {
  const { positive, centreness } = targets;
  const count = tf.maximum(tf.sum(positive), 1), weight = tf.maximum(tf.sum(centreness), 1e-6);
  const apart = tf.mul(tf.sub(1, generalisedIou(answers.distances, targets.distances)), centreness);
  const unsure = tf.mul(crossEntropy(answers.centreness, centreness), positive);
  return {
    classes: tf.div(tf.sum(focalLoss(answers.classes, targets.classes)), count) as tf.Scalar,
    boxes: tf.div(tf.sum(apart), weight) as tf.Scalar,
    centreness: tf.div(tf.sum(unsure), count) as tf.Scalar,
  };
}

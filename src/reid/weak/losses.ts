/** The losses of weakly supervised re-identification (docs/reid.md): persons are known for bags of pictures only. */
import { oneHotRows } from "../../engine/one_hot.ts";
import * as tf from "../../engine/tensors.ts";
import { withGradient } from "../../model/custom.ts";

/** Added to what must not be chosen. Finite, because ∞ − ∞ is not a number. */
const NEVER = -1e9;

/** Least square of a distance, so that its root has a derivative. */
const LEAST = 1e-12;

/** Computes something through which no gradient flows: choices, comparisons. */
function fixed(inputs: tf.Tensor[], choose: (...inputs: tf.Tensor[]) => tf.Tensor): tf.Tensor {
  return withGradient(inputs, {
    forward: (...args) => ({ value: choose(...args), saved: args }),
    backward: (_, saved) => saved.map((x) => tf.zerosLike(x)),
  });
}

/** Squares of the distances between all rows, [B, B]. */
function squaredDistances(x: tf.Tensor): tf.Tensor {
  const squares = tf.sum(tf.square(x), 1, true);
  return tf.sub(
    tf.add(squares, tf.transpose(squares)),
    tf.mul(2, tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D, false, true)),
  );
}

/**
 * The person that each picture is taken to show: the most likely one of its bag, as one-hot rows. No gradient flows.
 *
 * @param logits [B, C].
 * @param bags 1 for the persons of each picture's bag, [B, C].
 * @returns [B, C].
 */
export function pseudoLabels(logits: tf.Tensor, bags: tf.Tensor): tf.Tensor {
  const count = logits.shape[1]!;
  return fixed([logits, bags], (logits, bags) => {
    const inside = tf.add(tf.mul(logits, bags), tf.mul(tf.sub(1, bags), NEVER));
    return oneHotRows(tf.argMax(inside, 1), count);
  });
}

/**
 * The unary term: cross-entropy with {@linkcode pseudoLabels}.
 *
 * @param logits [B, C].
 * @param labels One-hot, [B, C].
 */
export function unaryLoss(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits as tf.Tensor2D), labels), 1))) as tf.Scalar;
}

/**
 * The pairwise term: the mean over all pairs of −exp(−|aᵢ − aⱼ|²) · ⟨pᵢ, pⱼ⟩ where the two have different labels. Pictures that
 * look alike are drawn to the same person.
 *
 * @param logits [B, C].
 * @param labels One-hot, [B, C].
 * @param looks How pictures look: low-level features a, [B, D].
 */
export function pairwiseLoss(logits: tf.Tensor, labels: tf.Tensor, looks: tf.Tensor): tf.Scalar {
  const p = tf.softmax(logits as tf.Tensor2D);
  const alike = tf.exp(tf.neg(squaredDistances(looks)));
  const different = tf.sub(1, tf.matMul(labels as tf.Tensor2D, labels as tf.Tensor2D, false, true));
  return tf.neg(tf.mean(tf.mul(tf.mul(alike, tf.matMul(p, p, false, true)), different))) as tf.Scalar;
}

/** One-hot rows at the lower median of each row's chosen values; ties by place. */
function atMedian(values: tf.Tensor, chosen: tf.Tensor): tf.Tensor {
  return fixed([values, chosen], (values, chosen) => {
    const size = values.shape[1]!, index = tf.range(0, size);
    const [mine, other] = [tf.expandDims(values, 2), tf.expandDims(values, 1)];
    const earlier = tf.cast(tf.greater(tf.expandDims(index, 1), tf.expandDims(index, 0)), "float32");
    const before = tf.add(
      tf.cast(tf.less(other, mine), "float32"),
      tf.mul(tf.cast(tf.equal(other, mine), "float32"), tf.expandDims(earlier, 0)),
    );
    const rank = tf.sum(tf.mul(before, tf.expandDims(chosen, 1)), 2);
    const middle = tf.floor(tf.div(tf.sub(tf.sum(chosen, 1, true), 1), 2));
    return tf.mul(tf.cast(tf.equal(rank, middle), "float32"), chosen);
  });
}

/** One-hot rows at the smallest of each row's chosen values; the first of equal ones. */
function atSmallest(values: tf.Tensor, chosen: tf.Tensor): tf.Tensor {
  return fixed([values, chosen], (values, chosen) => {
    const outside = tf.mul(tf.sub(1, chosen), -NEVER);
    const place = tf.argMin(tf.add(tf.mul(values, chosen), outside), 1);
    return oneHotRows(place, values.shape[1]!);
  });
}

/**
 * The weak triplet: for each picture the median distance of those whose bags share a person with its own (itself among
 * them), against the nearest of those that share none: max(0, positive − negative + margin). The mean is over pictures that
 * have a negative; 0 where none has.
 *
 * @param features [B, D].
 * @param bags 1 for the persons of each picture's bag, [B, C].
 * @param margin By how much a negative is to be further away.
 */
export function weakTripletLoss(features: tf.Tensor, bags: tf.Tensor, margin: number): tf.Scalar {
  const distances = tf.sqrt(tf.maximum(squaredDistances(features), LEAST));
  const shared = tf.cast(
    tf.greater(tf.matMul(bags as tf.Tensor2D, bags as tf.Tensor2D, false, true), 0),
    "float32",
  );
  const others = tf.sub(1, shared);
  const positive = tf.sum(tf.mul(distances, atMedian(distances, shared)), 1);
  const negative = tf.sum(tf.mul(distances, atSmallest(distances, others)), 1);
  const counts = tf.minimum(tf.sum(others, 1), 1);
  const each = tf.mul(tf.relu(tf.add(tf.sub(positive, negative), margin)), counts);
  return tf.div(tf.sum(each), tf.maximum(tf.sum(counts), 1)) as tf.Scalar;
}

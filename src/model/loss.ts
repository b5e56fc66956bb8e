import { matMulFloat32 } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import { withGradient } from "./custom.ts";
import { logSumExp } from "./layers.ts";

/** Weights and options of the loss (docs/spec.md §6, D4, D9). */
export interface LossConfig {
  /** Weight of each view's reconstruction. */
  reconstructionWeight: number;
  /** Weight of the contrast of class codes. */
  classWeight: number;
  /** Weight of the contrast of patch codes. */
  patchWeight: number;
  /** Temperature of both contrasts. */
  temperature: number;
  /** Contrast patches from view 1 to view 2 and back, in place of one direction. */
  patchSymmetric: boolean;
  /** Leave cells that hold the mask token out of the patches' negatives. */
  patchExcludeMask: boolean;
}

/** The reference's values. */
export const DEFAULT_LOSS: Readonly<LossConfig> = {
  reconstructionWeight: 1,
  classWeight: 10,
  patchWeight: 1,
  temperature: 0.2,
  patchSymmetric: false,
  patchExcludeMask: false,
};

/** What the loss is computed from; stacks hold all of view 1, then all of view 2. */
export interface LossInput {
  /** Reconstructions in patches, [2B, G², 3·P²]. */
  patches: tf.Tensor;
  /** The undistorted pictures in patches, [B, G², 3·P²]. */
  target: tf.Tensor;
  /** Aligned codes, [2B, T, C]. */
  aligned: tf.Tensor;
  /** 1 where a view saw nothing, [2B, G, G]. */
  mask: tf.Tensor;
}

/** The loss and its terms before weighting, scalars. */
export interface LossTerms {
  total: tf.Scalar;
  /** Reconstruction of view 1 and of view 2. */
  reconstruction1: tf.Scalar;
  reconstruction2: tf.Scalar;
  class: tf.Scalar;
  patch: tf.Scalar;
}

/** The loss with the similarities (over the temperature) that the contrasts compare. */
export interface Losses extends LossTerms {
  /** Class codes of all views with all, [2B, 2B]; the diagonal is −1e9. */
  classSimilarity: tf.Tensor2D;
  /** Cells of view 1 with cells of view 2 of the same picture, [B, G², G²]. */
  patchSimilarity: tf.Tensor3D;
}

/** Added to a similarity that is no candidate: e to its power is 0. Finite, because ∞ − ∞ is not a number. */
const NEVER = -1e9;

/**
 * Vectors divided by max(length, atLeast) + plus, along the last axis. Written with its own derivative, because that of
 * the root is infinite at length 0; here it is finite everywhere.
 */
function unit(x: tf.Tensor, { atLeast = 0, plus = 0 }: { atLeast?: number; plus?: number }): tf.Tensor {
  return withGradient([x], {
    forward: (x) => {
      const length = tf.sqrt(tf.sum(tf.square(x), -1, true));
      const inverse = tf.div(1, tf.add(tf.maximum(length, atLeast), plus));
      return { value: tf.mul(x, inverse), saved: [x, length, inverse] };
    },
    backward: (dy, [x, length, inverse]) => {
      const direction = tf.div(x, tf.maximum(length, 1e-15));
      const along = tf.mul(tf.sum(tf.mul(x, dy), -1, true), inverse);
      return [tf.mul(inverse, tf.sub(dy, tf.mul(direction, along)))];
    },
  });
}

/** Mean squared error over what each view did not see, [2]: one ratio over the batch, 0 when all was seen (D3). */
function reconstruction({ patches, target, mask }: LossInput): tf.Tensor {
  const [count, cells, width] = target.shape as [number, number, number];
  const stacked = tf.reshape(patches, [2, count, cells, width]);
  const weight = tf.reshape(mask, [2, count * cells]);
  const squares = tf.sum(tf.square(tf.sub(stacked, tf.expandDims(target, 0))), -1);
  const error = tf.sum(tf.mul(tf.reshape(squares, [2, count * cells]), weight), 1);
  return tf.div(error, tf.maximum(tf.mul(tf.sum(weight, 1), width), 1));
}

/** Symmetric InfoNCE of the class codes; the other view is the positive, all other views are negatives. */
function classContrast(aligned: tf.Tensor, temperature: number): [tf.Scalar, tf.Tensor2D] {
  const [rows, , width] = aligned.shape as [number, number, number];
  // The reference divides codes by .1 first; its epsilons 1e-10 and 1e-12 are scaled here instead.
  const codes = unit(tf.reshape(tf.slice(aligned, [0, 0, 0], [-1, 1, -1]), [rows, width]), { plus: 1e-11 });
  const scores = tf.div(matMulFloat32(codes, codes, true), temperature);
  const similarity = tf.add(scores, tf.mul(tf.eye(rows), NEVER)) as tf.Tensor2D;
  const half = rows / 2;
  const first = tf.slice(codes, [0, 0], [half, -1]), second = tf.slice(codes, [half, 0], [half, -1]);
  const agreement = tf.div(tf.sum(tf.mul(first, second)), temperature * half);
  return [tf.sub(tf.div(tf.sum(logSumExp(similarity)), rows), agreement) as tf.Scalar, similarity];
}

/** InfoNCE of the cells that both views cover, each against all cells of the other view; 0 without such a cell (D2). */
function patchContrast({ aligned, mask }: LossInput, config: LossConfig): [tf.Scalar, tf.Tensor3D] {
  const [rows, tokens, width] = aligned.shape as [number, number, number];
  const count = rows / 2, cells = tokens - 1;
  const view = (i: number) =>
    unit(tf.slice(aligned, [i * count, 1, 0], [count, cells, width]), { atLeast: 1e-13 });
  const outside = (i: number) =>
    tf.reshape(tf.slice(mask, [i * count, 0, 0], [count, -1, -1]), [count, cells]);
  const [u, v, m1, m2] = [view(0), view(1), outside(0), outside(1)];
  const similarity = tf.div(matMulFloat32(u, v, true), config.temperature) as tf.Tensor3D;
  const agreement = tf.div(tf.sum(tf.mul(u, v), -1), config.temperature);
  const common = tf.mul(tf.sub(1, m1), tf.sub(1, m2));

  const normaliser = (scores: tf.Tensor, excluded: tf.Tensor) => {
    const left = config.patchExcludeMask ? tf.add(scores, tf.expandDims(tf.mul(excluded, NEVER), 1)) : scores;
    return tf.reshape(logSumExp(left), [count, cells]);
  };
  const forward = normaliser(similarity, m2);
  const both = config.patchSymmetric
    ? tf.mul(tf.add(forward, normaliser(tf.transpose(similarity, [0, 2, 1]), m1)), 0.5)
    : forward;
  const each = tf.sub(both, agreement);
  const mean = tf.div(tf.sum(tf.mul(each, common)), tf.maximum(tf.sum(common), 1));
  return [mean as tf.Scalar, similarity];
}

/**
 * The loss (docs/spec.md §6): both reconstructions, the contrast of class codes and that of patch codes, weighted. Values and
 * gradients are finite for any views.
 */
export function losses(config: LossConfig, input: LossInput): Losses {
  const views = reconstruction(input);
  const [classTerm, classSimilarity] = classContrast(input.aligned, config.temperature);
  const [patch, patchSimilarity] = patchContrast(input, config);
  const contrast = tf.add(tf.mul(classTerm, config.classWeight), tf.mul(patch, config.patchWeight));
  const total = tf.add(tf.mul(tf.sum(views), config.reconstructionWeight), contrast) as tf.Scalar;
  const part = (i: number) => tf.reshape(tf.slice(views, [i], [1]), []) as tf.Scalar;
  return {
    total,
    reconstruction1: part(0),
    reconstruction2: part(1),
    class: classTerm,
    patch,
    classSimilarity,
    patchSimilarity,
  };
}

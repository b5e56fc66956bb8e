import { matMulFloat32, scope } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import { withGradient } from "./custom.ts";
import { logSumExp } from "./layers.ts";
import type { LossConfig } from "./loss_config.ts";
import { viewOf } from "./stack.ts";

/**
 * What the loss is computed from. Stacks hold all of view 1, then all of view 2, where one device has the batch; take a view
 * out of them by {@linkcode viewOf}, which knows the other order too.
 */
export interface LossInput {
  /** Reconstructions in patches, [2B, G², 3·P²]. */
  patches: tf.Tensor;
  /** What is to be reconstructed, in patches: the undistorted pictures, [B, G², 3·P²], or another target for each view, 2B. */
  target: tf.Tensor;
  /** Aligned codes, [2B, T, C]. */
  aligned: tf.Tensor;
  /** 1 where a view saw nothing, [2B, G, G]. */
  mask: tf.Tensor;
  /** 1 where the reconstruction counts, [2B, G, G]. Default: `mask`. */
  asked?: tf.Tensor;
  /** Parts of the stacks, see {@linkcode viewOf}. Default 1. */
  parts?: number;
}

/** A computed term of the loss. */
export interface TermResult {
  /** Before its weight: a scalar, or [n] for n parts that are summed. */
  value: tf.Tensor;
  /** Intermediate tensors by name; training does not read them. */
  inner?: Record<string, tf.Tensor>;
}

/**
 * A term of the loss. Every step reports its value, or with several parts each part as `name1`, `name2`, …. The term
 * then appears by itself in metrics.jsonl, on the progress line and in the check for values that are not finite.
 */
export interface LossTerm {
  /** Its name in the metrics. */
  name: string;
  /** Its factor in the loss. */
  weight(config: LossConfig): number;
  /** Computes it, a pure tensor function. Its gradient must be finite for any views. */
  compute(input: LossInput, config: LossConfig): TermResult;
}

/** The terms before their weights, scalars by name. */
export type LossTerms = Record<string, tf.Scalar>;

/** The loss of a batch. */
export interface Losses {
  /** The weighted sum of the terms. */
  total: tf.Scalar;
  terms: LossTerms;
  /**
   * The terms' intermediate tensors. The contrasts give similarities divided by the temperature: `classSimilarity`
   * between all views, [2B, 2B], with −1e9 on the diagonal; `patchSimilarity` between the cells of view 1 and of view 2
   * of the same picture, [B, G², G²].
   */
  inner: Record<string, tf.Tensor>;
}

/** Added to similarities that must not count: e to this power is 0. Finite, because ∞ − ∞ is not a number. */
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
function reconstruction({ patches, target, mask, asked = mask, parts = 1 }: LossInput): TermResult {
  const [rows, cells, width] = patches.shape as [number, number, number], each = rows / 2 / parts;
  const stacked = tf.reshape(patches, [parts, 2, each, cells, width]);
  const weight = tf.reshape(asked, [parts, 2, each * cells]);
  const wanted = tf.reshape(target, [parts, target.shape[0] / each / parts, each, cells, width]);
  const squares = tf.sum(tf.square(tf.sub(stacked, wanted)), -1);
  const error = tf.sum(tf.mul(tf.reshape(squares, [parts, 2, each * cells]), weight), [0, 2]);
  return { value: tf.div(error, tf.maximum(tf.mul(tf.sum(weight, [0, 2]), width), 1)) };
}

/** Symmetric InfoNCE of the class codes; the other view is the positive, all other views are negatives. */
function classContrast({ aligned, parts }: LossInput, { temperature }: LossConfig): TermResult {
  const [rows, , width] = aligned.shape as [number, number, number];
  // The reference divides codes by .1 first; its epsilons 1e-10 and 1e-12 are scaled here instead.
  const codes = unit(tf.reshape(tf.slice(aligned, [0, 0, 0], [-1, 1, -1]), [rows, width]), { plus: 1e-11 });
  const scores = tf.div(matMulFloat32(codes, codes, true), temperature);
  const similarity = tf.add(scores, tf.mul(tf.eye(rows), NEVER));
  const agreement = tf.div(
    tf.sum(tf.mul(viewOf(codes, 0, parts), viewOf(codes, 1, parts))),
    temperature * rows / 2,
  );
  const value = tf.sub(tf.div(tf.sum(logSumExp(similarity)), rows), agreement);
  return { value, inner: { classSimilarity: similarity } };
}

/** InfoNCE of the cells that both views cover, each against all cells of the other view; 0 without such a cell (D2). */
function patchContrast({ aligned, mask, parts }: LossInput, config: LossConfig): TermResult {
  const [rows, tokens, width] = aligned.shape as [number, number, number];
  const count = rows / 2, cells = tokens - 1;
  const view = (i: 0 | 1) =>
    unit(tf.slice(viewOf(aligned, i, parts), [0, 1, 0], [count, cells, width]), { atLeast: 1e-13 });
  const outside = (i: 0 | 1) => tf.reshape(viewOf(mask, i, parts), [count, cells]);
  const [u, v, m1, m2] = [view(0), view(1), outside(0), outside(1)];
  const similarity = tf.div(matMulFloat32(u, v, true), config.temperature);
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
  const value = tf.div(tf.sum(tf.mul(each, common)), tf.maximum(tf.sum(common), 1));
  return { value, inner: { patchSimilarity: similarity } };
}

/**
 * The terms of the method's loss (docs/spec.md §6). A new one is an entry here, its weight in {@linkcode LossConfig} and
 * {@linkcode DEFAULT_LOSS}, and that weight's line among the settings.
 */
export const LOSS_TERMS: readonly LossTerm[] = [
  { name: "reconstruction", weight: (config) => config.reconstructionWeight, compute: reconstruction },
  { name: "class", weight: (config) => config.classWeight, compute: classContrast },
  { name: "patch", weight: (config) => config.patchWeight, compute: patchContrast },
];

/** Names under which a term's value is reported. */
const partNames = (name: string, { rank, size }: tf.Tensor): string[] =>
  rank === 0 ? [name] : Array.from({ length: size }, (_, i) => `${name}${i + 1}`);

/**
 * The loss (docs/spec.md §6): the weighted sum of its terms. Values and gradients are finite for any views.
 *
 * @param config Weights and options.
 * @param input The model's results for a batch.
 * @param terms The terms to sum. Default: the method's.
 * @throws {RangeError} When there is no term, two have one name, or a value is neither a scalar nor a list of them.
 */
export function losses(
  config: LossConfig,
  input: LossInput,
  terms: readonly LossTerm[] = LOSS_TERMS,
): Losses {
  if (terms.length === 0) throw new RangeError("a loss needs at least one term");
  const found: LossTerms = {}, weighted: tf.Tensor[] = [];
  const inner: Record<string, tf.Tensor> = {};
  for (const term of terms) {
    const { value, inner: seen = {} } = scope(`loss/${term.name}`, () => term.compute(input, config));
    if (value.rank > 1) {
      throw new RangeError(`loss term ${term.name} has shape [${value.shape}]; it must be a scalar or [n]`);
    }
    weighted.push(tf.mul(value.rank === 0 ? value : tf.sum(value), term.weight(config)));
    partNames(term.name, value).forEach((name, i) => {
      if (Object.hasOwn(found, name)) throw new RangeError(`two terms of the loss are named ${name}`);
      found[name] = (value.rank === 0 ? value : tf.reshape(tf.slice(value, [i], [1]), [])) as tf.Scalar;
    });
    Object.assign(inner, seen);
  }
  // Summed from last to first, as always: another order would round differently.
  const total = weighted.reduceRight((sum, term) => tf.add(term, sum)) as tf.Scalar;
  return { total, terms: found, inner };
}

/** Logistic regression on frozen features, as scikit-learn and cuML define it. */
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { checkLabels, type LabelledRows } from "./heads.ts";
import { hitsOf, type TopHits } from "./hits.ts";
import { minimise, type MinimiseOptions } from "./lbfgs.ts";

/** A fitted regression. */
export interface Logistic {
  classes: number;
  width: number;
  /** classes × width weights, then `classes` intercepts. */
  weights: Float64Array;
  /** Iterations of L-BFGS. */
  iterations: number;
}

/** Numbers of features that are multiplied at once (64 MB). */
const BLOCK = 1 << 24;

/** Features of training pictures on the engine, in blocks of one shape. */
function upload({ rows, width, data, labels }: LabelledRows) {
  const size = Math.min(rows, Math.max(1, Math.floor(BLOCK / width)));
  const blocks: { x: tf.Tensor2D; label: tf.Tensor2D; real: tf.Tensor2D }[] = [];
  for (let from = 0; from < rows; from += size) {
    const good = Math.min(size, rows - from), x = new Float32Array(size * width);
    x.set(data.subarray(from * width, (from + good) * width));
    const of = (value: (row: number) => number) =>
      Float32Array.from({ length: size }, (_, i) => i < good ? value(from + i) : 0);
    blocks.push({
      x: tf.tensor2d(x, [size, width]),
      label: tf.tensor2d(of((row) => labels[row]), [size, 1]),
      real: tf.tensor2d(of(() => 1), [size, 1]),
    });
  }
  return blocks;
}

/** The cross-entropy of each row of a block, and the derivatives of their sum. */
function blockLoss(
  { weight, bias, x, label, real }: {
    weight: tf.Tensor2D;
    bias: tf.Tensor1D;
    x: tf.Tensor2D;
    label: tf.Tensor2D;
    real: tf.Tensor2D;
  },
): Record<string, tf.Tensor> {
  const scores = tf.add(tf.matMul(x, weight, false, true), bias), top = tf.max(scores, 1, true);
  const shifted = tf.exp(tf.sub(scores, top)), total = tf.sum(shifted, 1, true);
  const truth = tf.cast(tf.equal(label, tf.range(0, bias.size)), "float32");
  const own = tf.sum(tf.mul(truth, scores), 1, true);
  const missed = tf.mul(tf.sub(tf.div(shifted, total), truth), real) as tf.Tensor2D;
  return {
    losses: tf.mul(tf.sub(tf.add(tf.log(total), top), own), real),
    weight: tf.matMul(missed, x, true, false),
    bias: tf.sum(missed, 0),
  };
}

/** The cross-entropy of all rows, summed, and what it adds to the gradient: weights, then intercepts. */
type Loss = (at: Float64Array, gradient: Float64Array) => Promise<number> | number;

/** In float32 on the engine; only sums are in float64. */
function engineLoss(engine: Engine, train: LabelledRows, classes: number): { loss: Loss; close(): void } {
  const { width } = train, size = classes * width, blocks = upload(train), of = engine.jit(blockLoss);
  return {
    async loss(at, gradient) {
      const weight = tf.tensor2d(Float32Array.from(at.subarray(0, size)), [classes, width]);
      const bias = tf.tensor1d(Float32Array.from(at.subarray(size)));
      let value = 0;
      for (const block of blocks) {
        const part = of({ weight, bias, ...block });
        for (const one of await part.losses.data()) value += one;
        const [byWeight, byBias] = [await part.weight.data(), await part.bias.data()];
        for (let i = 0; i < size; i++) gradient[i] += byWeight[i];
        for (let i = 0; i < classes; i++) gradient[size + i] += byBias[i];
        tf.dispose(part);
      }
      tf.dispose([weight, bias]);
      return value;
    },
    close: () => tf.dispose(blocks),
  };
}

/** In float64 on the host. */
function hostLoss(
  { rows, width, data, labels }: LabelledRows,
  classes: number,
): { loss: Loss; close(): void } {
  const scores = new Float64Array(classes), size = classes * width;
  const loss: Loss = (at, gradient) => {
    let value = 0;
    for (let row = 0; row < rows; row++) {
      const from = row * width;
      for (let c = 0; c < classes; c++) {
        let score = at[size + c];
        for (let j = 0; j < width; j++) score += at[c * width + j] * data[from + j];
        scores[c] = score;
      }
      const top = scores.reduce((a, b) => Math.max(a, b)), own = scores[labels[row]];
      let total = 0;
      for (let c = 0; c < classes; c++) total += scores[c] = Math.exp(scores[c] - top);
      value += Math.log(total) + top - own;
      for (let c = 0; c < classes; c++) {
        const missed = scores[c] / total - (c === labels[row] ? 1 : 0);
        gradient[size + c] += missed;
        for (let j = 0; j < width; j++) gradient[c * width + j] += missed * data[from + j];
      }
    }
    return value;
  };
  return { loss, close: () => {} };
}

/** A regression that can be fitted with several strengths, on the same pictures. */
export interface LogisticFitter {
  /**
   * Minimises C · Σ cross-entropy + ½ |weights|²; intercepts are not held down.
   *
   * @param from Where to begin, such as the solution for a neighbouring C; the result does not depend on it.
   * @throws {Error} When the loss is no finite number.
   */
  fit(C: number, from?: Logistic): Promise<Logistic>;
  close(): void;
}

/** When a fit ends, and where it is computed. */
export interface LogisticOptions extends MinimiseOptions {
  /** Products of one evaluation up to which it is computed in float64 on the host, and not in float32 on the engine. */
  hostProducts?: number;
}

/**
 * Prepares to fit: small problems in float64 on the host, others in float32 on the engine.
 *
 * @param options When L-BFGS ends, and what is small.
 * @throws {RangeError} When a row's class is none of the classes.
 */
export function logisticFitter(
  engine: Engine,
  train: LabelledRows,
  classes: number,
  { hostProducts = 1 << 21, ...options }: LogisticOptions = {},
): LogisticFitter {
  checkLabels(train, classes);
  const { rows, width } = train, size = classes * width;
  const { loss, close } = rows * size <= hostProducts
    ? hostLoss(train, classes)
    : engineLoss(engine, train, classes);
  return {
    async fit(C, from) {
      const strength = 1 / (C * rows);
      const objective = async (at: Float64Array) => {
        const gradient = new Float64Array(at.length);
        let value = await loss(at, gradient) / rows;
        for (let i = 0; i < at.length; i++) gradient[i] /= rows;
        for (let i = 0; i < size; i++) {
          gradient[i] += strength * at[i];
          value += strength * at[i] * at[i] / 2;
        }
        return { value, gradient };
      };
      const start = from?.weights ?? new Float64Array(size + classes);
      const { at, iterations } = await minimise(objective, start, options);
      return { classes, width, weights: at, iterations };
    },
    close,
  };
}

/** Which pictures a regression gets right. */
export async function logisticHits(
  engine: Engine,
  { classes, width, weights }: Logistic,
  set: LabelledRows,
): Promise<TopHits> {
  const hits = hitsOf(set.rows),
    size = Math.min(set.rows, Math.max(1, Math.floor(BLOCK / Math.max(width, classes))));
  const weight = tf.tensor2d(Float32Array.from(weights.subarray(0, classes * width)), [classes, width]);
  const bias = tf.tensor1d(Float32Array.from(weights.subarray(classes * width)));
  const score = engine.jit((args: { x: tf.Tensor2D; weight: tf.Tensor2D; bias: tf.Tensor1D }) => ({
    scores: tf.add(tf.matMul(args.x, args.weight, false, true), args.bias),
  }));
  for (let from = 0; from < set.rows; from += size) {
    const good = Math.min(size, set.rows - from), part = new Float32Array(size * width);
    part.set(set.data.subarray(from * width, (from + good) * width));
    const x = tf.tensor2d(part, [size, width]), result = score({ x, weight, bias });
    const scores = await result.scores.data();
    tf.dispose([x, result]);
    for (let row = 0; row < good; row++) {
      hits.enter(scores, row * classes, classes, from + row, set.labels[from + row]);
    }
  }
  tf.dispose([weight, bias]);
  return hits;
}

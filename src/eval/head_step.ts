/** Linear heads side by side as pure functions: their scores, and a step of their training. */
import * as tf from "../engine/tensors.ts";
import { batchNorm } from "../model/batch_norm.ts";
import { randomStream } from "../random.ts";

/** H linear heads of K classes on features of one width, and what the optimiser remembers. */
export type HeadState = {
  /** [H, K, width]. */
  weight: tf.Tensor;
  /** [H, K]. */
  bias: tf.Tensor;
  weightVelocity: tf.Tensor;
  biasVelocity: tf.Tensor;
  /** Statistics of the features, as `batchNorm` names them: `norm.running_mean` and `norm.running_var`, [width]. */
  statistics: Record<string, tf.Tensor>;
};

/** What heads are and how they are updated. */
export interface HeadKind {
  /** Whether features pass a batch norm without weights first (epsilon 1e-6). */
  norm: boolean;
  /** Both with momentum .9 and without weight decay. */
  optimizer: "sgd" | "lars";
}

/** What {@linkcode headStep} reads. */
export type HeadStepArgs = {
  state: HeadState;
  /** [N, width]. */
  features: tf.Tensor;
  /** One row a picture with 1 at its class, [N, K]. */
  labels: tf.Tensor;
  /** The learning rate of each head, [H]. */
  rates: tf.Tensor;
};

const NORM = "norm", EPSILON = 1e-6, MOMENTUM = 0.9;
/** LARS's trust coefficient. */
const TRUST = 0.001;

/** Fresh heads: weights N(0, .01), biases 0. */
export function initHeads(heads: number, classes: number, width: number, seed: number): HeadState {
  const stream = randomStream(seed, "probe", 0);
  const weight = Float32Array.from({ length: heads * classes * width }, () => 0.01 * stream.normal());
  return {
    weight: tf.tensor3d(weight, [heads, classes, width]),
    bias: tf.zeros([heads, classes]),
    weightVelocity: tf.zeros([heads, classes, width]),
    biasVelocity: tf.zeros([heads, classes]),
    statistics: { [`${NORM}.running_mean`]: tf.zeros([width]), [`${NORM}.running_var`]: tf.ones([width]) },
  };
}

const normalised = ({ statistics }: HeadState, features: tf.Tensor, training: boolean) =>
  batchNorm(features, {}, statistics, NORM, { training, epsilon: EPSILON });

/** The score of every class by every head, [N, H, K]. */
function scores({ weight, bias }: HeadState, features: tf.Tensor): tf.Tensor {
  const [heads, classes, width] = weight.shape;
  const product = tf.matMul(
    features as tf.Tensor2D,
    tf.reshape(weight, [heads * classes, width]),
    false,
    true,
  );
  return tf.add(tf.reshape(product, [-1, heads, classes]), bias);
}

/** Scores by the running statistics, [N, H, K]. A pure function. */
export function headScores(
  state: HeadState,
  features: tf.Tensor,
  { norm }: Pick<HeadKind, "norm">,
): tf.Tensor {
  return scores(state, norm ? normalised(state, features, false).y : features);
}

/**
 * LARS (You, Gitman, Ginsburg 2017) as MoCo v3 and MAE use it: a weight's gradient is scaled to .001 of the weight's
 * length; where either length is 0 it stays as it is. Each head is a tensor of its own.
 */
function larsScaled(weight: tf.Tensor, gradient: tf.Tensor): tf.Tensor {
  const length = (x: tf.Tensor) => tf.sqrt(tf.sum(tf.square(x), [1, 2], true));
  const own = length(weight), step = length(gradient);
  const known = tf.logicalAnd(tf.greater(own, 0), tf.greater(step, 0));
  const ratio = tf.div(tf.mul(own, TRUST), tf.maximum(step, 1e-38));
  return tf.mul(gradient, tf.where(known, ratio, tf.onesLike(ratio)));
}

/**
 * One step on the cross-entropy: a pure function. The loss is the sum over heads, so each head is trained as if alone.
 *
 * @returns The next state, and the mean cross-entropy of each head, [H].
 */
export function headStep(
  { state, features, labels, rates }: HeadStepArgs,
  { norm, optimizer }: HeadKind,
): { state: HeadState; loss: tf.Tensor } {
  const { weight, bias } = state, [heads, classes, width] = weight.shape, rows = features.shape[0];
  const { y, buffers } = norm
    ? normalised(state, features, true)
    : { y: features, buffers: state.statistics };
  const given = scores(state, y), truth = tf.reshape(labels, [rows, 1, classes]);
  const chances = tf.softmax(given);
  // The gradient of the cross-entropy, in closed form.
  const missed = tf.div(tf.sub(chances, truth), rows);
  const flat = tf.reshape(missed, [rows, heads * classes]) as tf.Tensor2D;
  const gradient = tf.reshape(tf.matMul(flat, y as tf.Tensor2D, true, false), [heads, classes, width]);
  const scaled = optimizer === "lars" ? larsScaled(weight, gradient) : gradient;
  const weightVelocity = tf.add(tf.mul(state.weightVelocity, MOMENTUM), scaled);
  const biasVelocity = tf.add(tf.mul(state.biasVelocity, MOMENTUM), tf.sum(missed, 0));
  const own = tf.sum(tf.mul(given, truth), 2), top = tf.max(given, 2, true);
  const all = tf.add(tf.log(tf.sum(tf.exp(tf.sub(given, top)), 2)), tf.reshape(top, [rows, heads]));
  return {
    state: {
      weight: tf.sub(weight, tf.mul(weightVelocity, tf.reshape(rates, [heads, 1, 1]))),
      bias: tf.sub(bias, tf.mul(biasVelocity, tf.reshape(rates, [heads, 1]))),
      weightVelocity,
      biasVelocity,
      statistics: buffers,
    },
    loss: tf.mean(tf.sub(all, own), 0),
  };
}

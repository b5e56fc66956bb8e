/** Linear heads on frozen features: several of them, each with a learning rate of its own, trained side by side. */
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { batchNorm } from "../model/batch_norm.ts";
import { randomStream } from "../random.ts";
import { hitsOf, type TopHits } from "./hits.ts";
import type { Rows } from "./rows.ts";

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

/** How heads are trained. */
export interface HeadTraining extends HeadKind {
  /** A learning rate for each head, for 256 pictures a step. */
  lrs: readonly number[];
  epochs: number;
  /** Epochs during which the rate rises from 0. */
  warmupEpochs: number;
  /** Whether the rate changes after every step, or only after every epoch. */
  schedule: "step" | "epoch";
  /** Pictures in a step; at most the number of training pictures. */
  batchSize: number;
}

/**
 * The share of the learning rate that is used: a linear rise, then half a cosine to 0.
 *
 * @param epoch Epochs done, parts of one included.
 */
export function rateShare(
  epoch: number,
  { epochs, warmupEpochs, schedule }: Pick<HeadTraining, "epochs" | "warmupEpochs" | "schedule">,
): number {
  const at = schedule === "epoch" ? Math.floor(epoch) : epoch;
  if (at < warmupEpochs) return at / warmupEpochs;
  return (1 + Math.cos(Math.PI * (at - warmupEpochs) / Math.max(epochs - warmupEpochs, 1e-9))) / 2;
}

/** Features and classes of a set of pictures, on the host. */
export interface LabelledRows extends Rows {
  labels: ArrayLike<number>;
}

/** Heads that are being trained. */
export interface Heads {
  /**
   * Takes a step.
   *
   * @param batch As many rows as were said at opening.
   * @param epoch Epochs done, parts of one included.
   */
  step(batch: LabelledRows, epoch: number): void;
  /** Which pictures each head, or one of them, gets right. */
  measure(set: LabelledRows, head?: number): Promise<TopHits[]>;
  /** Gives back their memory. */
  close(): void;
}

/** Pictures whose scores are computed at once: no more numbers than this leave the device. */
const SCORES = 1 << 24;

/**
 * Opens heads with fresh weights.
 *
 * @param sizes Width of the features, classes, and rows of a step's batch.
 * @param seed Determines the first weights.
 */
export function openHeads(
  engine: Engine,
  { width, classes, batch }: { width: number; classes: number; batch: number },
  training: HeadTraining,
  seed = 0,
): Heads {
  const { lrs, norm, optimizer } = training;
  const step = engine.jit((args: HeadStepArgs) => headStep(args, { norm, optimizer }), { donate: ["state"] });
  const score = engine.jit((args: { state: HeadState; features: tf.Tensor }) => ({
    scores: headScores(args.state, args.features, { norm }),
  }));
  let state = initHeads(lrs.length, classes, width, seed);
  return {
    step({ data, labels }, epoch) {
      const oneHot = new Float32Array(batch * classes), share = rateShare(epoch, training);
      for (let i = 0; i < batch; i++) oneHot[i * classes + labels[i]] = 1;
      const given = {
        features: tf.tensor2d(data, [batch, width]),
        labels: tf.tensor2d(oneHot, [batch, classes]),
        rates: tf.tensor1d(lrs.map((lr) => share * lr * batch / 256)),
      };
      const result = step({ state, ...given });
      state = result.state;
      tf.dispose([result.loss, given]);
    },
    async measure(set, head) {
      const which = head === undefined ? lrs.map((_, i) => i) : [head];
      const hits = which.map(() => hitsOf(set.rows));
      const size = Math.min(set.rows, Math.max(1, Math.floor(SCORES / lrs.length / classes)));
      for (let from = 0; from < set.rows; from += size) {
        const good = Math.min(size, set.rows - from), part = new Float32Array(size * width);
        part.set(set.data.subarray(from * width, (from + good) * width));
        const features = tf.tensor2d(part, [size, width]);
        const result = score({ state, features });
        const values = await result.scores.data();
        tf.dispose([features, result]);
        for (let row = 0; row < good; row++) {
          which.forEach((one, i) => {
            const at = (row * lrs.length + one) * classes;
            hits[i].enter(values, at, classes, from + row, set.labels[from + row]);
          });
        }
      }
      return hits;
    },
    close: () => tf.dispose(state),
  };
}

/** The order of an epoch's rows. */
export function probeOrder(seed: number, epoch: number, count: number): number[] {
  return randomStream(seed, "probe", 1, epoch).shuffle(Array.from({ length: count }, (_, i) => i));
}

/** The heads after an epoch. */
export interface HeadsAfter extends Pick<Heads, "measure"> {
  /** Epochs done. */
  epoch: number;
}

/**
 * Trains heads on frozen features and hands them out after every epoch. Stopping early gives back their memory.
 *
 * @param train Rows in any order; each epoch has an order of its own, and a last part that fills no batch is left out.
 * @param seed Determines the first weights and the orders.
 */
export async function* trainHeads(
  engine: Engine,
  train: LabelledRows,
  classes: number,
  training: HeadTraining,
  seed = 0,
): AsyncGenerator<HeadsAfter, void, void> {
  const { rows: count, width, data } = train, { epochs } = training;
  const batch = Math.min(training.batchSize, count), steps = Math.floor(count / batch);
  const { step, measure, close } = openHeads(engine, { width, classes, batch }, training, seed);
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = probeOrder(seed, epoch, count);
      for (let at = 0; at < steps; at++) {
        const rows = order.slice(at * batch, (at + 1) * batch), features = new Float32Array(batch * width);
        rows.forEach((row, i) => features.set(data.subarray(row * width, (row + 1) * width), i * width));
        const labels = rows.map((row) => train.labels[row]);
        step({ rows: batch, width, data: features, labels }, epoch + at / steps);
      }
      yield { epoch: epoch + 1, measure };
    }
  } finally {
    close();
  }
}

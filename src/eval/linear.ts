import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { batchNorm } from "../model/batch_norm.ts";
import { valueAndGradients } from "../model/gradients.ts";
import { linear, logSumExp } from "../model/layers.ts";
import type { Params } from "../model/types.ts";
import { randomStream } from "../random.ts";

/** A linear probe: batch norm without weights, then one linear layer. docs/spec.md §9 "Linear evaluation". */
export type ProbeState = {
  /** `linear.weight` [K, width] and `linear.bias` [K]. */
  params: Params;
  /** `_bn_.running_mean` and `_bn_.running_var`, [width]. */
  buffers: Params;
  /** SGD's velocities under the parameters' names. */
  velocity: Params;
};

const NORM = { name: "_bn_", epsilon: 1e-6 };
const MOMENTUM = 0.9;

/** A fresh probe: weights N(0, .01), bias 0. */
export function initProbe(width: number, classes: number, seed: number): ProbeState {
  const stream = randomStream(seed, "probe", 0);
  const weight = Float32Array.from({ length: classes * width }, () => 0.01 * stream.normal());
  return {
    params: { "linear.weight": tf.tensor(weight, [classes, width]), "linear.bias": tf.zeros([classes]) },
    buffers: { "_bn_.running_mean": tf.zeros([width]), "_bn_.running_var": tf.ones([width]) },
    velocity: { "linear.weight": tf.zeros([classes, width]), "linear.bias": tf.zeros([classes]) },
  };
}

/** Scores of the classes, [N, K], by the running statistics. A pure function. */
export function probeLogits({ params, buffers }: ProbeState, features: tf.Tensor): tf.Tensor {
  const { y } = batchNorm(features, {}, buffers, NORM.name, { training: false, epsilon: NORM.epsilon });
  return linear(y, params, "linear");
}

/** What {@linkcode probeStep} reads. */
export type ProbeStepArgs = {
  state: ProbeState;
  /** [N, width]. */
  features: tf.Tensor;
  /** One row a picture with 1 at its class, [N, K]. */
  labels: tf.Tensor;
  /** Learning rate, a scalar. */
  lr: tf.Tensor;
};

/** One step of SGD with momentum on the cross-entropy: a pure function (state, batch) → (state, loss). */
export function probeStep(
  { state, features, labels, lr }: ProbeStepArgs,
): { state: ProbeState; loss: tf.Tensor } {
  const { outputs, grads } = valueAndGradients((params) => {
    const options = { training: true, epsilon: NORM.epsilon };
    const { y, buffers } = batchNorm(features, {}, state.buffers, NORM.name, options);
    const logits = linear(y, params, "linear");
    const missed = tf.sub(tf.sum(logSumExp(logits)), tf.sum(tf.mul(logits, labels)));
    return { loss: tf.div(missed, features.shape[0]) as tf.Scalar, buffers };
  }, state.params);
  const next: ProbeState = { params: {}, buffers: outputs.buffers, velocity: {} };
  for (const [name, param] of Object.entries(state.params)) {
    next.velocity[name] = tf.add(tf.mul(state.velocity[name], MOMENTUM), grads[name]);
    next.params[name] = tf.sub(param, tf.mul(next.velocity[name], lr));
  }
  return { state: next, loss: outputs.loss };
}

/** Learning rate in an epoch, counted from 0: half a cosine to 0, one value an epoch. */
export function probeRate(lr: number, epoch: number, epochs: number): number {
  return lr / 2 * (1 + Math.cos(Math.PI * epoch / epochs));
}

/** Share of rows, 0 … 1, whose class is among the k highest scores. */
export function topShare(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  k: number,
): number {
  let hits = 0;
  for (let row = 0; row < labels.length; row++) {
    const own = logits[row * classes + labels[row]];
    let above = 0;
    for (let c = 0; c < classes; c++) if (logits[row * classes + c] > own) above++;
    if (above < k) hits++;
  }
  return hits / labels.length;
}

/** Features and classes of a set of pictures, on the host. */
export interface Labelled {
  /** Rows × width numbers. */
  features: Float32Array;
  labels: ArrayLike<number>;
}

/** What {@linkcode trainProbe} does. */
export interface TrainProbeOptions {
  width: number;
  classes: number;
  /** Default 100. */
  epochs?: number;
  /** For 256 pictures a step; default .01. */
  lr?: number;
  /** Default 256; at most the number of training pictures. */
  batchSize?: number;
  seed?: number;
}

/** Accuracies, 0 … 1. The best is chosen on the same pictures that it is measured on: read it with that in mind. */
export interface ProbeResult {
  last: { top1: number; top5: number };
  best: { top1: number; top5: number; epoch: number };
}

/**
 * Trains a probe on features and measures it after every epoch.
 *
 * @throws {Error} When there is nothing to train on or to measure.
 */
export async function trainProbe(
  engine: Engine,
  train: Labelled,
  test: Labelled,
  { width, classes, epochs = 100, lr = 0.01, batchSize = 256, seed = 0 }: TrainProbeOptions,
): Promise<ProbeResult> {
  const count = train.labels.length, batch = Math.min(batchSize, count);
  if (count === 0 || test.labels.length === 0) {
    throw new Error("a linear probe needs training and test pictures");
  }
  const step = engine.jit(probeStep, { donate: ["state"] });
  const score = engine.jit((args: { state: ProbeState; features: tf.Tensor }) => ({
    logits: probeLogits(args.state, args.features),
  }));
  const tests = tf.tensor2d(test.features, [test.labels.length, width]);
  let state = initProbe(width, classes, seed);
  let last = { top1: 0, top5: 0 }, best = { top1: -1, top5: 0, epoch: 0 };
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = randomStream(seed, "probe", 1, epoch).shuffle(Array.from({ length: count }, (_, i) => i));
    const rate = tf.scalar(probeRate(lr * batch / 256, epoch, epochs));
    for (let at = 0; at + batch <= count; at += batch) {
      const rows = order.slice(at, at + batch);
      const features = new Float32Array(batch * width), labels = new Float32Array(batch * classes);
      rows.forEach((row, i) => {
        features.set(train.features.subarray(row * width, (row + 1) * width), i * width);
        labels[i * classes + train.labels[row]] = 1;
      });
      const given = {
        features: tf.tensor2d(features, [batch, width]),
        labels: tf.tensor2d(labels, [batch, classes]),
      };
      const result = step({ state, ...given, lr: rate });
      state = result.state;
      tf.dispose([result.loss, given]);
    }
    const { logits } = score({ state, features: tests });
    const values = await logits.data();
    tf.dispose([logits, rate]);
    const share = (k: number) => topShare(values, test.labels, classes, k);
    last = { top1: share(1), top5: share(5) };
    if (last.top1 > best.top1) best = { ...last, epoch };
  }
  tf.dispose([tests, state]);
  return { last, best };
}

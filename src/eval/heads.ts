/** Linear heads on frozen features: several of them, each with a learning rate of its own, trained side by side. */
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { randomStream } from "../random.ts";
import {
  type HeadKind,
  headScores,
  type HeadState,
  headStep,
  type HeadStepArgs,
  initHeads,
} from "./head_step.ts";
import { hitsOf, type TopHits } from "./hits.ts";
import { checkRows, type Rows } from "./rows.ts";

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

/**
 * Refuses rows whose classes cannot be learned from.
 *
 * @throws {RangeError} When a row has none, or one that there is not; names it.
 */
export function checkLabels(set: LabelledRows, classes: number): void {
  const { rows } = checkRows(set), { labels } = set;
  if (labels.length !== rows) throw new RangeError(`there are ${rows} rows, but classes of ${labels.length}`);
  for (let row = 0; row < rows; row++) {
    if (Number.isInteger(labels[row]) && labels[row] >= 0 && labels[row] < classes) continue;
    throw new RangeError(`row ${row} is of class ${labels[row]}, none of the ${classes} classes from 0 on`);
  }
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
 * @throws {RangeError} When a row's class is none of the classes, or a step has no picture; while iterating.
 */
export async function* trainHeads(
  engine: Engine,
  train: LabelledRows,
  classes: number,
  training: HeadTraining,
  seed = 0,
): AsyncGenerator<HeadsAfter, void, void> {
  checkLabels(train, classes);
  if (!(Number.isInteger(training.batchSize) && training.batchSize >= 1) || train.rows === 0) {
    throw new RangeError(
      `steps of ${training.batchSize} of ${train.rows} pictures; both must be whole numbers from 1`,
    );
  }
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

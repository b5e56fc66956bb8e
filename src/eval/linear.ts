import type { Engine } from "../engine/types.ts";
import { type HeadTraining, trainHeads } from "./heads.ts";
import { meanOf } from "./hits.ts";

/** The reference's linear probe (docs/spec.md §9 "Linear evaluation"), with the learning rate of its README. */
export const REFERENCE_PROBE: HeadTraining = {
  norm: true,
  optimizer: "sgd",
  lrs: [0.01],
  epochs: 100,
  warmupEpochs: 0,
  schedule: "epoch",
  batchSize: 256,
};

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
  { width, classes, seed, lr = REFERENCE_PROBE.lrs[0], ...options }: TrainProbeOptions,
): Promise<ProbeResult> {
  if (train.labels.length === 0 || test.labels.length === 0) {
    throw new Error("a linear probe needs training and test pictures");
  }
  const rows = ({ features, labels }: Labelled) => ({ rows: labels.length, width, data: features, labels });
  const { epochs = REFERENCE_PROBE.epochs, batchSize = REFERENCE_PROBE.batchSize } = options;
  const training = { ...REFERENCE_PROBE, lrs: [lr], epochs, batchSize };
  let last = { top1: 0, top5: 0 }, best = { top1: -1, top5: 0, epoch: 0 };
  for await (const { epoch, measure } of trainHeads(engine, rows(train), classes, training, seed)) {
    const [{ top1, top5 }] = await measure(rows(test));
    last = { top1: meanOf(top1), top5: meanOf(top5) };
    if (last.top1 > best.top1) best = { ...last, epoch: epoch - 1 };
  }
  return { last, best };
}

/** Learning rates and weight decay of fine-tuning, as MAE's and BEiT's code has them. */
import { BETAS, peakRate, type StepScalars } from "../train/schedule.ts";

/**
 * The number of a parameter's layer: 0 for patch embedding, positions and class token, i + 1 for block i, depth + 1 for
 * everything behind the blocks.
 *
 * @param name Under our names, `backbone.…`, `fc_norm.…`, `head.…`.
 * @param depth Blocks of the encoder.
 */
export function layerOf(name: string, depth: number): number {
  const [, block] = /^backbone\.blocks\.(\d+)\./.exec(name) ?? [];
  if (block !== undefined) return Number(block) + 1;
  return /^backbone\.(cls_token|pos_embed|patch_embed\.)/.test(name) ? 0 : depth + 1;
}

/** A parameter's share of the learning rate: decay^(depth + 1 − layer). */
export function layerShare(name: string, depth: number, decay: number): number {
  return decay ** (depth + 1 - layerOf(name, depth));
}

/** Whether weight decay applies: not to tensors of one axis, nor to positions and class token. */
export function isDecayedInFinetuning(name: string, shape: readonly number[]): boolean {
  return shape.length > 1 && !/^backbone\.(cls_token|pos_embed)$/.test(name);
}

/** The settings that the schedule reads. */
export interface RateSettings {
  /** Learning rate for 256 pictures a step. */
  lr: number;
  /** Learning rate at the end, not scaled with the batch. */
  minLr: number;
  warmupEpochs: number;
  epochs: number;
  batchSize: number;
  weightDecay: number;
  /** Momentum of the averaged parameters. */
  emaMomentum: number;
}

/**
 * The numbers of one step, computed in double: a linear warm-up from 0, then half a cosine, both by the part of the epochs
 * that is done. The average of the parameters follows them quickly at first: its momentum is at most (1 + t) / (10 + t) after t
 * steps.
 *
 * @param perEpoch Steps in an epoch.
 * @param step Number of the step in the run, counted from 0.
 */
export function finetuneScalars(settings: RateSettings, perEpoch: number, step: number): StepScalars {
  const { minLr, warmupEpochs, epochs, weightDecay, emaMomentum } = settings;
  const peak = peakRate(settings.lr, settings.batchSize), epoch = step / perEpoch;
  const share = Math.min(1, (epoch - warmupEpochs) / Math.max(epochs - warmupEpochs, 1e-9));
  const lr = epoch < warmupEpochs
    ? peak * epoch / warmupEpochs
    : minLr + (peak - minLr) * 0.5 * (1 + Math.cos(Math.PI * share));
  return {
    lr,
    wd: weightDecay,
    bias1: 1 - BETAS[0] ** (step + 1),
    bias2: 1 - BETAS[1] ** (step + 1),
    ema: Math.min(emaMomentum, (1 + step) / (10 + step)),
  };
}

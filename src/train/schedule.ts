import { requireWhole } from "../text/whole.ts";

/** Decay rates of AdamW's two moments, docs/spec.md §7. */
export const BETAS: readonly [number, number] = [0.9, 0.999];

/** What a schedule needs to know. Lengths are in steps. */
export interface ScheduleOptions {
  /** Value at the start of the cosine; for the learning rate, the peak. */
  start: number;
  /** Value that the cosine approaches and never quite reaches. */
  end: number;
  /** Steps in all. */
  total: number;
  /** Steps of linear warm-up from 0 to `start`, both ends included. Default 0. */
  warmup?: number;
}

/**
 * A linear warm-up followed by half a cosine, docs/spec.md §7.
 *
 * @param step Number of the step, counted from 0. Beyond the last step the value stays at `end`.
 * @example The middle of a cosine from 1 to 0 is one half.
 * ```ts
 * import assert from "node:assert/strict";
 * import { cosine } from "./schedule.ts";
 * assert.ok(Math.abs(cosine({ start: 1, end: 0, total: 100 }, 50) - 0.5) < 1e-12);
 * ```
 */
export function cosine({ start, end, total, warmup = 0 }: ScheduleOptions, step: number): number {
  if (step < warmup) return warmup === 1 ? 0 : start * step / (warmup - 1);
  const length = total - warmup;
  const k = Math.min(step - warmup, length);
  return length === 0 ? end : end + 0.5 * (start - end) * (1 + Math.cos(Math.PI * k / length));
}

/** Peak learning rate for a batch: the base rate is meant for 256 pictures a step. */
export function peakRate(baseRate: number, batchSize: number): number {
  return baseRate * batchSize / 256;
}

/** The training settings that the schedules read. */
export interface ScheduleSettings {
  /** Learning rate for 256 pictures a step. */
  lr: number;
  /** Learning rate at the end, not scaled with the batch. */
  minLr: number;
  warmupEpochs: number;
  epochs: number;
  batchSize: number;
  weightDecay: number;
  weightDecayEnd: number;
  /** Momentum of the averaged copy at the start, rising to 1. */
  emaMomentum: number;
}

/** Numbers that change from step to step, computed on the host in double. */
export interface StepScalars {
  lr: number;
  wd: number;
  /** 1 − β₁ᵗ with t = step + 1. */
  bias1: number;
  /** 1 − β₂ᵗ with t = step + 1. */
  bias2: number;
  /** Momentum of the averaged copy. */
  ema: number;
}

/**
 * The scalars of one step.
 *
 * @param settings The run's settings.
 * @param stepsPerEpoch Steps in an epoch.
 * @param step Number of the step in the run, counted from 0.
 * @throws {RangeError} When the step, or the steps in an epoch, are none.
 */
export function stepScalars(settings: ScheduleSettings, stepsPerEpoch: number, step: number): StepScalars {
  requireWhole("step", step, 0);
  if (!(Number.isFinite(stepsPerEpoch) && stepsPerEpoch > 0)) {
    throw new RangeError(`stepsPerEpoch is ${stepsPerEpoch}; it must be above 0`);
  }
  const total = Math.round(settings.epochs * stepsPerEpoch);
  const warmup = Math.min(Math.round(settings.warmupEpochs * stepsPerEpoch), total);
  const start = peakRate(settings.lr, settings.batchSize);
  return {
    lr: cosine({ start, end: settings.minLr, total, warmup }, step),
    wd: cosine({ start: settings.weightDecay, end: settings.weightDecayEnd, total }, step),
    bias1: 1 - BETAS[0] ** (step + 1),
    bias2: 1 - BETAS[1] ** (step + 1),
    ema: cosine({ start: settings.emaMomentum, end: 1, total }, step),
  };
}

/** Presets of fine-tuning. */
import { type EncoderSizes, encoderSizes, PRESETS } from "../model/config.ts";
import { checkPreset } from "../train/config/presets.ts";
import type { FinetuneConfig, FinetunePreset } from "./settings.ts";

/** What does not depend on the model: MAE's recipe (main_finetune.py, FINETUNE.md), and where and how to run. */
const COMMON: Omit<FinetuneConfig, "preset" | keyof EncoderSizes> = {
  task: "finetune",
  model: "",
  fromScratch: false,
  teacher: false,
  key: "",
  data: "",
  labels: "",
  out: "",
  resume: false,
  engine: "auto",
  plugin: "",
  memoryFraction: 0,
  memoryLimit: 0,
  overMemory: "stop",
  precision: "float32",
  seed: 0,
  keep: 2,
  checkpointMinutes: 10,
  checkpointSteps: 0,
  logEvery: 1,
  tensorboard: false,
  steps: 0,
  epochs: 100,
  batchSize: 1024,
  lr: 5e-4,
  minLr: 1e-6,
  warmupEpochs: 5,
  weightDecay: 0.05,
  layerDecay: 0.65,
  clipGrad: 0,
  smoothing: 0.1,
  freeze: 0,
  ema: false,
  emaMomentum: 0.9999,
  pool: "mean",
  dropPath: 0.1,
  rematerialise: false,
  cropScale: [0.08, 1],
  cropRatio: [3 / 4, 4 / 3],
  flip: 0.5,
  randMagnitude: 9,
  randLayers: 2,
  erasing: 0.25,
  mixup: 0.8,
  cutmix: 1,
  mixProb: 1,
  switchProb: 0.5,
  baseSize: 0,
  subset: "",
  perClass: 0,
  share: 1,
  onBad: "skip",
  concurrency: 0,
  workers: 0,
  prefetch: 2,
  evalData: "",
  evalEvery: 1,
  evalShare: 0.875,
};

const OWN: Readonly<Record<FinetunePreset, Partial<FinetuneConfig>>> = {
  // Small pictures, few of them, on a processor: the recipe without what takes hundreds of epochs to pay.
  demo: {
    epochs: 30,
    batchSize: 64,
    lr: 4e-3,
    warmupEpochs: 3,
    layerDecay: 0.75,
    dropPath: 0,
    cropScale: [0.35, 1],
    randMagnitude: 0,
    erasing: 0,
    mixup: 0.2,
    cutmix: 0,
    mixProb: 0.5,
    evalShare: 1,
    checkpointMinutes: 2,
  },
  // Smaller models than MAE's smallest: its recipe for ViT-B, with a batch that one card or a processor holds.
  tiny: { batchSize: 128, dropPath: 0 },
  small: { batchSize: 256 },
  base: {},
};

/**
 * All settings of a preset: what a fine-tuning uses where neither file nor flag says otherwise.
 *
 * @throws {RangeError} When there is no such preset.
 */
export function finetunePreset(preset: FinetunePreset): FinetuneConfig {
  checkPreset(preset, OWN);
  return { ...COMMON, ...encoderSizes(PRESETS[preset]), ...OWN[preset], preset };
}

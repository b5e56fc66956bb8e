/** Presets of a detector's training. */
import { finetunePreset } from "../finetune/presets.ts";
import { DETECT_SETTINGS, type DetectConfig, type DetectPreset } from "./settings.ts";

/** What does not depend on the model: ViTDet's optimiser and FCOS's head, on small canvases. */
const COMMON: Partial<DetectConfig> = {
  epochs: 100,
  batchSize: 64,
  // 1e-4 at 64 pictures.
  lr: 4e-4,
  warmupEpochs: 1,
  weightDecay: 0.1,
  layerDecay: 0.7,
  flip: 0.5,
  imageSize: 256,
  jitter: [0.5, 2],
  maxObjects: 100,
  upscale: 1,
  levels: 3,
  pyramidWidth: 256,
  towerDepth: 4,
  evalEvery: 5,
};

const OWN: Readonly<Record<DetectPreset, Partial<DetectConfig>>> = {
  // Small canvases and a light head, on a processor.
  demo: {
    epochs: 30,
    batchSize: 16,
    lr: 8e-3,
    layerDecay: 0.8,
    weightDecay: 0.05,
    clipGrad: 1,
    imageSize: 128,
    pyramidWidth: 64,
    towerDepth: 2,
  },
  tiny: { batchSize: 16, pyramidWidth: 128, dropPath: 0 },
  small: { batchSize: 32 },
  base: {},
};

/**
 * All settings of a preset: what a detector's training uses where neither file nor flag says otherwise.
 *
 * @throws {RangeError} When there is no such preset.
 */
export function detectPreset(preset: DetectPreset): DetectConfig {
  const keys = new Set(Object.keys(DETECT_SETTINGS));
  const shared = Object.entries(finetunePreset(preset)).filter(([key]) => keys.has(key));
  return { ...Object.fromEntries(shared), ...COMMON, ...OWN[preset], preset, task: "detect" } as DetectConfig;
}

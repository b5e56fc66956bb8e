import { PRESETS } from "../../model/config.ts";
import { DEFAULT_LOSS } from "../../model/loss_config.ts";
import { DEFAULT_VIEWS } from "../../views/sample.ts";
import type { PresetName, RunConfig } from "./settings.ts";

/** docs/spec.md §9: the reference's published run, as far as it does not depend on the size of the model. */
const PUBLISHED: Omit<RunConfig, keyof typeof PRESETS.base | "preset"> = {
  ...DEFAULT_LOSS,
  ...DEFAULT_VIEWS,
  data: "",
  out: "",
  resume: false,
  init: "",
  engine: "auto",
  devices: 1,
  plugin: "",
  memoryFraction: 0,
  preallocate: "auto",
  nodes: 1,
  nodeId: 0,
  coordinator: "",
  nodeWait: 300,
  nodeSilence: 20,
  memoryLimit: 0,
  overMemory: "stop",
  precision: "float32",
  gradientSums: "float32",
  shardOptimizer: false,
  seed: 0,
  keep: 3,
  checkpointMinutes: 10,
  checkpointSteps: 0,
  logEvery: 1,
  figures: true,
  tensorboard: false,
  evalData: "",
  evalTrain: "",
  evalEvery: 1,
  evalLinear: false,
  evalTeacher: false,
  epochs: 400,
  steps: 0,
  batchSize: 120,
  lr: 2.4e-4,
  minLr: 1e-6,
  warmupEpochs: 10,
  weightDecay: 0.1,
  weightDecayEnd: 0.1,
  clipGrad: 3,
  clipKind: "tensor",
  optimizer: "adamw",
  ema: false,
  emaMomentum: 0.996,
  onBad: "skip",
  concurrency: 0,
  workers: 0,
  prefetch: 2,
  shuffleBuffer: 1000,
  epochPictures: 0,
  process: "",
  labels: "",
};

/** For photographs, on a CPU: docs/recipe.md. A blur of small pictures leaves little; the rate's peak is 0.02. */
const SMALL_PHOTOGRAPHS: Partial<RunConfig> = {
  batchSize: 128,
  optimizer: "muon",
  lr: 4e-2,
  temperature: 0.1,
  cropScale: [0.2, 1],
  blur: [0, 0],
  solarise: [0, 0],
};

const TRAINING: Record<PresetName, Partial<RunConfig>> = {
  // 3,466 emoji in two styles, in minutes on a CPU, 55,000 pictures in all; the rate is for 256, so the peak is 1.5e-3.
  // Of a few short runs, more and smaller steps and a lower temperature learned most from the same pictures. Muon was chosen
  // on photographs: docs/recipe.md.
  demo: {
    epochs: 16,
    // Half as many pictures a second more than whole views, and little lost by that: docs/demo.md.
    viewSize: 48,
    batchSize: 64,
    optimizer: "muon",
    lr: 6e-3,
    temperature: 0.1,
    warmupEpochs: 2,
    cropScale: [0.3, 1],
    checkpointMinutes: 2,
  },
  // Pictures of some 32 pixels, in hours.
  thumbnail: { ...SMALL_PHOTOGRAPHS, epochs: 20, warmupEpochs: 1 },
  // Photographs of any size, seen at 64 pixels: a few thousand of them in an hour, tens of thousands in a night.
  photo: { ...SMALL_PHOTOGRAPHS, epochs: 100, warmupEpochs: 5 },
  // 120 pictures a step would take some 30 GB for tiny without a graphics card.
  tiny: { batchSize: 32 },
  small: {},
  base: {},
};

/** Settings that came later, as what was done before they existed: runs and checkpoints of then do not name them. */
export const FIRST_WAYS = {
  viewSize: 0,
  stem: "patches",
  localMixing: false,
  headLayers: 4,
  classHead: "shared",
  classHeadWidth: 0,
  aligner: true,
  reconstructionTarget: "picture",
  optimizer: "adamw",
  attention: "plain",
  residualPrecision: "float32",
} as const satisfies Partial<RunConfig>;

/** The learning rate that AdamW takes where a preset's own is one for Muon: docs/recipe.md. */
const ADAMW_RATE = 6e-3;

/** The learning rate of a preset with an optimiser that may not be its own. */
function presetRate(preset: PresetName, optimizer: RunConfig["optimizer"]): number {
  const { lr, optimizer: own } = presetConfig(preset);
  return optimizer === "adamw" && own === "muon" ? Math.min(lr, ADAMW_RATE) : lr;
}

/**
 * Side of a view where the user names other sizes than the preset's: the same share of the picture, in whole patches, and
 * the whole picture where less than two patches would be left.
 */
function presetView(preset: PresetName, sizes: Pick<RunConfig, "imageSize" | "patchSize">): number {
  const own = presetConfig(preset), { imageSize, patchSize } = sizes;
  const patches = Math.floor(own.viewSize * imageSize / own.imageSize / patchSize);
  return patches < 2 ? 0 : patches * patchSize;
}

/** What is taken of settings that follow others where they are not given themselves. */
export function followingSettings(
  preset: PresetName,
  config: Pick<RunConfig, "optimizer" | "imageSize" | "patchSize" | "epochs">,
): Pick<RunConfig, "lr" | "viewSize" | "warmupEpochs"> {
  return {
    lr: presetRate(preset, config.optimizer),
    viewSize: presetView(preset, config),
    // A run that is shorter than the preset's warms up for at most a tenth of its time.
    warmupEpochs: Math.min(presetConfig(preset).warmupEpochs, config.epochs / 10),
  };
}

/**
 * Refuses a preset that there is not.
 *
 * @throws {RangeError} Names those that there are.
 */
export function checkPreset(name: string, presets: Readonly<Record<string, unknown>>): void {
  if (Object.hasOwn(presets, name)) return;
  throw new RangeError(`there is no preset ${JSON.stringify(name)}; take ${Object.keys(presets).join(", ")}`);
}

/**
 * All settings of a preset: what a run uses where neither file nor flag says otherwise.
 *
 * @throws {RangeError} When there is no such preset.
 */
export function presetConfig(preset: PresetName): RunConfig {
  checkPreset(preset, PRESETS);
  return { ...PUBLISHED, ...PRESETS[preset], ...TRAINING[preset], preset };
}

/** What a preset's encoder is, apart from the pictures and patches. */
const ENCODER = ["width", "depth", "stem", "localMixing"] as const;

/** The preset that has such an encoder, with the same patches if there is one; undefined where none has. */
export function presetOfEncoder(
  encoder: Pick<RunConfig, "patchSize" | typeof ENCODER[number]>,
): PresetName | undefined {
  const like = (keys: readonly (keyof typeof encoder)[]) =>
    (Object.keys(PRESETS) as PresetName[]).find((name) =>
      keys.every((key) => PRESETS[name][key] === encoder[key])
    );
  return like(["patchSize", ...ENCODER]) ?? like(ENCODER);
}

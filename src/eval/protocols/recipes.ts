/** How linear probes are trained: the settings of the projects that published them. */
import type { CropKind } from "../augment.ts";
import type { HeadTraining } from "../heads.ts";
import { REFERENCE_PROBE } from "../linear.ts";

/** Names of linear probes. */
export const RECIPES = ["saae", "dino", "mae", "grid"] as const;

/** One of {@linkcode RECIPES}. */
export type RecipeName = typeof RECIPES[number];

/** A linear probe. */
export interface Recipe extends Omit<HeadTraining, "norm"> {
  /** Class tokens of how many last blocks. */
  blocks: readonly number[];
  /** Whether the mean patch token is added. */
  pool: readonly boolean[];
  /** Whether a batch norm stands before the layer. */
  norm: readonly boolean[];
  /** The random crops that it learns from, where features are not frozen. */
  crop: CropKind;
  help: string;
}

/** {@linkcode Recipe}s by name. All with momentum .9 and no weight decay; first weights N(0, .01). */
export const RECIPE: Readonly<Record<RecipeName, Recipe>> = {
  // docs/spec.md §9: the README's rate, at 8 × 128 pictures a step.
  saae: {
    ...REFERENCE_PROBE,
    blocks: [4],
    pool: [false],
    norm: [true],
    batchSize: 1024,
    crop: { method: "bilinear", misfit: "again" },
    help: "this method's: batch norm, SGD, 100 epochs",
  },
  // facebookresearch/dino eval_linear.py; its published logs have 256 pictures a step.
  dino: {
    optimizer: "sgd",
    lrs: [0.001],
    epochs: 100,
    warmupEpochs: 0,
    schedule: "epoch",
    batchSize: 256,
    blocks: [4],
    pool: [false],
    norm: [false],
    crop: { method: "bilinear", misfit: "again" },
    help: "DINO's: SGD, 100 epochs",
  },
  // facebookresearch/mae main_linprobe.py, FINETUNE.md.
  mae: {
    optimizer: "lars",
    lrs: [0.1],
    epochs: 90,
    warmupEpochs: 10,
    schedule: "step",
    batchSize: 16384,
    blocks: [1],
    pool: [false],
    norm: [true],
    crop: { method: "bicubic", misfit: "cut" },
    help: "MAE's: batch norm, LARS, 90 epochs",
  },
  // facebookresearch/dinov2 dinov2/eval/linear.py: 13 rates × 4 features; with and without batch norm is ours.
  grid: {
    optimizer: "sgd",
    lrs: [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1],
    epochs: 10,
    warmupEpochs: 0,
    schedule: "step",
    batchSize: 1024,
    blocks: [1, 4],
    pool: [false, true],
    norm: [false, true],
    crop: { method: "bicubic", misfit: "again" },
    help: "DINOv2's: 104 heads, the best chosen on a validation part, SGD, 10 epochs",
  },
};

/** What an ablation is and what comes of it, as plain data. */
import type { RunConfig } from "../train/config/settings.ts";
import type { Baseline, Variant } from "./variants.ts";

/** How long all runs together may be, and what that came to. */
export type Budget =
  /** Each run has the epochs of the settings. */
  | { by: "epochs" }
  /** Pictures of all runs together. */
  | { by: "pictures"; total: number }
  /** Minutes of training of all runs together, which became pictures by the rate that was measured once. */
  | { by: "minutes"; total: number; picturesPerSecond: number };

/** What an ablation is; ablate.json in its folder holds it. */
export interface AblationPlan {
  version: 1;
  /** The whole method's settings as far as they were given; the preset has the others. */
  given: Partial<RunConfig>;
  variants: Variant[];
  baselines: Baseline[];
  seeds: number[];
  budget: Budget;
  /** Pictures that each run sees, about: whole batches of them. */
  pictures: number;
  /** The pictures that are trained on, those that vote and that probes learn from, and those whose class is asked for. */
  data: { train: string; gallery: string; queries: string };
  /** Gallery and queries as they were named; missing where they were not. The file has them without secrets. */
  words: { evalTrain?: string; evalData?: string };
  /** The share of the training pictures that was drawn as queries; missing where queries were given. */
  holdout?: number;
}

/** How well one kind of features tells classes apart; shares from 0 to 1. */
export interface Score {
  /** `class token`, `mean patch token`, or the side of shrunk pictures such as `8×8`. */
  features: string;
  /** Top-1 of weighted nearest neighbours. */
  knn: number;
  /** Top-1 of a linear probe after its last epoch. */
  linear: number;
}

/** How scores were measured. */
export interface Measurement {
  /** Neighbours that vote. */
  k: number;
  /** Epochs of the linear probe. */
  probeEpochs: number;
  gallery: number;
  queries: number;
  classes: number;
}

/** What one run, or a baseline, came to. */
export interface AblationResult {
  /** The variant's name, or the baseline's. */
  variant: string;
  seed: number;
  /** Pictures that were trained on; 0 for a baseline. */
  pictures: number;
  steps: number;
  scores: Score[];
  measured: Measurement;
  /** Pictures that its data had, readable or not; `train` is null for a stream. Missing in results of earlier versions. */
  data?: DataSizes;
}

/** How many pictures the data of an ablation has. */
export interface DataSizes {
  train: number | null;
  gallery: number;
  queries: number;
}

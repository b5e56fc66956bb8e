import type { Engine } from "../../engine/types.ts";
import type { Augmenter } from "../augment.ts";
import type { FeatureSet } from "../feature_set.ts";
import type { Share } from "../hits.ts";
import type { RecipeName } from "./recipes.ts";

/** Ways of measuring features by labelled pictures. */
export const PROTOCOLS = ["knn", "linear", "logreg", "fewshot"] as const;

/** One of {@linkcode PROTOCOLS}. */
export type ProtocolName = typeof PROTOCOLS[number];

/** One figure. */
export interface ProtocolRow {
  /** Such as `knn` or `linear grid`. */
  protocol: string;
  /** Which tokens: `class token`, `mean patch token`. */
  tokens: string;
  /** Class tokens of how many last blocks. */
  n: number;
  /** Whether the mean patch token is added. */
  pool: boolean;
  /** Settings and choices by name: k, lr, norm, C, shots, tries, epochs. */
  settings: Readonly<Record<string, number | string | boolean>>;
  /** Which state of the probe: after the last epoch, after the best one, or the only one there is. */
  which: "last" | "best" | "only";
  /** The epoch of the best, counted from 1. */
  epoch?: number;
  /** Whether the probe learned from random crops, new ones in each epoch; else from frozen features. */
  augmented?: boolean;
  /** What chose among probes, epochs or strengths. */
  chosenOn: "nothing" | "the test pictures" | "validation pictures";
  top1: Share;
  top5: Share;
  /** Standard deviation of top-1 over tries. */
  spread?: number;
}

/** What protocols measure, and how. */
export interface ProtocolOptions {
  engine: Engine;
  train: FeatureSet;
  /** Null: each training picture is a query, and all others are its gallery; only for `knn`. */
  test: FeatureSet | null;
  /** What chooses; default a random tenth of the training pictures. */
  validation?: FeatureSet;
  /** Numbers of neighbours. Default 10, 20, 100, 200, those that there are pictures for. */
  k?: readonly number[];
  /** Linear probes. Default `saae`. */
  recipes?: readonly RecipeName[];
  /** Instead of the recipe's: class tokens of how many last blocks. */
  blocks?: readonly number[];
  pool?: readonly boolean[];
  lrs?: readonly number[];
  epochs?: number;
  /** Training pictures in a step of a linear probe. */
  batchSize?: number;
  /** Strengths C of logistic regression, rising. Default DINOv2's 45, from 1e-6 to 1e5. */
  strengths?: readonly number[];
  /** Linear probes learn from random crops, the encoder runs anew in each epoch; `train` must be of its source. */
  augment?: Augmenter;
  /** Pictures of each class that few-shot probes learn from. Default 1, 2, 5, 10, those that each class has. */
  shots?: readonly number[];
  /** Draws of such pictures. Default 5. */
  tries?: number;
  /** Determines first weights, orders, draws and the validation part. */
  seed?: number;
  /** Told what is being done. */
  progress?: (text: string) => void;
}

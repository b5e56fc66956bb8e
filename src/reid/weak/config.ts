/** The settings of weakly supervised re-identification. */
import { type Kind, list, number, text, whole } from "../../cli/kinds.ts";
import { didYouMean } from "../../text/nearest.ts";
import { ConfigError, ofTask, refuseMisfits } from "../../train/config/config.ts";

/** Everything that defines such a run; config.json in its folder holds it whole. */
export interface WeakConfig {
  /** Tells config.json from one of pre-training. */
  task: "reid";
  /** What the encoder is from. */
  model: string;
  /** What the training pictures are from, and their bags. */
  data: string;
  bags: string;
  /** SHA-256 of the bags and the folders of their pictures; runs of earlier versions have none. */
  bagsDigest?: string;
  /** The run folder. */
  out: string;
  seed: number;
  /** Sides of the encoder's input in pixels. */
  height: number;
  width: number;
  /** Bags in a batch, and pictures of each. */
  bagsPerBatch: number;
  perBag: number;
  /** Passes over all bags. */
  epochs: number;
  /** Stops after so many steps; 0: after the epochs. */
  steps: number;
  lr: number;
  /** Epochs after which the learning rate falls to a tenth. */
  lrEpochs: readonly number[];
  /** Weight decay, added to the gradients. */
  decay: number;
  margin: number;
  /** Weights of the pairwise term and of the triplet. */
  pairwise: number;
  triplet: number;
  flip: number;
  erase: number;
  keep: number;
  checkpointMinutes: number;
  checkpointSteps: number;
  logEvery: number;
}

/** What the authors of SYSU-30k released, for an input of 256 × 128. */
export const WEAK_DEFAULTS: Omit<WeakConfig, "model" | "data" | "bags" | "out"> = {
  task: "reid",
  seed: 0,
  height: 256,
  width: 128,
  bagsPerBatch: 8,
  perBag: 8,
  epochs: 300,
  steps: 0,
  lr: 2e-4,
  lrEpochs: [250, 290],
  decay: 5e-4,
  margin: 1.2,
  pairwise: 2,
  triplet: 2,
  flip: 0.5,
  erase: 0.5,
  keep: 3,
  checkpointMinutes: 10,
  checkpointSteps: 0,
  logEvery: 10,
};

/** What each setting may be. */
export const WEAK_KINDS = {
  model: text,
  data: text,
  bags: text,
  bagsDigest: text,
  out: text,
  seed: whole(0, 2 ** 32 - 1),
  height: whole(1),
  width: whole(1),
  bagsPerBatch: whole(2),
  perBag: whole(1),
  epochs: number(),
  steps: whole(),
  lr: number(),
  lrEpochs: list(whole()),
  decay: number(),
  margin: number(),
  pairwise: number(),
  triplet: number(),
  flip: number(0, 1),
  erase: number(0, 1),
  keep: whole(1),
  checkpointMinutes: number(),
  checkpointSteps: whole(),
  logEvery: whole(1),
} as const satisfies Readonly<Record<Exclude<keyof WeakConfig, "task">, Kind>>;

/**
 * Refuses settings that cannot be used.
 *
 * @throws {ConfigError} When one is missing, unknown, of a wrong type or out of its bounds, or they are of another task.
 */
export function checkWeakConfig(config: WeakConfig): void {
  const { task, ...given } = config, kinds: Readonly<Record<string, Kind>> = WEAK_KINDS;
  if (task !== "reid") throw new ConfigError(`the run: ${ofTask(task)}`);
  const keys = Object.keys(kinds),
    kindOf = (key: string) => Object.hasOwn(kinds, key) ? kinds[key] : undefined;
  // One that is missing fits no kind.
  const missing = Object.fromEntries(keys.map((key) => [key, undefined]));
  const values: Partial<WeakConfig> = { ...missing, ...given };
  if (values.bagsDigest === undefined) delete values.bagsDigest;
  // A rate that never falls.
  if (Array.isArray(values.lrEpochs) && values.lrEpochs.length === 0) delete values.lrEpochs;
  refuseMisfits(values, kindOf, "the run", (key) => didYouMean(key, keys));
}

/** Settings that may change when a run goes on: no number that it learns depends on them. */
const FREE: readonly (keyof WeakConfig)[] = [
  "out",
  "model",
  "data",
  "bags",
  "epochs",
  "steps",
  "keep",
  "checkpointMinutes",
  "checkpointSteps",
  "logEvery",
];

/**
 * Refuses to go on with other settings than a run was begun with.
 *
 * @param stored What its config.json holds.
 * @throws {ConfigError} When a setting differs that changes numbers; names each.
 */
export function checkSameWeak(stored: Partial<WeakConfig>, config: WeakConfig): void {
  const differing = (Object.keys(config) as (keyof WeakConfig)[])
    .filter((key) => !FREE.includes(key) && !(key === "bagsDigest" && stored[key] === undefined))
    .filter((key) => JSON.stringify(stored[key]) !== JSON.stringify(config[key]));
  if (differing.length === 0) return;
  const texts = differing.map((key) =>
    key === "bagsDigest"
      ? "other bags, or other folders of pictures"
      : `${key} ${JSON.stringify(stored[key])}, now ${JSON.stringify(config[key])}`
  );
  throw new ConfigError(
    `${config.out} was begun with other settings: ${texts.join("; ")}; go on with the same ones`,
  );
}

/** The learning rate of an epoch, from 0. */
export function weakRate({ lr, lrEpochs }: Pick<WeakConfig, "lr" | "lrEpochs">, epoch: number): number {
  return lr * 0.1 ** lrEpochs.filter((end) => epoch >= end).length;
}

/** Checkpoints of classifiers: what they hold beside their tensors, and how they are read. */
import * as tf from "../engine/tensors.ts";
import { openSafetensors } from "../files/safetensors.ts";
import { asFloat32, type StoredTensor } from "../files/stored_tensor.ts";
import type { Params } from "../model/types.ts";
import { readBest } from "../train/run/best.ts";
import { type Checkpoint, latestCheckpoint, readCheckpointOf } from "../train/run/checkpoint.ts";
import { type CheckpointKind, CLASSIFIER_FORMAT } from "../train/run/checkpoint_kinds.ts";
import { splitState } from "../train/state.ts";
import { checkFinetuneSettings, classifierConfig } from "./config.ts";
import type { ClassifierConfig } from "./model.ts";
import type { FinetuneConfig } from "./settings.ts";

/** How checkpoints of classifiers are read. */
export const CLASSIFIER: CheckpointKind<FinetuneConfig> = {
  format: CLASSIFIER_FORMAT,
  settings: (values, where) =>
    ({ ...checkFinetuneSettings(values, where), task: "finetune" }) as FinetuneConfig,
};

/** What a classifier's checkpoint says of its pictures. */
export interface LearnedFrom {
  /** Names of its classes, by their numbers. */
  classes: string[];
  /** Of the pictures that it learns from, see `picturesDigest`. */
  digest: string;
}

/** That as metadata of a checkpoint. */
export function learnedFromMetadata({ classes, digest }: LearnedFrom): Record<string, string> {
  return { classes: JSON.stringify(classes), digest };
}

/**
 * What a checkpoint's metadata says of its pictures.
 *
 * @throws {Error} When it does not say it as it should.
 */
export function learnedFrom(
  { more = {}, path }: Pick<Checkpoint<{ seed: number }>, "more" | "path">,
): LearnedFrom {
  let classes: unknown;
  try {
    classes = JSON.parse(more.classes ?? "null");
  } catch { /* told below */ }
  if (!Array.isArray(classes) || !classes.every((name) => typeof name === "string")) {
    throw new Error(`${path}: does not say which classes it knows`);
  }
  return { classes, digest: more.digest ?? "" };
}

/** A trained model that has been read but is not on an engine yet. */
export interface StoredTrained<Settings extends { seed: number }> {
  /** For people: the file and the step. */
  name: string;
  path: string;
  settings: Settings;
  /** Names of its classes, by their numbers. */
  classes: readonly string[];
  checkpoint: Omit<Checkpoint<Settings>, "tensors">;
  /** Its tensors in host memory. */
  tensors: Readonly<Record<string, StoredTensor>>;
  /** Puts all of them on the engine that is open; the caller's. */
  load(): Params;
}

/** A trained classifier that has been read but is not on an engine yet. Its tensors are `backbone.…`, `fc_norm.…`, `head.…`. */
export interface StoredClassifier extends StoredTrained<FinetuneConfig> {
  config: ClassifierConfig;
}

/**
 * Whether a path is a classifier's run folder or a checkpoint of one; false for everything else, also for what is not there.
 */
export async function isClassifier(path: string): Promise<boolean> {
  try {
    const file = await openSafetensors(await latestCheckpoint(path).catch(() => null) ?? path);
    file.close();
    return file.metadata.format === CLASSIFIER_FORMAT;
  } catch {
    return false;
  }
}

/** Which state of a run is meant. */
export interface ReadClassifierOptions {
  /** The averaged parameters. */
  teacher?: boolean;
  /** Of a run folder the state that was best on the test pictures, not the last one. */
  best?: boolean;
}

/**
 * Reads a model that was trained on an encoder: of a run folder its last checkpoint, or the best one.
 *
 * @param path A run folder, or a checkpoint in it.
 * @param figure By which the best state is told, such as `top1`.
 * @throws {Error} When there is none, it cannot be read, or the state that is meant was not kept.
 */
export async function readTrained<Settings extends { seed: number }>(
  path: string,
  kind: CheckpointKind<Settings>,
  figure: string,
  { teacher = false, best = false }: ReadClassifierOptions,
): Promise<StoredTrained<Settings>> {
  const by = `${teacher ? "average" : "test"} ${figure}`, found = best ? await readBest(path, by) : undefined;
  if (found === null) {
    throw new Error(`${path}: has no best state by "${by}"; only a run with --eval-data keeps one`);
  }
  const { tensors, ...checkpoint } = await readCheckpointOf(found?.path ?? path, kind);
  const { params, ema, frozen } = splitState(tensors);
  if (teacher && Object.keys(ema).length === 0) {
    throw new Error(`${checkpoint.path}: holds no averaged parameters: its run was made without --ema`);
  }
  const own = { ...frozen, ...(teacher ? ema : params) };
  return {
    name: `${checkpoint.path} (step ${checkpoint.step}${teacher ? ", averaged" : ""})`,
    path: checkpoint.path,
    settings: checkpoint.config,
    classes: learnedFrom(checkpoint).classes,
    checkpoint,
    tensors: own,
    load: () =>
      Object.fromEntries(
        Object.entries(own).map(([name, t]) => [name, tf.tensor(asFloat32(t), [...t.shape], "float32")]),
      ),
  };
}

/**
 * Reads a classifier that {@linkcode finetune} has trained: of a run folder its last checkpoint, or the best one.
 *
 * @param path A run folder, or a checkpoint in it.
 * @throws {Error} When there is none, it cannot be read, or the state that is meant was not kept.
 */
export async function readClassifier(
  path: string,
  options: ReadClassifierOptions = {},
): Promise<StoredClassifier> {
  const read = await readTrained(path, CLASSIFIER, "top1", options);
  return { ...read, config: classifierConfig(read.settings) };
}

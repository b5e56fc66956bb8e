import { basename, dirname, join } from "node:path";
import type { DataAccount } from "../../data/epoch/account.ts";
import { isPathError, pathError } from "../../data/io/paths.ts";
import { refuseAddress, requirePath } from "../../files/path_error.ts";
import type { Cursor } from "../../data/types.ts";
import { decodeSafetensors, encodeSafetensors } from "../../files/safetensors.ts";
import type { StoredTensor } from "../../files/stored_tensor.ts";
import { publishFile, type PublishOptions } from "../../files/publish.ts";
import type { RunConfig } from "../config/settings.ts";
import { checkKind, CHECKPOINT_VERSION, type CheckpointKind, PRETRAINING } from "./checkpoint_kinds.ts";
import { standingIn } from "./checkpoint_standing.ts";

/** What a checkpoint holds besides its tensors. */
export interface CheckpointInfo<Config extends { seed: number } = RunConfig> {
  /** The run's whole configuration. */
  config: Config;
  /** Steps done. */
  step: number;
  /** Where the stream goes on; of several nodes, node 0's. */
  cursor: Cursor;
  /** With several nodes, where each one's stream goes on and its bad pictures: epoch, position, bad. */
  places?: number[][];
  /** Pictures in the source. */
  pictures: number;
  /** Bad pictures skipped so far. */
  bad: number;
  /** What came of the data so far; of several nodes, of node 0's part. Missing in checkpoints of version 0.1. */
  data?: DataAccount;
  /** The engine that computed it. */
  engine: string;
  /** When it was made, ISO 8601. */
  time: string;
  /** Which kind of training it is of, as the file says it. Default: pre-training. */
  format?: string;
  /** What else stands in the file's metadata. */
  more?: Readonly<Record<string, string>>;
}

/** A checkpoint in host memory. */
export interface Checkpoint<Config extends { seed: number } = RunConfig> extends CheckpointInfo<Config> {
  /** Parameters and statistics under the reference's names; moments under `optimizer.m.` and `optimizer.v.`. */
  tensors: Record<string, StoredTensor>;
  /** Where it was read from. */
  path: string;
}

const NAME = /^step-(\d+)\.safetensors$/;
const fileName = (step: number) => `step-${String(step).padStart(8, "0")}.safetensors`;

/** The folder of a run's checkpoints. */
export function checkpointFolder(run: string): string {
  requirePath(run);
  return join(run, "checkpoints");
}

/** Steps of the checkpoints in a run folder, in ascending order. */
async function listSteps(run: string): Promise<number[]> {
  const steps: number[] = [], folder = checkpointFolder(run);
  try {
    for await (const { name } of Deno.readDir(folder)) {
      const match = NAME.exec(name);
      if (match) steps.push(Number(match[1]));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw pathError(error, run, "read");
  }
  return steps.sort((a, b) => a - b);
}

/**
 * A checkpoint as the bytes of its file.
 *
 * @param more What else stands in the metadata.
 */
export function encodeCheckpoint<Config extends { seed: number }>(
  info: CheckpointInfo<Config>,
  tensors: Record<string, StoredTensor>,
  more: Record<string, string> = {},
): Uint8Array {
  return encodeSafetensors(tensors, {
    ...info.more,
    format: info.format ?? PRETRAINING.format,
    version: String(CHECKPOINT_VERSION),
    config: JSON.stringify(info.config),
    step: String(info.step),
    cursor: JSON.stringify(info.cursor),
    ...(info.places && { places: JSON.stringify(info.places) }),
    seed: String(info.config.seed),
    pictures: String(info.pictures),
    bad: String(info.bad),
    ...(info.data && { data: JSON.stringify(info.data) }),
    engine: info.engine,
    time: info.time,
    ...more,
  });
}

/**
 * Writes a checkpoint, whole or not at all, and removes those beyond the last `keep`.
 *
 * @param run The run folder.
 * @returns The checkpoint's path.
 * @throws {Error} When it cannot be written, such as on a full disk; the earlier ones then stay.
 */
export async function saveCheckpoint<Config extends { seed: number }>(
  run: string,
  info: CheckpointInfo<Config>,
  tensors: Record<string, StoredTensor>,
  options: PublishOptions & { keep: number },
): Promise<string> {
  refuseAddress(run);
  const folder = checkpointFolder(run);
  const path = join(folder, fileName(info.step));
  const bytes = encodeCheckpoint(info, tensors);
  try {
    await Deno.mkdir(folder, { recursive: true });
    await publishFile(path, bytes, options);
  } catch (cause) {
    const good = await latestCheckpoint(run);
    throw new Error(
      `the checkpoint of step ${info.step} (${bytes.length} bytes) could not be written to ${folder}: ` +
        `${(cause as Error).message}. ${
          good ? `The last good one is ${good}` : "There is no earlier one"
        }. ` +
        "Make room or choose another disk, then continue with --resume",
      { cause },
    );
  }
  // Version 0.1 noted the newest one here. Nothing read it, and from now on it would be wrong.
  await Deno.remove(join(folder, "last")).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const steps = await listSteps(run);
  for (const step of steps.filter((step) => step < info.step).reverse().slice(options.keep - 1)) {
    await Deno.remove(join(folder, fileName(step)));
  }
  return path;
}

/**
 * The path of a run's last checkpoint, or null when it has none yet.
 *
 * @throws {TypeError} When `run` is no path.
 * @throws {Error} When the folder cannot be read.
 */
export async function latestCheckpoint(run: string): Promise<string | null> {
  const steps = await listSteps(run);
  return steps.length > 0 ? join(checkpointFolder(run), fileName(steps.at(-1)!)) : null;
}

/** Reads a part of a file; when it is damaged, the error names the checkpoint before it. */
async function readOrAdvise<T>(file: string, read: () => T): Promise<T> {
  try {
    return read();
  } catch (cause) {
    const run = dirname(dirname(file));
    const steps = (await listSteps(run)).filter((step) => fileName(step) < basename(file));
    if (steps.length === 0) {
      throw new Error(
        `${(cause as Error).message}. It is damaged or no checkpoint, and there is none before it`,
        {
          cause,
        },
      );
    }
    const before = join(checkpointFolder(run), fileName(steps.at(-1)!));
    throw new Error(
      `${(cause as Error).message}. The one before it is ${before}; remove the damaged one to use it`,
      {
        cause,
      },
    );
  }
}

/**
 * Reads a checkpoint.
 *
 * @param path The file, or a run folder, of which the last one is read.
 * @throws {TypeError} When `path` is no path.
 * @throws {Error} When there is none, it is cut short or damaged, of a newer version, or no checkpoint of ours.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  return await readCheckpointOf(path, PRETRAINING);
}

/**
 * Reads a checkpoint of some kind of training, as {@linkcode readCheckpoint} does.
 *
 * @param path The file, or a run folder, of which the last one is read.
 * @throws {Error} When there is none, it is cut short or damaged, of a newer version, or of another kind.
 */
export async function readCheckpointOf<Config extends { seed: number }>(
  path: string,
  kind: CheckpointKind<Config>,
): Promise<Checkpoint<Config>> {
  requirePath(path);
  let file = path;
  let bytes: Uint8Array;
  try {
    if ((await Deno.stat(path)).isDirectory) {
      const latest = await latestCheckpoint(path);
      if (!latest) {
        throw new Error(`${path}: holds no checkpoint (looked for checkpoints/step-….safetensors)`);
      }
      file = latest;
    }
    bytes = await Deno.readFile(file);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new Error(
        `${path}: there is no such checkpoint; name a run folder or a file in its checkpoints/`,
      );
    }
    throw isPathError(cause) ? pathError(cause, file, "read") : cause;
  }
  return await parseCheckpointOf(file, bytes, kind);
}

/**
 * Reads a checkpoint from its bytes.
 *
 * @param file Where they are from.
 * @throws {Error} When {@linkcode readCheckpoint} throws.
 */
export async function parseCheckpoint(file: string, bytes: Uint8Array): Promise<Checkpoint> {
  return await parseCheckpointOf(file, bytes, PRETRAINING);
}

async function parseCheckpointOf<Config extends { seed: number }>(
  file: string,
  bytes: Uint8Array,
  kind: CheckpointKind<Config>,
): Promise<Checkpoint<Config>> {
  const { tensors, metadata } = await readOrAdvise(file, () => decodeSafetensors(bytes, file));
  checkKind(metadata, kind, file);
  const { config, ...standing } = await readOrAdvise(file, () => standingIn(metadata, file));
  return {
    tensors,
    path: file,
    config: kind.settings(config, `${file} (configuration)`),
    ...standing,
    engine: metadata.engine,
    time: metadata.time,
    ...(kind.format !== PRETRAINING.format && { more: metadata }),
  };
}

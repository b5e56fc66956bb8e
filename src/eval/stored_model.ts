import { join } from "node:path";
import * as tf from "../engine/tensors.ts";
import { isPathError, pathError, requirePath } from "../files/path_error.ts";
import { openSafetensors } from "../files/safetensors.ts";
import { asFloat32, float32, type StoredTensor } from "../files/stored_tensor.ts";
import { checkModel } from "../model/check_model.ts";
import { gridSize, type ModelConfig } from "../model/config.ts";
import { resizedPositions } from "../model/positions.ts";
import type { ModelState, Params } from "../model/types.ts";
import { type Checkpoint, checkpointFolder, readCheckpoint } from "../train/run/checkpoint.ts";
import { CLASSIFIER_FORMAT, DETECTOR_FORMAT } from "../train/run/checkpoint_kinds.ts";
import { splitState } from "../train/state.ts";
import { FOLDER_FILES } from "../weights/beside.ts";
import { readWeights, type WeightsRequest } from "../weights/read.ts";

/**
 * Which model of a path is meant. `preset`, `heads` and `key` are for weights from elsewhere, see
 * {@linkcode readWeights}; with `teacher` the averaged parameters are taken; `imageSize` is the side of the pictures that
 * it is to take, for which its position embedding is resized.
 */
export interface ReadModelOptions extends WeightsRequest {}

/** A trained model that has been read but is not on an engine yet. */
export interface StoredModel {
  /** For people: the file and the step. */
  name: string;
  config: ModelConfig;
  /** The seed of its run; 0 where that is not known. */
  seed: number;
  /** Whether it was trained on the demo's pictures. */
  demo: boolean;
  /** Of weights from elsewhere, what was taken and what was not, a line each; else empty. */
  notes: readonly string[];
  /** The checkpoint that it is from; missing for weights from elsewhere. */
  checkpoint?: Omit<Checkpoint, "tensors">;
  /** Its tensors in host memory, under the reference's names. */
  tensors: Readonly<Record<string, StoredTensor>>;
  /** Puts it on the engine that is open. The tensors are the caller's. Without one it is an error. */
  load(): Promise<ModelState>;
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

/** Whether a path is a run's or a checkpoint, and not weights from elsewhere. */
async function isCheckpoint(path: string): Promise<boolean> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Error(
        `${path}: there is no such file or folder; name a run folder, a checkpoint in its checkpoints/, or weights`,
        { cause: error },
      );
    }
    throw isPathError(error) ? pathError(error, path, "read") : error;
  }
  if (info.isDirectory) {
    // A folder of neither kind is told as one without a checkpoint.
    if (await exists(checkpointFolder(path))) return true;
    for (const name of ["config.json", ...FOLDER_FILES]) if (await exists(join(path, name))) return false;
    return true;
  }
  if (/(^|[\\/])step-\d+\.safetensors$/.test(path)) return true;
  const file = await openSafetensors(path).catch(() => undefined);
  file?.close();
  const format = file?.metadata.format;
  return format !== undefined &&
    ["semantic-ae checkpoint", CLASSIFIER_FORMAT, DETECTOR_FORMAT].includes(format);
}

/** The tensors of a model by the parts of its state. */
type Parts = Record<"params" | "frozen" | "buffers", Record<string, StoredTensor>>;

/** Puts tensors on the engine that is open. */
function upload(stored: Record<string, StoredTensor>): Params {
  return Object.fromEntries(
    Object.entries(stored).map(([name, t]) => [name, tf.tensor(asFloat32(t), [...t.shape], "float32")]),
  );
}

function stored(parts: Parts, about: Omit<StoredModel, "tensors" | "load">): StoredModel {
  const { params, frozen, buffers } = parts;
  return {
    ...about,
    tensors: { ...params, ...frozen, ...buffers },
    load: () =>
      new Promise((done) =>
        done({ params: upload(params), frozen: upload(frozen), buffers: upload(buffers) })
      ),
  };
}

/** The encoder for pictures of another size. */
function resized(config: ModelConfig, parts: Parts, imageSize: number, path: string): ModelConfig {
  const changed = { ...config, imageSize }, name = "backbone.pos_embed";
  try {
    checkModel(changed);
  } catch (cause) {
    throw new Error(`${path}: ${(cause as Error).message}`, { cause });
  }
  const side = gridSize(changed), table = asFloat32(parts.params[name]);
  const positions = resizedPositions(table, gridSize(config), side, side);
  parts.params[name] = float32([1, 1 + side * side, config.width], positions);
  return changed;
}

/** A checkpoint's model. */
async function readOwn(path: string, options: ReadModelOptions): Promise<StoredModel> {
  const { teacher, imageSize, heads, key, preset } = options;
  if (key !== undefined || preset !== undefined) {
    throw new Error(
      `${path}: is a run's own, which tells its sizes; key and preset are for weights from elsewhere`,
    );
  }
  const { tensors, ...checkpoint } = await readCheckpoint(path);
  if (heads !== undefined && heads !== checkpoint.config.heads) {
    throw new Error(`${checkpoint.path}: has ${checkpoint.config.heads} heads, not ${heads}`);
  }
  const { params, ema, frozen, buffers } = splitState(tensors);
  if (teacher && Object.keys(ema).length === 0) {
    throw new Error(`${checkpoint.path}: holds no averaged parameters: its run was made without --ema`);
  }
  const parts: Parts = { params: teacher ? ema : params, frozen, buffers }, { step } = checkpoint;
  const config = imageSize === undefined || imageSize === checkpoint.config.imageSize
    ? checkpoint.config
    : { ...checkpoint.config, ...resized(checkpoint.config, parts, imageSize, path) };
  return stored(parts, {
    name: `${checkpoint.path} (step ${step})`,
    config,
    seed: checkpoint.config.seed,
    demo: checkpoint.config.data === "",
    notes: [],
    checkpoint,
  });
}

const FROZEN = /^backbone\.patch_embed\./;
const STATISTIC = /\.running_(mean|var)$/;

/** Weights from elsewhere. */
async function readForeign(path: string, options: ReadModelOptions): Promise<StoredModel> {
  const { config, tensors, notes } = await readWeights(path, options);
  const parts: Parts = { params: {}, frozen: {}, buffers: {} };
  for (const [name, tensor] of Object.entries(tensors)) {
    parts[FROZEN.test(name) ? "frozen" : STATISTIC.test(name) ? "buffers" : "params"][name] = tensor;
  }
  const name = options.teacher ? `${path} (averaged weights)` : path;
  return stored(parts, { name, config, seed: 0, demo: false, notes });
}

/**
 * Reads a model: of a run folder its last checkpoint, a checkpoint, or an encoder that others have trained
 * ({@linkcode readWeights}: a `.pth` or safetensors file of the reference, DINO, MAE, timm or Hugging Face).
 *
 * @param path A run folder, a file, or a folder that was saved for Hugging Face or timm.
 * @throws {Error} There is no such file, or it cannot be read as what it should be.
 * @example Features of a picture by a trained encoder.
 * ```ts
 * import {
 *   embedder, evaluationPicture, initialState, openEngine, readModel, readState, resolveConfig, saveCheckpoint,
 * } from "../../mod.ts";
 * import assert from "node:assert/strict";
 *
 * // Usually a run folder that `deno task train` has left; here one of a model that was never trained.
 * const run = await Deno.makeTempDir();
 * const engine = await openEngine("wasm");
 * const config = resolveConfig({ preset: "demo", imageSize: 16, width: 32, depth: 1 });
 * const begin = { step: 0, cursor: { epoch: 0, position: 0 }, pictures: 0, bad: 0, engine: "wasm", time: "" };
 * await saveCheckpoint(run, { config, ...begin }, await readState(initialState(config, 0)), { keep: 1 });
 *
 * const model = await readModel(run);
 * const state = await model.load();
 * // Usually from decodePicture(await Deno.readFile("photo.jpg")).
 * const picture = { width: 40, height: 30, data: new Uint8Array(40 * 30 * 3).fill(128) };
 * const pictures = evaluationPicture(picture, model.config.imageSize);
 * const features = await embedder(engine, model.config).pictures(state, pictures);
 * assert.deepEqual([features.class.rows, features.class.width], [1, 32]);
 * await engine.close();
 * await Deno.remove(run, { recursive: true });
 * ```
 */
export async function readModel(path: string, options: ReadModelOptions = {}): Promise<StoredModel> {
  requirePath(path);
  return await isCheckpoint(path) ? await readOwn(path, options) : await readForeign(path, options);
}

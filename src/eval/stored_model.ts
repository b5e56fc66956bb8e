import { type ModelConfig, type ModelPreset, PRESETS } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import { loadWeights } from "../model/weights.ts";
import { readCheckpoint } from "../train/run/checkpoint.ts";
import { writeModel } from "../train/state.ts";

/** Which model of a path is meant. */
export interface ReadModelOptions {
  /** The sizes of weights that are not a checkpoint of ours: a safetensors file under the reference's names. */
  preset?: ModelPreset;
  /** Take the averaged parameters. */
  teacher?: boolean;
}

/** A trained model that has been read but is not on an engine yet. */
export interface StoredModel {
  /** For people: the file and the step. */
  name: string;
  config: ModelConfig;
  /** The seed of its run; 0 where that is not known. */
  seed: number;
  /** Whether it was trained on the demo's pictures. */
  demo: boolean;
  /** Puts it on the engine that is open. The tensors are the caller's. */
  load(): Promise<ModelState>;
}

/**
 * Reads a model from a run folder (its last checkpoint), a checkpoint, or with `preset` a file of weights, of which then
 * only the encoder is taken.
 *
 * @throws {Error} There is no such file, or it cannot be read as what it should be.
 * @example Features of a picture by a trained encoder.
 * ```ts
 * import {
 *   embedder, evaluationPicture, initialState, openEngine, presetConfig, readModel, readState, saveCheckpoint,
 * } from "../../mod.ts";
 * import assert from "node:assert/strict";
 *
 * // Usually a run folder that `deno task train` has left; here one of a model that was never trained.
 * const run = await Deno.makeTempDir();
 * const engine = await openEngine("wasm");
 * const config = { ...presetConfig("demo"), imageSize: 16, width: 32, depth: 1 };
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
  const { preset, teacher } = options;
  if (preset) {
    const config = PRESETS[preset];
    try {
      await Deno.stat(path);
    } catch (cause) {
      throw new Error(`${path}: there is no such file of weights`, { cause });
    }
    return {
      name: path,
      config,
      seed: 0,
      demo: false,
      load: () => loadWeights(config, path, { part: "encoder" }),
    };
  }
  const checkpoint = await readCheckpoint(path);
  const { config, step, tensors } = checkpoint;
  return {
    name: `${checkpoint.path} (step ${step})`,
    config,
    seed: config.seed,
    demo: config.data === "",
    load: () => Promise.resolve(writeModel(tensors, teacher)),
  };
}

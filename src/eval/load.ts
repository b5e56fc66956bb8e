import { type ModelConfig, type ModelPreset, PRESETS } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import { loadWeights } from "../model/weights.ts";
import { readCheckpoint } from "../train/checkpoint.ts";
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

/** Starts a training run from the weights of a model that was trained before, here or elsewhere. */
import * as tf from "../engine/tensors.ts";
import { asFloat32, type StoredTensor } from "../files/stored_tensor.ts";
import { type EncoderSizes, encoderSizes, type ModelConfig } from "../model/config.ts";
import { initModel } from "../model/init.ts";
import { inventory } from "../model/inventory.ts";
import type { ModelState } from "../model/types.ts";
import { groupNames } from "./mapping.ts";

/** Weights to start from, and what came from where. */
export interface WarmStart {
  /** For `TrainOptions.initial`; the caller's to dispose. */
  initial: ModelState;
  /** Lines for people. */
  notes: string[];
}

/**
 * Refuses a model whose encoder a run cannot start from.
 *
 * @param config The run's model.
 * @param from The other model's sizes.
 * @param where What it is called in the message.
 * @throws {RangeError} When sizes of the encoder differ; names each.
 */
export function checkWarmStart(config: ModelConfig, from: ModelConfig, where: string): void {
  const sizes = encoderSizes(from), keys = Object.keys(sizes) as (keyof EncoderSizes)[];
  const other = keys.filter((key) => config[key] !== sizes[key]);
  if (other.length === 0) return;
  const list = other.map((key) => `${key} is ${config[key]}, of the weights ${sizes[key]}`).join("; ");
  throw new RangeError(
    `${where}: the run cannot start from these weights: ${list}. Leave these settings out`,
  );
}

/**
 * The weights that a run starts from: the whole encoder of another model, and of its head and decoder all tensors that
 * have the same name and shape here; the rest is random, as without it.
 *
 * @param config The run's model; its encoder must be of the sizes of the tensors, see {@linkcode checkWarmStart}.
 * @param seed Of the random weights.
 * @param tensors The other model's, under the reference's names, such as `StoredModel.tensors`.
 * @throws {RangeError} When a tensor of the encoder is missing or of another shape.
 */
export function warmStart(
  config: ModelConfig,
  seed: number,
  tensors: Readonly<Record<string, StoredTensor>>,
): WarmStart {
  const entries = inventory(config);
  const fits = ({ name, shape }: { name: string; shape: number[] }) =>
    Object.hasOwn(tensors, name) && String(tensors[name].shape) === String(shape);
  const wrong = entries.filter((entry) => entry.name.startsWith("backbone.") && !fits(entry));
  if (wrong.length > 0) {
    const [{ name, shape }] = wrong, is = tensors[name]?.shape;
    throw new RangeError(
      `the run cannot start from these weights: ${name} is ${is ? `[${is}], not [${shape}]` : "missing"}`,
    );
  }
  const initial = initModel(config, seed);
  const place = { param: initial.params, frozen: initial.frozen, buffer: initial.buffers };
  for (const entry of entries.filter(fits)) {
    const { name, shape, role } = entry;
    place[role][name].dispose();
    place[role][name] = tf.tensor(asFloat32(tensors[name]), shape, "float32");
  }
  const fresh = entries.filter((entry) => !fits(entry)).map(({ name }) => [name, ""] as const);
  const lines = groupNames(fresh), shown = lines.slice(0, 6).join(", ");
  const count = `${entries.length - fresh.length} of ${entries.length} tensors are given`;
  const more = lines.length > 6 ? ` and ${lines.length - 6} more` : "";
  return { initial, notes: [fresh.length === 0 ? count : `${count}; random are ${shown}${more}`] };
}

/** Encoders that the peers have trained, as they write them: our names, in PyTorch's shapes. */
import * as tf from "../../src/engine/tensors.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32 } from "../../src/files/stored_tensor.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { inventory } from "../../src/model/inventory.ts";
import type { ModelState, Params } from "../../src/model/types.ts";

/**
 * Reads an encoder onto the engine that is open. A peer may do without the stem and the mixing of neighbours that the
 * benchmark's encoder has; the file tells.
 *
 * @param config The benchmark's encoder.
 * @returns Its own configuration, and its tensors, which are the caller's.
 * @throws {Error} It is no such encoder; names the first tensor that is missing or of another shape.
 */
export async function readPeer(
  path: string,
  config: ModelConfig,
): Promise<{ config: ModelConfig; state: ModelState }> {
  const { tensors } = decodeSafetensors(await Deno.readFile(path), path), params: Params = {};
  const has = (name: string) => Object.hasOwn(tensors, `backbone.${name}`);
  const own: ModelConfig = {
    ...config,
    stem: has("patch_embed.convolutions.0.weight") ? "convolutions" : "patches",
    localMixing: has("blocks.0.local.weight"),
  };
  const wanted = inventory(own).filter(({ name }) => name.startsWith("backbone."));
  const wrong = wanted.find(({ name, shape }) => String(tensors[name]?.shape) !== String(shape));
  if (wrong) {
    const found = tensors[wrong.name]
      ? `is [${tensors[wrong.name].shape}], must be [${wrong.shape}]`
      : "is missing";
    throw new Error(`${path}: is no encoder of this benchmark: ${wrong.name} ${found}`);
  }
  const more = Object.keys(tensors).find((name) => !wanted.some((one) => one.name === name));
  if (more) throw new Error(`${path}: is no encoder of this benchmark: it has ${more}`);
  for (const { name, shape } of wanted) {
    params[name] = tf.tensor(asFloat32(tensors[name]), [...shape], "float32");
  }
  return { config: own, state: { params, frozen: {}, buffers: {} } };
}

import * as tf from "../engine/tensors.ts";
import { batchNorm } from "./batch_norm.ts";
import { checkPart, checkShape } from "./check_tensors.ts";
import type { ModelConfig } from "./config.ts";
import { type HeadLayer, headLayers } from "./inventory.ts";
import { linear } from "./layers.ts";
import type { Params } from "./types.ts";

/** Codes, and the batch norms' statistics after them. */
export interface Coded {
  /** [N, T, C]. */
  codes: tf.Tensor3D;
  buffers: Params;
}

/** Rows through the layers of one head: [rows, d] → [rows, C]. */
function project(
  layers: readonly HeadLayer[],
  params: Params,
  buffers: Params,
  rows: tf.Tensor,
  training: boolean,
): { rows: tf.Tensor; buffers: Params } {
  let x = rows;
  const after: Params = {};
  for (const layer of layers) {
    x = linear(x, params, layer.linear);
    if (layer.norm) {
      const { y, buffers: moved } = batchNorm(x, params, buffers, layer.norm.name, { training });
      x = y;
      Object.assign(after, moved);
    }
    if (layer.relu) x = tf.relu(x);
  }
  return { rows: x, buffers: after };
}

/**
 * The head: linear layers, in the reference four, that turn every token, the class token included, into a code (docs/spec.md §3). With
 * `classHead: "own"` class tokens have layers and statistics of their own, which those of the patches, many times as many,
 * would outweigh.
 *
 * @param tokens [N, T, d].
 * @param training Whether batch norms use the batch's statistics, over all N·T rows, and move the running ones.
 * @throws {RangeError} When shapes do not fit the configuration.
 */
export function head(
  config: ModelConfig,
  params: Params,
  buffers: Params,
  tokens: tf.Tensor,
  training: boolean,
): Coded {
  checkPart(config, "head", params, buffers);
  checkShape("the head's tokens", tokens, [null, null, config.width], "N, T, d");
  const [count, length, width] = tokens.shape as [number, number, number];
  const coded = (part: tf.Tensor, each: number, layers: readonly HeadLayer[]) => {
    const done = project(layers, params, buffers, tf.reshape(part, [count * each, width]), training);
    return { ...done, codes: tf.reshape(done.rows, [count, each, config.codeWidth]) as tf.Tensor3D };
  };
  if (config.classHead === "shared") return coded(tokens, length, headLayers(config));
  const first = coded(tf.slice(tokens, [0, 0, 0], [-1, 1, -1]), 1, headLayers(config, "class_mlp"));
  const rest = coded(tf.slice(tokens, [0, 1, 0], [-1, -1, -1]), length - 1, headLayers(config));
  return {
    codes: tf.concat([first.codes, rest.codes], 1) as tf.Tensor3D,
    buffers: { ...first.buffers, ...rest.buffers },
  };
}

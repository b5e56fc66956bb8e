import * as tf from "../engine/tensors.ts";
import { batchNorm } from "./batch_norm.ts";
import type { ModelConfig } from "./config.ts";
import { headLayers } from "./inventory.ts";
import { linear } from "./layers.ts";
import type { Params } from "./types.ts";

/** Codes, and the batch norms' statistics after them. */
export interface Coded {
  /** [N, T, C]. */
  codes: tf.Tensor3D;
  buffers: Params;
}

/**
 * The head: four linear layers that turn every token, the class token included, into a code (docs/spec.md §3).
 *
 * @param tokens [N, T, d].
 * @param training Whether batch norms use the batch's statistics, over all N·T rows, and move the running ones.
 */
export function head(
  config: ModelConfig,
  params: Params,
  buffers: Params,
  tokens: tf.Tensor,
  training: boolean,
): Coded {
  const [count, length, width] = tokens.shape as [number, number, number];
  let x = tf.reshape(tokens, [count * length, width]) as tf.Tensor;
  const after: Params = {};
  for (const layer of headLayers(config)) {
    x = linear(x, params, layer.linear);
    if (layer.norm) {
      const { y, buffers: moved } = batchNorm(x, params, buffers, layer.norm.name, { training });
      x = y;
      Object.assign(after, moved);
    }
    if (layer.relu) x = tf.relu(x);
  }
  return { codes: tf.reshape(x, [count, length, config.codeWidth]) as tf.Tensor3D, buffers: after };
}

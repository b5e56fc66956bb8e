import * as tf from "../engine/tensors.ts";
import { scope } from "../engine/tensors.ts";
import { block } from "./block.ts";
import { gridSize, type ModelConfig, patchWidth, tokenCount } from "./config.ts";
import { layerNorm, linear } from "./layers.ts";
import { unpatchify } from "./patches.ts";
import { sineCosine } from "./positions.ts";
import type { Params } from "./types.ts";

/** What the decoder computes. */
export interface Decoded {
  /** The reconstruction in patches, [N, G², 3·P²], as `patchify` cuts pictures. */
  patches: tf.Tensor3D;
  /** The reconstruction as pictures, [N, S, S, 3], normalised. */
  image: tf.Tensor4D;
  /** Tokens after the last norm, [N, T, C]. */
  tokens: tf.Tensor3D;
  /** Tokens after each block, [N, T, C]. */
  blocks: tf.Tensor3D[];
}

/**
 * The decoder (docs/spec.md §5): positions, transformer blocks, norm, linear layer, norm, and one patch of pixels from every
 * cell. The class token takes part in the attention only.
 *
 * @param aligned [N, T, C], from `align`.
 */
export function decoder(config: ModelConfig, params: Params, aligned: tf.Tensor): Decoded {
  const { codeWidth, patchSize } = config;
  const count = aligned.shape[0], tokens = tokenCount(config), cells = gridSize(config) ** 2;
  const positions = tf.tensor3d(sineCosine(config), [1, tokens, codeWidth]);
  let x = tf.reshape(tf.add(aligned, positions), [count * tokens, codeWidth]) as tf.Tensor;
  const sequences = (rows: tf.Tensor) => tf.reshape(rows, [count, tokens, codeWidth]) as tf.Tensor3D;
  const blocks: tf.Tensor3D[] = [];
  for (let i = 0; i < config.decoderDepth; i++) {
    x = scope(`block${i}`, () =>
      block(x, params, `head._blocks_.${i}`, {
        count,
        tokens,
        heads: config.decoderHeads,
        rematerialise: config.rematerialise,
      }));
    blocks.push(sequences(x));
  }
  x = layerNorm(linear(layerNorm(x, params, "head._norm_"), params, "head.slp"), params, "head._norm1_");
  const last = sequences(x);

  const inner = tf.reshape(tf.slice(last, [0, 1, 0], [-1, cells, -1]), [count * cells, codeWidth]);
  const kernel = tf.reshape(params["head.unconv.weight"], [codeWidth, patchWidth(config)]);
  const pixels = tf.reshape(tf.matMul(inner, kernel), [count * cells, 3, patchSize * patchSize]);
  const shifted = tf.add(pixels, tf.reshape(params["head.unconv.bias"], [1, 3, 1]));
  const patches = tf.reshape(shifted, [count, cells, patchWidth(config)]) as tf.Tensor3D;
  return { patches, image: unpatchify(patches, patchSize) as tf.Tensor4D, tokens: last, blocks };
}

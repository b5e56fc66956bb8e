import { bfloat16 } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import { scope } from "../engine/tensors.ts";
import { type Sequences, withoutPadding } from "./attention.ts";
import { block } from "./block.ts";
import { checkPart, checkShape } from "./check_tensors.ts";
import { gridSize, type ModelConfig, patchWidth, tokenCount } from "./config.ts";
import { attendsFused, fusedPadding } from "./fused_attention.ts";
import { layerNorm, normLinear } from "./layers.ts";
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
 * @throws {RangeError} When shapes do not fit the configuration.
 */
export function decoder(config: ModelConfig, params: Params, aligned: tf.Tensor): Decoded {
  const { codeWidth, patchSize } = config;
  checkPart(config, "decoder", params);
  checkShape("the decoder's codes", aligned, [null, tokenCount(config), codeWidth], "N, T, C");
  const count = aligned.shape[0], cells = gridSize(config) ** 2;
  const fused = attendsFused(config), halfResidual = config.residualPrecision === "bfloat16";
  const padding = fused ? fusedPadding(tokenCount(config)) : 0, tokens = tokenCount(config) + padding;
  const shape: Sequences = { count, tokens, heads: config.decoderHeads, padding };
  const positions = tf.tensor3d(sineCosine(config), [1, tokens - padding, codeWidth]);
  const placed = tf.pad(tf.add(aligned, positions), [[0, 0], [0, padding], [0, 0]]);
  let x = tf.reshape(placed, [count * tokens, codeWidth]) as tf.Tensor;
  if (halfResidual) x = bfloat16(x);
  const sequences = (rows: tf.Tensor) => withoutPadding(rows, shape);
  const blocks: tf.Tensor3D[] = [];
  for (let i = 0; i < config.decoderDepth; i++) {
    x = scope(`block${i}`, () =>
      block(x, params, `head._blocks_.${i}`, {
        ...shape,
        fused,
        halfResidual,
        rematerialise: config.rematerialise,
      }));
    blocks.push(sequences(x));
  }
  x = layerNorm(normLinear(x, params, "head._norm_", "head.slp"), params, "head._norm1_");
  const last = sequences(x);

  const inner = tf.reshape(tf.slice(last, [0, 1, 0], [-1, cells, -1]), [count * cells, codeWidth]);
  const kernel = tf.reshape(params["head.unconv.weight"], [codeWidth, patchWidth(config)]);
  const pixels = tf.reshape(tf.matMul(inner, kernel), [count * cells, 3, patchSize * patchSize]);
  const shifted = tf.add(pixels, tf.reshape(params["head.unconv.bias"], [1, 3, 1]));
  const patches = tf.reshape(shifted, [count, cells, patchWidth(config)]) as tf.Tensor3D;
  return { patches, image: unpatchify(patches, patchSize) as tf.Tensor4D, tokens: last, blocks };
}

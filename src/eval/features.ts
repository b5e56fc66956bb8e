import * as tf from "../engine/tensors.ts";
import type { ModelConfig } from "../model/config.ts";
import { type Encoded, encoder } from "../model/encoder.ts";
import { layerNorm } from "../model/layers.ts";
import type { Params } from "../model/types.ts";

/** What a feature is made of. */
export interface FeatureOptions {
  /** How many last blocks give their class token, 1 … depth. */
  blocks: number;
  /** Whether the mean patch token of the last block is added at the end. */
  pool: boolean;
}

/**
 * As {@linkcode features}, of what the encoder has given.
 *
 * @param params Trainable and frozen parameters in one record.
 * @param encoded The encoder's tokens, after each block and after the final norm, [N, T, d].
 * @returns [N, blocks·d], or [N, (blocks + 1)·d] with `pool`.
 * @throws {RangeError} When there are not so many blocks.
 */
export function featuresOf(
  config: ModelConfig,
  params: Params,
  encoded: Encoded,
  { blocks, pool }: FeatureOptions,
): tf.Tensor2D {
  if (!Number.isInteger(blocks) || blocks < 1 || blocks > config.depth) {
    throw new RangeError(`features of ${blocks} blocks were asked for; the encoder has ${config.depth}`);
  }
  const first = (x: tf.Tensor) => tf.reshape(tf.slice(x, [0, 0, 0], [-1, 1, -1]), [-1, config.width]);
  const parts = encoded.blocks.slice(-blocks, -1).map((x) => layerNorm(first(x), params, "backbone.norm"));
  parts.push(first(encoded.tokens));
  if (pool) parts.push(tf.mean(tf.slice(encoded.tokens, [0, 1, 0], [-1, -1, -1]), 1));
  return (parts.length === 1 ? parts[0] : tf.concat(parts, 1)) as tf.Tensor2D;
}

/**
 * Features of pictures for a linear probe or nearest neighbours (docs/spec.md §9 "Linear evaluation"): class tokens of the last
 * blocks, each through the encoder's final norm, oldest first; then the mean patch token, if asked for (docs/spec.md §10 D15).
 * A pure function.
 *
 * @param params Trainable and frozen parameters in one record.
 * @param images Normalised pictures, [N, H, W, 3].
 * @returns [N, blocks·d], or [N, (blocks + 1)·d] with `pool`.
 * @throws {RangeError} When there are not so many blocks.
 */
export function features(
  config: ModelConfig,
  params: Params,
  images: tf.Tensor,
  options: FeatureOptions,
): tf.Tensor2D {
  return featuresOf(config, params, encoder(config, params, images), options);
}

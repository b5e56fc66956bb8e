import { bfloat16 } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import { scope } from "../engine/tensors.ts";
import { onTokens, type Sequences, withoutPadding } from "./attention.ts";
import { block, blockAttention, type BlockOptions } from "./block.ts";
import { checkPart, checkShape } from "./check_tensors.ts";
import { gridSize, type ModelConfig } from "./config.ts";
import { attendsFused, fusedPadding } from "./fused_attention.ts";
import { layerNorm } from "./layers.ts";
import { mixLocally } from "./local_mixing.ts";
import { patchify } from "./patches.ts";
import { resizePositions } from "./positions.ts";
import { stem } from "./stem.ts";
import type { Params } from "./types.ts";

/** What the encoder computes. */
export interface Encoded {
  /** Tokens after the last layer norm, [N, T, d]; token 0 is the class token, 1 + r·G + c is cell (r, c). */
  tokens: tf.Tensor3D;
  /** Tokens after each block, before that norm, [N, T, d]. */
  blocks: tf.Tensor3D[];
  /** Attention of the last block, [N, heads, T, T], if asked for. */
  attention?: tf.Tensor4D;
}

/** Rate of stochastic depth in a block, as the reference rounds it. */
function dropRate(config: ModelConfig, index: number): number {
  return config.depth < 2 ? 0 : Math.fround(index / (config.depth - 1) * config.dropPath);
}

/** A block's factors from its uniform draws: floor(1 − rate + u) / (1 − rate). */
function keepFactors(drop: tf.Tensor, index: number, rate: number): BlockOptions["keep"] {
  const factor = (branch: number) => {
    const draws = tf.reshape(tf.slice(drop, [index, branch, 0], [1, 1, -1]), [-1]);
    return tf.div(tf.floor(tf.add(draws, 1 - rate)), 1 - rate);
  };
  return [factor(0), factor(1)];
}

/**
 * The vision transformer (docs/spec.md §2), a pure function.
 *
 * @param params Trainable and frozen parameters in one record.
 * @param images Normalised pictures, [N, H, W, 3]; other sizes than the configured one resize the positions.
 * @param drop Uniform draws of stochastic depth, [depth, 2, N]: attention, then MLP. Left out: every branch is kept.
 * @param options `attention`: also give the last block's attention.
 * @throws {RangeError} When a side of the pictures is no multiple of the patch size, or shapes do not fit the configuration.
 */
export function encoder(
  config: ModelConfig,
  params: Params,
  images: tf.Tensor,
  drop?: tf.Tensor,
  options: { attention?: boolean } = {},
): Encoded {
  const { patchSize, width } = config;
  checkPart(config, "encoder", params);
  checkShape("the encoder's pictures", images, [null, null, null, 3], "N, H, W, 3");
  const [count, high, wide] = images.shape as [number, number, number];
  if (drop) checkShape("the draws of stochastic depth", drop, [config.depth, 2, count], "depth, 2, N");
  if (high % patchSize !== 0 || wide % patchSize !== 0) {
    throw new RangeError(`pictures of ${wide} × ${high} pixels do not divide into patches of ${patchSize}`);
  }
  const [rows, columns] = [high / patchSize, wide / patchSize];
  const cells = rows * columns, fused = attendsFused(config);
  const padding = fused ? fusedPadding(1 + cells) : 0, tokens = 1 + cells + padding;
  const shape: Sequences = { count, tokens, heads: config.heads, padding };

  const seen = config.stem === "convolutions"
    ? stem(config, params, images)
    : tf.reshape(patchify(images, patchSize), [count * cells, -1]);
  const kernel = tf.reshape(params["backbone.patch_embed.proj.weight"], [width, -1]);
  const embedded = tf.add(tf.matMul(seen, kernel, false, true), params["backbone.patch_embed.proj.bias"]);
  const positions = resizePositions(params["backbone.pos_embed"], gridSize(config), rows, columns);
  const start = tf.add(positions, tf.pad(params["backbone.cls_token"], [[0, 0], [0, cells], [0, 0]]));
  const stacked = tf.add(
    tf.pad(tf.reshape(embedded, [count, cells, width]), [[0, 0], [1, padding], [0, 0]]),
    tf.pad(start, [[0, 0], [0, padding], [0, 0]]),
  );

  const halfResidual = config.residualPrecision === "bfloat16";
  let x = tf.reshape(stacked, [count * tokens, width]) as tf.Tensor;
  if (halfResidual) x = bfloat16(x);
  const sequences = (rows: tf.Tensor) => withoutPadding(rows, shape);
  const blocks: tf.Tensor3D[] = [];
  let attention: tf.Tensor4D | undefined;
  for (let i = 0; i < config.depth; i++) {
    const name = `backbone.blocks.${i}`, rate = dropRate(config, i);
    if (config.localMixing) {
      x = scope(
        `block${i}/local`,
        () => onTokens(x, shape, (x) => mixLocally(x, params, `${name}.local`, [count, rows, columns])),
      );
    }
    if (options.attention && i === config.depth - 1) {
      const own = tf.reshape(sequences(x), [-1, width]);
      attention = blockAttention(own, params, name, { ...shape, tokens: 1 + cells }) as tf.Tensor4D;
    }
    const keep = drop && rate > 0 ? keepFactors(drop, i, rate) : undefined;
    const how = { ...shape, keep, fused, halfResidual, rematerialise: config.rematerialise };
    x = scope(`block${i}`, () => block(x, params, name, how));
    blocks.push(sequences(x));
  }
  const result = { tokens: sequences(layerNorm(x, params, "backbone.norm")), blocks };
  return attention ? { ...result, attention } : result;
}

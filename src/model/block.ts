import * as tf from "../engine/tf.ts";
import { attention, attentionWeights, type Sequences } from "./attention.ts";
import { gelu, layerNorm, linear } from "./layers.ts";
import type { Params } from "./types.ts";

/** What a branch of every sequence is multiplied with in stochastic depth: [N] for attention, [N] for the MLP. */
export type Keep = [tf.Tensor, tf.Tensor];

/** Multiplies all tokens of each sequence with the sequence's own factor. */
function scaleSequences(rows: tf.Tensor, keep: tf.Tensor | undefined): tf.Tensor {
  if (!keep) return rows;
  const count = keep.size;
  return tf.reshape(tf.mul(tf.reshape(rows, [count, -1]), tf.reshape(keep, [count, 1])), rows.shape);
}

/**
 * A pre-norm transformer block: x + Attention(LN(x)), then x + MLP(LN(x)). SPEC §2.
 *
 * @param x The tokens of all sequences as rows, [N·T, d].
 * @param name Of the block, such as `backbone.blocks.0`.
 * @param keep Factors of stochastic depth; left out where there is none.
 */
export function block(x: tf.Tensor, params: Params, name: string, shape: Sequences, keep?: Keep): tf.Tensor {
  const qkv = linear(layerNorm(x, params, `${name}.norm1`), params, `${name}.attn.qkv`);
  const attended = linear(attention(qkv, shape), params, `${name}.attn.proj`);
  const middle = tf.add(x, scaleSequences(attended, keep?.[0]));
  const hidden = linear(layerNorm(middle, params, `${name}.norm2`), params, `${name}.mlp.fc1`);
  return tf.add(middle, scaleSequences(linear(gelu(hidden), params, `${name}.mlp.fc2`), keep?.[1]));
}

/** The attention of a block whose input is `x`: [N, heads, T, T]. */
export function blockAttention(x: tf.Tensor, params: Params, name: string, shape: Sequences): tf.Tensor {
  return attentionWeights(linear(layerNorm(x, params, `${name}.norm1`), params, `${name}.attn.qkv`), shape);
}

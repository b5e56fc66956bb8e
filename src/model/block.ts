import * as tf from "../engine/tensors.ts";
import { scope } from "../engine/tensors.ts";
import { attention, attentionWeights, type Sequences } from "./attention.ts";
import { gelu, layerNorm, linear } from "./layers.ts";
import { rematerialised } from "./rematerialise.ts";
import type { Params } from "./types.ts";

/** What a block works on, and how. */
export interface BlockOptions extends Sequences {
  /** Factors of each sequence's branches in stochastic depth: [N] for attention, [N] for the MLP. */
  keep?: [tf.Tensor, tf.Tensor];
  /** Compute it again for the gradients instead of keeping its intermediates. */
  rematerialise?: boolean;
}

/** Multiplies all tokens of each sequence by the sequence's factor. */
function scaleSequences(rows: tf.Tensor, keep: tf.Tensor | undefined): tf.Tensor {
  if (!keep) return rows;
  const count = keep.size;
  return tf.reshape(tf.mul(tf.reshape(rows, [count, -1]), tf.reshape(keep, [count, 1])), rows.shape);
}

/**
 * A pre-norm transformer block: x + Attention(LN(x)), then x + MLP(LN(x)). docs/spec.md §2.
 *
 * @param x The tokens of all sequences as rows, [N·T, d].
 * @param name Of the block, such as `backbone.blocks.0`.
 */
export function block(x: tf.Tensor, params: Params, name: string, options: BlockOptions): tf.Tensor {
  const { keep = [], rematerialise } = options;
  const compute = (x: tf.Tensor, params: Params, [keepAttention, keepMlp]: tf.Tensor[]) => {
    const qkv = scope(
      "qkv",
      () => linear(layerNorm(x, params, `${name}.norm1`), params, `${name}.attn.qkv`),
    );
    const attended = scope(
      "attention",
      () => linear(attention(qkv, options), params, `${name}.attn.proj`),
    );
    return scope("mlp", () => {
      const middle = tf.add(x, scaleSequences(attended, keepAttention));
      const hidden = linear(layerNorm(middle, params, `${name}.norm2`), params, `${name}.mlp.fc1`);
      return tf.add(middle, scaleSequences(linear(gelu(hidden), params, `${name}.mlp.fc2`), keepMlp));
    });
  };
  if (!rematerialise) return compute(x, params, keep);
  const own = Object.fromEntries(Object.entries(params).filter(([key]) => key.startsWith(`${name}.`)));
  return rematerialised(compute, x, own, keep);
}

/** The attention of a block whose input is `x`: [N, heads, T, T]. */
export function blockAttention(x: tf.Tensor, params: Params, name: string, shape: Sequences): tf.Tensor {
  return attentionWeights(linear(layerNorm(x, params, `${name}.norm1`), params, `${name}.attn.qkv`), shape);
}

import { bfloat16 } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import { scope } from "../engine/tensors.ts";
import { attention, attentionWeights, type Sequences } from "./attention.ts";
import { normAttention } from "./fused_attention.ts";
import { gelu, linear, normLinear } from "./layers.ts";
import { rematerialised } from "./rematerialise.ts";
import type { Params } from "./types.ts";

/** What a block works on, and how. */
export interface BlockOptions extends Sequences {
  /** Factors of each sequence's branches in stochastic depth: [N] for attention, [N] for the MLP. */
  keep?: [tf.Tensor, tf.Tensor];
  /** Compute it again for the gradients instead of keeping its intermediates. */
  rematerialise?: boolean;
  /** Attend by one operation of the device, see `fusedAttention`. */
  fused?: boolean;
  /** Add branches to the rows in bfloat16 where products are that. */
  halfResidual?: boolean;
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
  const { keep = [], rematerialise, halfResidual } = options;
  const sum = (x: tf.Tensor, branch: tf.Tensor) =>
    halfResidual ? bfloat16(tf.add(x, branch)) : tf.add(x, branch);
  const compute = (x: tf.Tensor, params: Params, [keepAttention, keepMlp]: tf.Tensor[]) => {
    const names = [`${name}.norm1`, `${name}.attn.qkv`] as const;
    // Joined, norm, linear layer and attention are one operation.
    const seen = options.fused
      ? scope("attention", () => normAttention(x, params, ...names, options))
      : scope("qkv", () => normLinear(x, params, ...names));
    const attended = scope(
      "attention",
      () => linear(options.fused ? seen : attention(seen, options), params, `${name}.attn.proj`),
    );
    return scope("mlp", () => {
      const middle = sum(x, scaleSequences(attended, keepAttention));
      const hidden = normLinear(middle, params, `${name}.norm2`, `${name}.mlp.fc1`);
      return sum(middle, scaleSequences(linear(gelu(hidden), params, `${name}.mlp.fc2`), keepMlp));
    });
  };
  if (!rematerialise) return compute(x, params, keep);
  const own = Object.fromEntries(Object.entries(params).filter(([key]) => key.startsWith(`${name}.`)));
  return rematerialised(compute, x, own, keep, halfResidual ? bfloat16 : undefined);
}

/** The attention of a block whose input is `x`: [N, heads, T, T]. */
export function blockAttention(x: tf.Tensor, params: Params, name: string, shape: Sequences): tf.Tensor {
  return attentionWeights(normLinear(x, params, `${name}.norm1`, `${name}.attn.qkv`), shape);
}

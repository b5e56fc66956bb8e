import {
  bfloat16,
  fusedAttention,
  fusedAttentionGradient,
  hasFusedAttention,
  stored,
} from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import type { Sequences } from "./attention.ts";
import type { ModelConfig } from "./config.ts";
import { withGradient } from "./custom.ts";
import { normLinearParams, normRows, normRowsGradient } from "./layers.ts";
import type { Params } from "./types.ts";

/** Whether blocks attend by the device's one operation: where a model asks for it, and the function that is traced has it. */
export function attendsFused({ attention }: Pick<ModelConfig, "attention">): boolean {
  return attention === "cudnn" && hasFusedAttention();
}

/** How many tokens of padding cuDNN's attention wants behind so many: it takes even lengths only. */
export function fusedPadding(tokens: number): number {
  return tokens % 2;
}

/** 1 for each token that counts, 0 for padding, [1, T, 1, 1]. */
const counted = ({ tokens, padding = 0 }: Sequences) =>
  tf.tensor4d(Array.from({ length: tokens }, (_, i) => i < tokens - padding ? 1 : 0), [1, tokens, 1, 1]);

/** x where tokens count and 0 in padding, even where x is not a number there. */
const cleared = (x: tf.Tensor, shape: Sequences) =>
  shape.padding ? tf.where(tf.greater(tf.mul(counted(shape), tf.onesLike(x)), 0), x, 0) : x;

/**
 * Layer norm, the linear layer of queries, keys and values, and attention by one operation of the device, see
 * `fusedAttention`. Queries, keys and values are three products, so that each lies by itself as the operation wants it.
 *
 * @param x [N·T, d].
 * @param norm Name of the norm.
 * @param name Of the linear layer, whose rows are laid out [3][heads][d/heads].
 * @returns [N·T, d]; 0 in padding.
 */
export function normAttention(
  x: tf.Tensor,
  params: Params,
  norm: string,
  name: string,
  shape: Sequences,
): tf.Tensor {
  const { count, tokens, heads, padding = 0 } = shape, d = x.shape[1]!;
  const attrs = { scale: (d / heads) ** -0.5, tokens: tokens - padding };
  const byHead = (rows: tf.Tensor) => tf.reshape(rows, [count, tokens, heads, d / heads]);
  return withGradient([x, ...normLinearParams(params, norm, name)], {
    forward: (x, ...layers) => {
      const { unit, scale, kernel, start } = normRows(x, layers);
      const [q, k, v] = [0, 1, 2].map((i) => {
        const product = tf.matMul(unit, tf.slice(kernel, [i * d, 0], [d, -1]), false, true);
        return byHead(stored(bfloat16(tf.add(product, tf.slice(start, [i * d], [d])))));
      });
      const { out, sums } = fusedAttention(q, k, v, attrs);
      const value = stored(cleared(out, shape));
      return {
        value: tf.reshape(value, [count * tokens, d]),
        saved: [unit, scale, q, k, v, value, sums, ...layers],
      };
    },
    backward: (dy, [unit, scale, q, k, v, out, sums, ...layers]) => {
      const parts = fusedAttentionGradient(byHead(stored(dy)), { q, k, v, out, sums }, attrs);
      const rows = tf.stack(parts.map((part) => cleared(part, shape)), 2);
      return normRowsGradient(stored(tf.reshape(rows, [count * tokens, 3 * d])), { unit, scale }, layers);
    },
  });
}

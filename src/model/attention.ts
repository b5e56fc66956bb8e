import * as tf from "../engine/tensors.ts";
import { withGradient } from "./custom.ts";

/** The shape of a stack of token sequences that is held as rows. */
export interface Sequences {
  /** Sequences, N. */
  count: number;
  /** Tokens in each, T. */
  tokens: number;
  heads: number;
}

/** Queries (times (d/heads)^−½), keys and values, each [N, heads, T, d/heads], from the rows of one linear layer. */
function heads(qkv: tf.Tensor, { count, tokens, heads }: Sequences): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const size = qkv.shape[1]! / (3 * heads);
  const parts = tf.reshape(
    tf.transpose(tf.reshape(qkv, [count, tokens, 3, heads, size]), [2, 0, 3, 1, 4]),
    [3, count * heads * tokens * size],
  );
  const part = (i: number) => tf.reshape(tf.slice(parts, [i, 0], [1, -1]), [count, heads, tokens, size]);
  return [tf.mul(part(0), size ** -0.5), part(1), part(2)];
}

/** e^(scores − largest) of every query's row, and the reciprocal of their sums. */
function weigh(q: tf.Tensor, k: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const scores = tf.matMul(q, k, false, true);
  const weights = tf.exp(tf.sub(scores, tf.max(scores, -1, true)));
  return [weights, tf.div(1, tf.sum(weights, -1, true))];
}

/**
 * Multi-head self-attention without its linear layers: softmax(q·kᵀ·(d/heads)^−½)·v, heads concatenated.
 * The softmax is divided by its sum after the product with the values, where there is less to divide.
 *
 * @param qkv [N·T, 3d], laid out [3][heads][d/heads] in a row.
 * @returns [N·T, d].
 */
export function attention(qkv: tf.Tensor, shape: Sequences): tf.Tensor {
  const { count, tokens, heads: h } = shape;
  const size = qkv.shape[1]! / (3 * h);
  return withGradient([qkv], {
    forward: (qkv) => {
      const [q, k, v] = heads(qkv, shape);
      const [weights, inverse] = weigh(q, k);
      const out = tf.mul(tf.matMul(weights, v), inverse);
      const value = tf.reshape(tf.transpose(out, [0, 2, 1, 3]), [count * tokens, h * size]);
      return { value, saved: [q, k, v, weights, inverse, value] };
    },
    backward: (dy, [q, k, v, weights, inverse, value]) => {
      const byHead = (rows: tf.Tensor) => tf.reshape(rows, [count, tokens, h, size]);
      const dOut = tf.mul(tf.transpose(byHead(dy), [0, 2, 1, 3]), inverse);
      const dV = tf.matMul(weights, dOut, true, false);
      const sums = tf.transpose(tf.sum(tf.mul(byHead(dy), byHead(value)), -1), [0, 2, 1]);
      const along = tf.mul(tf.reshape(sums, [count, h, tokens, 1]), inverse);
      const dScores = tf.mul(weights, tf.sub(tf.matMul(dOut, v, false, true), along));
      const dQ = tf.mul(tf.matMul(dScores, k), size ** -0.5);
      const dK = tf.matMul(dScores, q, true, false);
      const parts = tf.concat([dQ, dK, dV].map((part) => tf.reshape(part, [1, count, h, tokens, size])), 0);
      return [tf.reshape(tf.transpose(parts, [1, 3, 0, 2, 4]), [count * tokens, 3 * h * size])];
    },
  });
}

/** The softmax of the same attention, to look at: [N, heads, T, T], every row sums to 1. */
export function attentionWeights(qkv: tf.Tensor, shape: Sequences): tf.Tensor {
  const [q, k] = heads(qkv, shape);
  const [weights, inverse] = weigh(q, k);
  return tf.mul(weights, inverse);
}

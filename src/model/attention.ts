import * as tf from "../engine/tensors.ts";
import { devicePlatform, stored } from "../engine/tensors.ts";
import { withGradient } from "./custom.ts";

/** The shape of a stack of token sequences that is held as rows. */
export interface Sequences {
  /** Sequences, N. */
  count: number;
  /** Tokens in each, T. */
  tokens: number;
  heads: number;
  /** How many of them, the last ones, are padding: no other token sees them. Default 0; fused attention alone knows them. */
  padding?: number;
}

/** Rows [N·T, d] as sequences without their padding, [N, T − padding, d]. */
export function withoutPadding(rows: tf.Tensor, { count, tokens, padding = 0 }: Sequences): tf.Tensor3D {
  const all = tf.reshape(rows, [count, tokens, -1]) as tf.Tensor3D;
  return padding ? tf.slice(all, [0, 0, 0], [count, tokens - padding, -1]) : all;
}

/** Changes rows [N·T, d] by a function that is to see no padding. */
export function onTokens(
  rows: tf.Tensor,
  shape: Sequences,
  change: (rows: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const { count, tokens, padding = 0 } = shape, width = rows.shape[1]!;
  if (!padding) return change(rows);
  const changed = change(tf.reshape(withoutPadding(rows, shape), [-1, width]));
  const whole = tf.reshape(changed, [count, tokens - padding, width]);
  return tf.reshape(tf.pad(whole, [[0, 0], [0, padding], [0, 0]]), [count * tokens, width]);
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

/** Attention in two forms of the same arithmetic: its value with what the gradient needs, and that gradient. */
type Form = (shape: Sequences) => Parameters<typeof withGradient>[1];

/** Rows [N·T, d] as [N, heads, T, d/heads], and back. */
const toHeads = (rows: tf.Tensor, { count, tokens, heads }: Sequences) =>
  tf.transpose(tf.reshape(rows, [count, tokens, heads, rows.shape[1]! / heads]), [0, 2, 1, 3]);
const toRows = (parts: tf.Tensor) =>
  tf.reshape(tf.transpose(parts, [0, 2, 1, 3]), [parts.shape[0] * parts.shape[2]!, -1]);

/** The gradients of queries, keys and values, each [N, heads, T, d/heads], as that of the rows they came from. */
function rowsOf(parts: tf.Tensor[], { count, tokens, heads }: Sequences): tf.Tensor {
  const size = parts[0].shape[3]!;
  const all = tf.concat(parts.map((part) => tf.reshape(part, [1, count, heads, tokens, size])), 0);
  return tf.reshape(tf.transpose(all, [1, 3, 0, 2, 4]), [count * tokens, 3 * heads * size]);
}

/** For processors: the softmax is divided by its sum after the product with the values, where there is less to divide. */
const dividedAfter: Form = (shape) => ({
  forward: (qkv) => {
    const [q, k, v] = heads(qkv, shape);
    const [weights, inverse] = weigh(q, k);
    const value = toRows(tf.mul(tf.matMul(weights, v), inverse));
    return { value, saved: [q, k, v, weights, inverse, value] };
  },
  backward: (dy, [q, k, v, weights, inverse, value]) => {
    const { count, tokens, heads } = shape;
    const byHead = (rows: tf.Tensor) => tf.reshape(rows, [count, tokens, heads, -1]);
    const dOut = tf.mul(toHeads(dy, shape), inverse);
    const dV = tf.matMul(weights, dOut, true, false);
    const sums = tf.transpose(tf.sum(tf.mul(byHead(dy), byHead(value)), -1), [0, 2, 1]);
    const along = tf.mul(tf.reshape(sums, [count, heads, tokens, 1]), inverse);
    const dScores = tf.mul(weights, tf.sub(tf.matMul(dOut, v, false, true), along));
    const dQ = tf.mul(tf.matMul(dScores, k), q.shape[3]! ** -0.5);
    return [rowsOf([dQ, tf.matMul(dScores, q, true, false), dV], shape)];
  },
});

/** Tokens are padded to a multiple of this for graphics cards, whose products want rows of whole 16 bytes. */
const ALIGNED = 8;

/**
 * For graphics cards, where reading and writing the maps takes the time: tokens are padded once, before the products, and
 * the softmax is one pass over the scores and one over its gradient. Padded keys get no weight; padded queries are cut off.
 */
const paddedForm: Form = (shape) => {
  const { tokens } = shape, missing = -tokens % ALIGNED + (tokens % ALIGNED ? ALIGNED : 0);
  const padded = (x: tf.Tensor) => tf.pad(x, [[0, 0], [0, 0], [0, missing], [0, 0]]);
  const cut = (x: tf.Tensor) => tf.slice(x, [0, 0, 0, 0], [-1, -1, tokens, -1]);
  const never = tf.tensor1d(Array.from({ length: tokens + missing }, (_, i) => i < tokens ? 0 : -Infinity));
  return {
    forward: (qkv) => {
      const [q, k, v] = heads(qkv, shape).map((part) => stored(padded(part)));
      const scores = tf.add(tf.matMul(q, k, false, true), never);
      const above = tf.exp(tf.sub(scores, tf.max(scores, -1, true)));
      const weights = stored(tf.div(above, tf.sum(above, -1, true)));
      const value = stored(toRows(cut(tf.matMul(weights, v))));
      return { value, saved: [q, k, v, weights, value] };
    },
    backward: (dy, [q, k, v, weights, value]) => {
      const dOut = stored(padded(toHeads(dy, shape)));
      const dV = tf.matMul(weights, dOut, true, false);
      const along = padded(tf.sum(toHeads(tf.mul(dy, value), shape), -1, true));
      const dScores = stored(tf.mul(weights, tf.sub(tf.matMul(dOut, v, false, true), along)));
      const dQ = tf.mul(tf.matMul(dScores, k), q.shape[3]! ** -0.5);
      const dK = tf.matMul(dScores, q, true, false);
      return [rowsOf([dQ, dK, dV].map(cut), shape)];
    },
  };
};

/**
 * Multi-head self-attention without its linear layers: softmax(q·kᵀ·(d/heads)^−½)·v, heads concatenated.
 *
 * @param qkv [N·T, 3d], laid out [3][heads][d/heads] in a row.
 * @returns [N·T, d].
 */
export function attention(qkv: tf.Tensor, shape: Sequences): tf.Tensor {
  const form = devicePlatform() === "cpu" ? dividedAfter : paddedForm;
  return withGradient([qkv], form(shape));
}

/** The softmax of the same attention, to look at: [N, heads, T, T], every row sums to 1. */
export function attentionWeights(qkv: tf.Tensor, shape: Sequences): tf.Tensor {
  const [q, k] = heads(qkv, shape);
  const [weights, inverse] = weigh(q, k);
  return tf.mul(weights, inverse);
}

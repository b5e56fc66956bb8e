import { XlaBackend } from "./backend.ts";
import * as tf from "./tf.ts";
import type { FusedAttentionAttrs, Precision } from "./types.ts";

/** Queries, keys, values and others, each [N, T, heads, size]. */
type Heads = tf.Tensor;

/** What the attention computes. */
export interface FusedAttention {
  /** [N, T, heads, size]. Rows of padding have any value. */
  out: Heads;
  /** ln Σ e^score of every query, [N, heads, T]. */
  sums: tf.Tensor;
}

/**
 * Why the operation is not to be had on this engine, in words for people; undefined where it is. cuDNN's attention is for
 * one NVIDIA card and products in bfloat16.
 */
export function whyNoFusedAttention(precision: Precision): string | undefined {
  const backend = tf.backend();
  if (!(backend instanceof XlaBackend)) return "engine xla alone has it";
  if (backend.platform !== "cuda") return `it is for NVIDIA cards, and this is ${backend.platform}`;
  if (backend.mesh) return "it is for one card, and this program is split over several devices";
  return precision === "bfloat16" ? undefined : "it needs products in bfloat16";
}

/** Whether the operation can be recorded in the function that is being traced. */
export function hasFusedAttention(): boolean {
  const backend = tf.backend();
  if (!(backend instanceof XlaBackend) || !backend.trace) return false;
  return whyNoFusedAttention(backend.trace.precision) === undefined;
}

/** Scores of each query and key, [N, heads, T, T]; padded keys have −∞. */
function scored(q: Heads, k: Heads, { scale, tokens }: FusedAttentionAttrs): tf.Tensor {
  const never = Array.from({ length: k.shape[1]! }, (_, i) => i < tokens ? 0 : -Infinity);
  const scores = tf.matMul(byHeads(q), byHeads(k), false, true);
  return tf.add(tf.mul(scores, scale), tf.tensor1d(never));
}

/** [N, T, heads, size] as [N, heads, T, size], and back. */
const byHeads = (x: tf.Tensor) => tf.transpose(x, [0, 2, 1, 3]);

/** Makes the rows of padding 0, whatever they are. */
function withoutPadding(x: Heads, tokens: number): Heads {
  const [n, t, ...rest] = x.shape;
  return tf.pad(tf.slice(x, [0, 0, 0, 0], [n, tokens, ...rest]), [[0, 0], [0, t! - tokens], [0, 0], [0, 0]]);
}

/** The same in plain operations. */
function plain(q: Heads, k: Heads, v: Heads, attrs: FusedAttentionAttrs): FusedAttention {
  const scores = scored(q, k, attrs), sums = tf.logSumExp(scores, -1);
  const out = byHeads(tf.matMul(tf.exp(tf.sub(scores, tf.expandDims(sums, -1))), byHeads(v)));
  return { out: withoutPadding(out, attrs.tokens), sums };
}

/**
 * softmax(scale · q·kᵀ)·v as one operation that never has the map of all pairs in memory: on an NVIDIA card cuDNN's;
 * elsewhere the same in plain operations, for tests. It has no gradient of its own, see
 * {@linkcode fusedAttentionGradient}.
 *
 * @param q [N, T, heads, size], as `k` and `v`; T must be even for cuDNN.
 */
export function fusedAttention(q: Heads, k: Heads, v: Heads, attrs: FusedAttentionAttrs): FusedAttention {
  if (!hasFusedAttention()) return plain(q, k, v, attrs);
  const inputs = { q, k, v } as unknown as tf.NamedTensorMap;
  const [out, sums] = tf.engine().runKernel("FusedAttention", inputs, { ...attrs }) as tf.Tensor[];
  return { out, sums };
}

/**
 * The gradients of queries, keys and values.
 *
 * @param dy Of the result, [N, T, heads, size], 0 in padding.
 * @param given What {@linkcode fusedAttention} was given and gave.
 * @returns Three of [N, T, heads, size]; rows of padding have any value.
 */
export function fusedAttentionGradient(
  dy: Heads,
  given: FusedAttention & { q: Heads; k: Heads; v: Heads },
  attrs: FusedAttentionAttrs,
): [Heads, Heads, Heads] {
  const { q, k, v, out, sums } = given;
  if (hasFusedAttention()) {
    const inputs = { q, k, v, dy, out, sums } as unknown as tf.NamedTensorMap;
    return tf.engine().runKernel("FusedAttentionGrad", inputs, { ...attrs }) as [Heads, Heads, Heads];
  }
  const weights = tf.exp(tf.sub(scored(q, k, attrs), tf.expandDims(sums, -1)));
  const along = tf.sum(byHeads(tf.mul(dy, out)), -1, true);
  const dWeights = tf.matMul(byHeads(dy), byHeads(v), false, true);
  const dScores = tf.mul(tf.mul(weights, tf.sub(dWeights, along)), attrs.scale);
  return [
    byHeads(tf.matMul(dScores, byHeads(k))),
    byHeads(tf.matMul(dScores, byHeads(q), true, false)),
    byHeads(tf.matMul(weights, byHeads(dy), true, false)),
  ];
}

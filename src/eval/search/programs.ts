/** What the engine computes of a search. */
import { requireEngine } from "../../engine/required.ts";
import * as tf from "../../engine/tensors.ts";
import type { Engine, Jitted } from "../../engine/types.ts";

/**
 * Of so many gallery rows the engine tells the largest product; a power of two. Of R rows, chunk c holds c, c + S, c + 2·S …
 * with S = R / CHUNK, so that chunks are compared along the rows of the product.
 */
export const CHUNK = 64;

/** Squares of lengths outside of these lose digits in float32, so such rows are brought to length 1 on the host. */
export const USUAL: Readonly<{ least: number; most: number }> = { least: 1e-30, most: 1e30 };

/** The programs of a search. They are compiled at the first call with tensors of a shape. */
export interface SearchPrograms {
  /** Rows, [R, d], brought to length 1, [R, d], and the squares of their lengths, [R, 1]. Rows of length 0 stay 0. */
  unit: Jitted<{ rows: tf.Tensor }, Record<"unit" | "squares", tf.Tensor>>;
  /** Products of queries, [Q, d], with rows, [R, d]: [Q, R], and the largest of each chunk: [Q, R / CHUNK]. */
  compare: Jitted<{ queries: tf.Tensor; rows: tf.Tensor }, Record<"products" | "largest", tf.Tensor>>;
  /** The products of chosen chunks, [M, CHUNK], by the places of their first ones among the Q · R products. */
  pick: Jitted<{ products: tf.Tensor; starts: tf.Tensor }, Record<"picked", tf.Tensor>>;
  /** Frees them. */
  close(): void;
}

/**
 * The largest along the middle axis, whose length is a power of two: [a, n, q] → [a, q]. Halves are compared with each other,
 * which XLA's CPU compiler makes one pass along the last axis; its own reduction takes an eighth of the product's time.
 */
function largestOf(x: tf.Tensor): tf.Tensor {
  const [a, n, q] = x.shape, half = n / 2;
  if (n === 1) return tf.reshape(x, [a, q]);
  return largestOf(tf.maximum(tf.slice(x, [0, 0, 0], [a, half, q]), tf.slice(x, [0, half, 0], [a, half, q])));
}

/** Prepares the programs of a search; R must be a multiple of {@linkcode CHUNK}. Throws a TypeError for what is no engine. */
export function searchPrograms(engine: Engine): SearchPrograms {
  requireEngine(engine);
  const unit = engine.jit(({ rows }: { rows: tf.Tensor }) => {
    const squares = tf.sum(tf.square(rows), 1, true);
    return { unit: tf.mul(rows, tf.rsqrt(tf.maximum(squares, USUAL.least))), squares };
  });
  // In this order of the operands, XLA's product is a tenth faster on processors than in the other.
  const compare = engine.jit(({ queries, rows }: { queries: tf.Tensor; rows: tf.Tensor }) => {
    const products = tf.matMul(queries, rows, false, true), [count, most] = products.shape;
    return { products, largest: largestOf(tf.reshape(products, [count, CHUNK, most / CHUNK])) };
  });
  const pick = engine.jit(({ products, starts }: { products: tf.Tensor; starts: tf.Tensor }) => {
    const step = products.shape[1]! / CHUNK;
    const steps = tf.tensor1d(Int32Array.from({ length: CHUNK }, (_, i) => i * step), "int32");
    const places = tf.add(tf.expandDims(starts, 1), steps);
    return { picked: tf.gather(tf.reshape(products, [products.size]), places) };
  });
  const close = () => [unit, compare, pick].forEach((program) => program.dispose());
  return { unit, compare, pick, close };
}

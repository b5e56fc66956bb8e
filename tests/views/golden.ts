import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";

const path = new URL("../fixtures/augment.safetensors", import.meta.url);
const { tensors } = decodeSafetensors(Deno.readFileSync(path));

/** A stored tensor of PIL's output as float32 values and its shape. */
export function golden(name: string): { shape: number[]; data: Float32Array } {
  const stored = tensors[name];
  assert.ok(stored, `the fixture has no ${name}`);
  return { shape: [...stored.shape], data: Float32Array.from(stored.data as Uint8Array | Float32Array) };
}

/** Names of the stored tensors that start so. */
export function goldenNames(prefix: string): string[] {
  return Object.keys(tensors).filter((name) => name.startsWith(prefix)).sort();
}

/** Mean and 99th percentile of |a − b| in levels of 255. */
export function differences(a: ArrayLike<number>, b: ArrayLike<number>): { mean: number; p99: number } {
  assert.equal(a.length, b.length);
  const gaps = Float32Array.from(a, (value, i) => Math.abs(value - b[i])).sort();
  return {
    mean: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length,
    p99: gaps[Math.floor(0.99 * (gaps.length - 1))],
  };
}

/** Asserts that two pictures differ by at most `mean` levels on average and `p99` at the 99th percentile. */
export function assertClose(a: ArrayLike<number>, b: ArrayLike<number>, mean: number, p99: number): void {
  const gap = differences(a, b);
  if (Deno.env.get("SHOW_DIFFERENCES")) console.log(gap);
  assert.ok(gap.mean <= mean && gap.p99 <= p99, `mean ${gap.mean}, 99th percentile ${gap.p99}`);
}

/** Values of a picture [H, W, 3] as `copies` pictures [copies, H, 3, W]. */
export function asLines(data: ArrayLike<number>, [h, w]: number[], copies: number): tf.Tensor4D {
  const picture = tf.tensor4d(Float32Array.from(data), [1, h, w, 3]);
  return tf.tile(tf.transpose(picture, [0, 1, 3, 2]), [copies, 1, 1, 1]) as tf.Tensor4D;
}

/** Pictures [N, H, 3, W] as one array of values [H, W, 3] each. */
export function asPictures(lines: tf.Tensor): Float32Array[] {
  const pictures = tf.transpose(lines, [0, 1, 3, 2]);
  return tf.unstack(pictures).map((picture) => picture.dataSync() as Float32Array);
}

/** Numbers as [N, 1, 1, 1]. */
export function factors(values: number[]): tf.Tensor4D {
  return tf.tensor4d(values, [values.length, 1, 1, 1]);
}

/** Runs a test on the WebAssembly engine and frees its tensors. */
export async function onWasm(test: () => void): Promise<void> {
  await openWasm();
  const before = tf.memory().numTensors;
  tf.tidy(test);
  assert.equal(tf.memory().numTensors, before, "tensors were left behind");
}

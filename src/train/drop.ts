import { randomStream } from "../random.ts";

/**
 * The uniform draws of stochastic depth for one step, docs/spec.md §2: one for each block, branch (attention, then MLP) and
 * row of the stacked views.
 *
 * @param seed The run's seed.
 * @param step Number of the step in the run, counted from 0.
 * @param depth Blocks of the encoder.
 * @param rows Rows of the stack, 2B.
 * @returns depth × 2 × rows numbers in [0, 1).
 */
export function drawDrop(seed: number, step: number, depth: number, rows: number): Float32Array {
  const stream = randomStream(seed, "dropPath", step);
  const below1 = 1 - 2 ** -24;
  // Rounding to float32 may give 1, which would keep a row twice: floor(1 − rate + 1) = 2 where the rate is 0.
  return Float32Array.from({ length: depth * 2 * rows }, () => Math.min(stream.uniform(), below1));
}

import * as tf from "./tf.ts";

/** The name of the kernel behind `stored`. */
export const STORED = "Stored";
/** The name of the kernel behind `bfloat16`. */
export const BFLOAT16 = "Bfloat16";

const run = (name: string, x: tf.Tensor): tf.Tensor =>
  tf.getKernel(name, tf.getBackend())
    ? tf.engine().runKernel(name, { x } as unknown as tf.NamedTensorMap) as tf.Tensor
    : x;

/**
 * A tensor as a product of the compiled function's precision reads it, computed once and kept in memory: the compiler may
 * not compute it again from what it came from. It has no gradient of its own: use it where gradients are written by hand.
 * Does nothing in float32 and outside of compiled functions.
 */
export function stored(x: tf.Tensor): tf.Tensor {
  return run(STORED, x);
}

/**
 * A tensor rounded to bfloat16, and its gradient too, in functions that are compiled with products in bfloat16. The sum of
 * two tensors is added in bfloat16. Does nothing in float32 and outside of compiled functions.
 */
export function bfloat16(x: tf.Tensor): tf.Tensor {
  return run(BFLOAT16, x);
}

/** Its gradient is rounded as well. */
export const BFLOAT16_GRADIENT: tf.GradConfig = {
  kernelName: BFLOAT16,
  gradFunc: (dy: tf.Tensor | tf.Tensor[]) => ({ x: () => bfloat16(dy as tf.Tensor) }),
};

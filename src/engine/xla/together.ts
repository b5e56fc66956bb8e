import * as tf from "./tf.ts";

/** The name of the kernel behind `together`. */
export const TOGETHER = "Together";

/**
 * The same tensors, but none is available before all of them are. In a compiled function, computations on the results
 * are not merged with equal computations from before. Does nothing elsewhere.
 */
export function together(tensors: tf.Tensor[]): tf.Tensor[] {
  if (!tf.getKernel(TOGETHER, tf.getBackend())) return tensors;
  return tf.engine().runKernel(TOGETHER, tensors as unknown as tf.NamedTensorMap) as unknown as tf.Tensor[];
}

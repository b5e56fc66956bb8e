import * as tf from "./tf.ts";

/** The name of the kernel behind `together`. */
export const TOGETHER = "Together";

/**
 * The same tensors, none of which counts as known before all of them are. In a compiled function, what is computed from
 * them afterwards is not merged with equal computations from before. Does nothing elsewhere.
 */
export function together(tensors: tf.Tensor[]): tf.Tensor[] {
  if (!tf.getKernel(TOGETHER, tf.getBackend())) return tensors;
  return tf.engine().runKernel(TOGETHER, tensors as unknown as tf.NamedTensorMap) as unknown as tf.Tensor[];
}

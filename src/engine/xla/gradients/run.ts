import * as tf from "../tf.ts";

/** Runs a kernel that gives one tensor. */
export const run = (kernel: string, inputs: Record<string, tf.Tensor>, attrs: tf.NamedAttrMap): tf.Tensor =>
  tf.engine().runKernel(kernel, inputs, attrs) as tf.Tensor;

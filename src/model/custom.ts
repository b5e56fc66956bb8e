import * as tf from "../engine/tensors.ts";

/** An operation with its own derivative. */
export interface WithGradient {
  /** Computes the value from the inputs, and says what the derivative needs again. */
  forward: (...inputs: tf.Tensor[]) => { value: tf.Tensor; saved: tf.Tensor[] };
  /** The gradient of every input, given the value's gradient and what was saved. */
  backward: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[];
}

/**
 * Applies an operation whose derivative is written by hand: fewer and better fused operations than automatic
 * differentiation of the same formula would leave.
 */
export function withGradient(inputs: tf.Tensor[], { forward, backward }: WithGradient): tf.Tensor {
  const op = tf.customGrad((...args) => {
    const save = args[args.length - 1] as unknown as (tensors: tf.Tensor[]) => void;
    const { value, saved } = forward(...args.slice(0, -1) as tf.Tensor[]);
    save(saved);
    return { value, gradFunc: (dy: tf.Tensor, kept: tf.Tensor[]) => backward(dy, kept) };
  });
  return op(...inputs);
}

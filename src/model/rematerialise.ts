import { together } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import { withGradient } from "./custom.ts";
import type { Params } from "./types.ts";

/**
 * Applies a function but keeps none of its intermediate results: the gradients compute it again from its input. A
 * network of such pieces keeps one tensor per piece and runs forward twice.
 *
 * @param fn A pure function of rows, of parameters and of tensors that have no gradient.
 * @param x What it is applied to.
 * @param params The parameters that it reads, and no others.
 * @param fixed The tensors without a gradient.
 * @param rounded Rounds the gradient of the result as `fn` will, so that it is kept like that.
 * @returns As `fn(x, params, fixed)`, with the same gradients.
 */
export function rematerialised(
  fn: (x: tf.Tensor, params: Params, fixed: tf.Tensor[]) => tf.Tensor,
  x: tf.Tensor,
  params: Params,
  fixed: tf.Tensor[],
  rounded: (dy: tf.Tensor) => tf.Tensor = (dy) => dy,
): tf.Tensor {
  const names = Object.keys(params);
  const apply = (fixed: tf.Tensor[]) => (x: tf.Tensor, ...values: tf.Tensor[]) =>
    fn(x, Object.fromEntries(names.map((name, i) => [name, values[i]])), fixed);
  return withGradient([x, ...names.map((name) => params[name])], {
    forward: (...inputs) => ({
      value: apply(fixed)(...inputs as [tf.Tensor, ...tf.Tensor[]]),
      saved: [...inputs, ...fixed],
    }),
    backward: (dy, kept) => {
      // Tied to the gradient, the input is not available before it, so the compiler has to compute the piece again.
      const [again, slope] = together([kept[0], rounded(dy)]), end = 1 + names.length;
      const others = kept.slice(end);
      return untaped(() => tf.grads(apply(others))([again, ...kept.slice(1, end)], slope));
    },
  });
}

/** Differentiates within a gradient: the inner derivative clears the tape, which the outer one still needs. */
function untaped<T>(fn: () => T): T {
  const { state } = tf.engine() as unknown as { state: { activeTape: unknown } };
  const tape = state.activeTape;
  try {
    return fn();
  } finally {
    state.activeTape = tape;
  }
}

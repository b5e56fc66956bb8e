import { together } from "../engine/together.ts";
import * as tf from "../engine/tf.ts";
import type { Params } from "./types.ts";

/**
 * Applies a function and forgets all that is inside it: for the gradients it is computed once more, from its input. A
 * network of such pieces keeps one tensor for each piece in place of all of their intermediates, for a third more work.
 *
 * @param fn A pure function of rows, of parameters and of tensors that have no gradient.
 * @param x What it is applied to.
 * @param params The parameters that it reads, and no others.
 * @param fixed The tensors without a gradient.
 * @returns As `fn(x, params, fixed)`, with the same gradients.
 */
export function rematerialised<Fixed extends tf.Tensor[]>(
  fn: (x: tf.Tensor, params: Params, fixed: Fixed) => tf.Tensor,
  x: tf.Tensor,
  params: Params,
  fixed: Fixed,
): tf.Tensor {
  const names = Object.keys(params);
  const apply = (fixed: Fixed) => (x: tf.Tensor, ...values: tf.Tensor[]) =>
    fn(x, Object.fromEntries(names.map((name, i) => [name, values[i]])), fixed);
  const op = tf.customGrad((...args) => {
    const save = args[args.length - 1] as unknown as (tensors: tf.Tensor[]) => void;
    const inputs = args.slice(0, -1) as [tf.Tensor, ...tf.Tensor[]];
    save([...inputs, ...fixed]);
    return {
      value: apply(fixed)(...inputs),
      gradFunc: (dy: tf.Tensor, kept: tf.Tensor[]) => {
        // Tied to the gradient, the input cannot be had before it, so the compiler computes anew where it is needed.
        const [again, slope] = together([kept[0], dy]);
        const values = kept.slice(1, inputs.length), others = kept.slice(inputs.length) as Fixed;
        return untaped(() => tf.grads(apply(others))([again, ...values], slope));
      },
    };
  });
  return op(x, ...names.map((name) => params[name]));
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

/** The parameters under a name, such as those of one block. */
export function paramsOf(params: Params, name: string): Params {
  return Object.fromEntries(Object.entries(params).filter(([key]) => key.startsWith(`${name}.`)));
}

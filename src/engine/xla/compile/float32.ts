import { XlaBackend } from "../backend.ts";
import * as tf from "../tf.ts";

/** Records matrix products with float32 operands and results, whatever the traced function's precision. */
function inFloat32<T>(fn: () => T): T {
  const backend = tf.backend();
  const trace = backend instanceof XlaBackend ? backend.trace : null;
  if (!trace) return fn();
  const { precision } = trace;
  trace.precision = "float32";
  try {
    return fn();
  } finally {
    trace.precision = precision;
  }
}

/**
 * The matrix product over the last two axes, and its gradients, in float32 whatever the precision of the compiled
 * function: for places, pictures and losses, whose digits count.
 *
 * @param a [..., m, k].
 * @param b [..., k, n], or [..., n, k] with `transposeB`; the same leading axes as `a`.
 */
export function matMulFloat32<T extends tf.Tensor>(a: tf.Tensor, b: tf.Tensor, transposeB = false): T {
  const product = (x: tf.Tensor, y: tf.Tensor, tx = false, ty = false) =>
    inFloat32(() => tf.matMul(x, y, tx, ty));
  const op = tf.customGrad((a, b, save) => {
    (save as unknown as (tensors: tf.Tensor[]) => void)([a as tf.Tensor, b as tf.Tensor]);
    return {
      value: product(a as tf.Tensor, b as tf.Tensor, false, transposeB),
      gradFunc: (dy: tf.Tensor, [a, b]: tf.Tensor[]) =>
        transposeB
          ? [product(dy, b), product(dy, a, true)]
          : [product(dy, b, false, true), product(a, dy, true)],
    };
  });
  return op(a, b) as T;
}

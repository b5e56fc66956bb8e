import * as tf from "./xla/tf.ts";

/**
 * A tensor of numbers, as TensorFlow.js makes it, on the engine that is open.
 *
 * @throws {Error} When no engine is open, or values and shape do not fit.
 */
export function tensor<R extends tf.Rank>(...args: Parameters<typeof tf.tensor<R>>): tf.Tensor<R> {
  try {
    return tf.tensor<R>(...args);
  } catch (cause) {
    // TensorFlow.js speaks of backends that are not initialized, and of functions of its own.
    if (tf.engine().backendName) throw cause;
    const message = "no engine is open, so there is nothing to put a tensor on: `await openEngine()` first";
    throw new Error(message, { cause });
  }
}

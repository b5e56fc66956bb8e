/** Functions whose second derivatives are checked: of one tensor, and with gradients of their own. */
import * as tf from "../../../src/engine/xla/tf.ts";

/** The exponential with a gradient of its own that is computed from the result. */
const ownExp = tf.customGrad((x, save) => {
  const value = tf.exp(x as tf.Tensor);
  (save as unknown as (tensors: tf.Tensor[]) => void)([x as tf.Tensor, value]);
  return { value, gradFunc: (dy: tf.Tensor, [, value]: tf.Tensor[]) => tf.mul(dy, value) };
});

/** Functions with gradients of their own that keep what was computed on the way. */
const keeping = (
  outer: (x: tf.Tensor) => tf.Tensor,
  slope: (mid: tf.Tensor, value: tf.Tensor) => tf.Tensor,
) =>
  tf.customGrad((x, save) => {
    const mid = tf.square(x as tf.Tensor), value = outer(mid);
    (save as unknown as (tensors: tf.Tensor[]) => void)([x as tf.Tensor, mid, value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [x, mid, value]: tf.Tensor[]) =>
        tf.mul(dy, tf.mul(slope(mid, value), tf.mul(x, 2))),
    };
  });

/** Functions of which TensorFlow.js lost what flows back to a result that it kept, or had no second derivative. */
export const TWICE: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  "exp": tf.exp,
  "exp with a gradient of its own": ownExp,
  "a gradient of its own that keeps what is on the way": keeping(tf.sin, (mid) => tf.cos(mid)),
  "one that keeps the result, too": keeping(
    tf.exp,
    (mid, value) => tf.mul(tf.exp(tf.mul(mid, 0.5)), tf.sqrt(value)),
  ),
  "a gradient of its own twice": (x) => {
    const f = keeping(tf.sin, (mid) => tf.cos(mid));
    return tf.mul(f(f(x)), f(x));
  },
  "tanh": tf.tanh,
  "sigmoid": tf.sigmoid,
  "softmax": (x) => tf.softmax(x),
  "logSoftmax": (x) => tf.logSoftmax(x),
  "elu": tf.elu,
  "max": (x) => tf.max(tf.mul(x, x), 1),
  "relu6": (x) => tf.relu6(tf.mul(x, 3)),
  "leakyRelu": (x) => tf.leakyRelu(x),
  "clipByValue": (x) => tf.clipByValue(tf.mul(x, x), 0.2, 1),
};

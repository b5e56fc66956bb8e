import * as tf from "../tf.ts";
import type { Gradients } from "./types.ts";

/** Moves everything along an axis, toward the end for by > 0, and fills up with a number. */
export function shift(x: tf.Tensor, axis: number, by: number, fill: number): tf.Tensor {
  const { shape } = x, n = shape[axis], far = Math.min(n, Math.abs(by));
  const begin = shape.map((_, i) => i === axis && by < 0 ? far : 0);
  const size = shape.map((m, i) => i === axis ? n - far : m);
  const border = shape.map((_, i): [number, number] => i !== axis ? [0, 0] : by > 0 ? [far, 0] : [0, far]);
  return tf.pad(tf.slice(x, begin, size), border, fill);
}

/**
 * The gradient of the products of all elements up to each. No division, so zeros do no harm: the products are built by
 * doubling their reach, and that is followed backwards.
 */
function cumprodGradient(dy: tf.Tensor, x: tf.Tensor, attrs: tf.NamedAttrMap): tf.Tensor {
  const axis = tf.util.parseAxisParam(attrs.axis as number, x.shape)[0], n = x.shape[axis];
  const turned = (v: tf.Tensor) => attrs.reverse ? tf.reverse(v, axis) : v;
  const start = turned(x);
  const steps = [attrs.exclusive ? shift(start, axis, 1, 1) : start];
  for (let by = 1; by < n; by *= 2) {
    const last = steps[steps.length - 1];
    steps.push(tf.mul(last, shift(last, axis, by, 1)));
  }
  let g = turned(dy);
  for (let k = steps.length - 2; k >= 0; k--) {
    const by = 2 ** k;
    g = tf.add(
      tf.mul(g, shift(steps[k], axis, by, 1)),
      shift(tf.mul(g, steps[k]), axis, -by, 0),
    );
  }
  return turned(attrs.exclusive ? shift(g, axis, -1, 0) : g);
}

const product = tf.getGradient(tf.Prod);

/** Gradients of what runs along an axis. */
export const SCAN: Gradients = [
  {
    // tfjs's own takes no axis that is counted from behind.
    ...product,
    gradFunc: (dy, [x], attrs) =>
      product.gradFunc(dy, [x], { ...attrs, axis: tf.util.parseAxisParam(attrs.axis as number[], x.shape) }),
  },
  {
    kernelName: "Cumprod",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({ x: () => cumprodGradient(dy as tf.Tensor, x, attrs) }),
  },
  {
    // tfjs's own turns the result's axes round unless the axis is the last.
    kernelName: "Cumsum",
    gradFunc: (dy, _, attrs) => ({
      x: () => tf.cumsum(dy as tf.Tensor, attrs.axis as number, attrs.exclusive as boolean, !attrs.reverse),
    }),
  },
];

/** Gradients of functions of two tensors that are broadcast against each other. */
import * as tf from "../tf.ts";
import { sumTo } from "./product.ts";
import type { Gradients } from "./types.ts";

/** TensorFlow.js forgets for these to sum over what was broadcast. */
const UNSUMMED = [tf.Maximum, tf.Minimum, tf.SquaredDifference, tf.Prelu];

/** For these it forgets it alone where a single element was broadcast to none. */
const SUMMED = [tf.Add, tf.Sub, tf.Multiply, tf.RealDiv, tf.Pow, tf.Mod, tf.Atan2];

/** TensorFlow.js's gradient of a kernel, which is given both inputs at their common shape where it would not sum. */
function summing(kernelName: string, always: boolean): Gradients[number] {
  const config = tf.getGradient(kernelName), { gradFunc } = config;
  return {
    ...config,
    gradFunc(dy, saved, attrs) {
      const [a, b, ...others] = saved, out = dy as tf.Tensor;
      const broken = !tf.util.arraysEqual(a.shape, b.shape) && (always || out.size === 0);
      if (!broken) return gradFunc(dy, saved, attrs);
      // Of no elements nothing flows back, and nothing can be broadcast to them.
      const wide = out.size === 0 ? [a, b] : [a, b].map((x) => tf.broadcastTo(x, out.shape));
      const found = gradFunc(dy, [...wide, ...others], attrs);
      const narrow = Object.entries(found).map(([name, gradient], i) => {
        const { shape } = saved[i];
        return [name, () => out.size === 0 ? tf.zeros(shape) : sumTo(gradient(), shape)];
      });
      return Object.fromEntries(narrow);
    },
  };
}

/** Gradients that TensorFlow.js has and does not sum. */
export const BROADCAST: Gradients = [
  ...UNSUMMED.map((name) => summing(name, true)),
  ...SUMMED.map((name) => summing(name, false)),
];

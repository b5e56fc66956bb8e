/** Gradients of comparisons and of what is done with their results, and of a gradient that is a kernel of its own. */
import * as tf from "../tf.ts";
import type { Gradients } from "./types.ts";

/**
 * Kernels whose results are the same until they jump, with their inputs. TensorFlow.js has a gradient of `greaterEqual` alone,
 * so `where(greater(x, 0), x, y)` had none, and `max`, `relu6` or `clipByValue` none of second order.
 */
const JUMPING: Readonly<Record<string, readonly string[]>> = {
  [tf.Equal]: ["a", "b"],
  [tf.NotEqual]: ["a", "b"],
  [tf.Greater]: ["a", "b"],
  [tf.Less]: ["a", "b"],
  [tf.LessEqual]: ["a", "b"],
  [tf.LogicalAnd]: ["a", "b"],
  [tf.LogicalOr]: ["a", "b"],
  [tf.LogicalNot]: ["x"],
  [tf.All]: ["x"],
  [tf.Any]: ["x"],
  [tf.SearchSorted]: ["sortedSequence", "values"],
};

/** Through these nothing flows back. */
const FLAT: Gradients = Object.entries(JUMPING).map(([kernelName, inputs]) => ({
  kernelName,
  inputsToSave: [...inputs],
  gradFunc: (_, saved) => Object.fromEntries(inputs.map((name, i) => [name, () => tf.zeros(saved[i].shape)])),
}));

/** Gradients of kernels that work element by element. */
export const POINTWISE: Gradients = [
  ...FLAT,
  {
    kernelName: tf.EluGrad,
    inputsToSave: ["dy", "y"],
    gradFunc: (ddx, [dy, y]) => ({
      dy: () => tf.engine().runKernel(tf.EluGrad, { dy: ddx as tf.Tensor, y }) as tf.Tensor,
      y: () => tf.mul(tf.mul(ddx as tf.Tensor, dy), tf.cast(tf.less(y, 0), "float32")),
    }),
  },
];

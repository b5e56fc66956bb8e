/** Gradients of what compares or weighs neighbours: channels beside each other, and the places under a dilation's filter. */
import * as tf from "../tf.ts";
import { offsets } from "../kernels/pool.ts";
import { shift } from "./scan.ts";
import type { Gradients } from "./types.ts";

/** The gradient of x · s^−β with s = bias + α · (sum of x² over the channels that are at most `depthRadius` away). */
function normalisationGradient(dy: tf.Tensor, x: tf.Tensor, attrs: tf.LRNAttrs): tf.Tensor {
  const { depthRadius, bias, alpha, beta } = attrs, channels: number[] = x.shape.slice(3);
  const far = Math.min(depthRadius, channels[0] - 1);
  const near = (t: tf.Tensor) => {
    let sum = t;
    for (let by = 1; by <= far; by++) sum = tf.addN([sum, shift(t, 3, by, 0), shift(t, 3, -by, 0)]);
    return sum;
  };
  const s = tf.add(tf.mul(near(tf.square(x)), alpha), bias);
  const others = near(tf.mul(tf.mul(dy, x), tf.pow(s, -beta - 1)));
  return tf.sub(tf.mul(dy, tf.pow(s, -beta)), tf.mul(tf.mul(x, 2 * alpha * beta), others));
}

/** By offset in the filter: what lies there of pictures, and 1 where a dilation found its (first) largest sum, else 0. */
function dilated(x: tf.Tensor, filter: tf.Tensor, attrs: tf.Dilation2DAttrs) {
  const [batch, height, width, depth] = x.shape as [number, number, number, number];
  const info = tf.backend_util.computeDilation2DInfo(
    [batch, height, width, depth],
    filter.shape as [number, number, number],
    ...[attrs.strides, attrs.pad, "NHWC" as const, attrs.dilations] as const,
  );
  const { outHeight, outWidth, strideHeight, strideWidth, padInfo: { top, left } } = info;
  const rows = (outHeight - 1) * strideHeight + 1, columns = (outWidth - 1) * strideWidth + 1;
  const all = offsets([info.filterHeight, info.filterWidth]);
  const reach = [(info.filterHeight - 1) * info.dilationHeight, (info.filterWidth - 1) * info.dilationWidth];
  const border = [[top, rows + reach[0] - height - top], [left, columns + reach[1] - width - left]]
    .map(([low, high]): [number, number] => [low, Math.max(0, high)]);
  const parts = (t: tf.Tensor, outside: number) => {
    const wide = tf.pad(t, [[0, 0], ...border, [0, 0]], outside);
    return all.map(([row, column]) => {
      const begin = [0, row * info.dilationHeight, column * info.dilationWidth, 0];
      const end = [batch, begin[1] + rows, begin[2] + columns, depth];
      return tf.stridedSlice(wide, begin, end, [1, strideHeight, strideWidth, 1]);
    });
  };
  const weights = (t: tf.Tensor) =>
    all.map(([row, column]) => tf.reshape(tf.slice(t, [row, column, 0], [1, 1, depth]), [depth]));
  const filters = weights(filter);
  const sums = parts(x, -Infinity).map((part, i) => tf.add(part, filters[i]));
  const best = sums.reduce((a, b) => tf.maximum(a, b));
  let open = tf.onesLike(best);
  const hits = sums.map((sum) => {
    const hit = tf.mul(open, tf.cast(tf.equal(sum, best), "float32"));
    open = tf.sub(open, hit);
    return hit;
  });
  return { parts, weights, hits };
}

/** What a dilation's gradient gives back is linear in what comes in: of each sum that was largest, what belongs to it. */
const dilationGradient = (kernelName: string, of: "x" | "filter"): Gradients[number] => ({
  kernelName,
  inputsToSave: ["x", "filter"],
  gradFunc: (ddx, [x, filter], attrs) => ({
    dy: () => {
      const { parts, weights, hits } = dilated(x, filter, attrs as unknown as tf.Dilation2DAttrs);
      const back = of === "x" ? parts(ddx as tf.Tensor, 0) : weights(ddx as tf.Tensor);
      return hits.map((hit, i) => tf.mul(hit, back[i])).reduce((a, b) => tf.add(a, b));
    },
    x: () => tf.zeros(x.shape),
    filter: () => tf.zeros(filter.shape),
  }),
});

/** Gradients of local response normalisation, of any order, and of dilation's gradients. */
export const NEIGHBOURHOOD: Gradients = [
  {
    kernelName: tf.LRN,
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({
      x: () => normalisationGradient(dy as tf.Tensor, x, attrs as unknown as tf.LRNAttrs),
    }),
  },
  dilationGradient(tf.Dilation2DBackpropInput, "x"),
  dilationGradient(tf.Dilation2DBackpropFilter, "filter"),
];

/** Functions whose gradients are checked: inputs, and what is computed of them. */
import * as tf from "../../../src/engine/xla/tf.ts";
import { TWICE } from "./second_order_cases.ts";

/** A differentiable function of some tensors, with the shapes of its inputs. */
export interface Case {
  name: string;
  shapes: number[][];
  f: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Where the function itself is right. */
  backends: string[];
}

const c = (
  name: string,
  shapes: number[][],
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  backends: string[] = ["cpu", "xla"],
): Case => ({ name, shapes, f, backends });
// deno-lint-ignore no-explicit-any
const any = (x: unknown) => x as any;
const int = (values: tf.TensorLike) => tf.tensor(values, undefined, "int32");

/** The gradient of a function's square, whose own gradient needs the function's second derivatives. */
const slope = (f: (x: tf.Tensor) => tf.Tensor) => tf.grad((x: tf.Tensor) => tf.sum(tf.square(f(x))));

/** Numbers so far apart that small steps do not change which is largest. */
const apart = (x: tf.Tensor) =>
  tf.add(tf.sin(tf.mul(tf.range(0, x.size), 7.3)).reshape(x.shape), tf.mul(x, 0.1));

/** Functions of pictures or volumes, and of filters, whose gradients are kernels of their own. */
const WINDOWS: Record<string, [shapes: number[][], f: (x: tf.Tensor, w: tf.Tensor) => tf.Tensor]> = {
  "conv2d, dilated": [
    [[1, 4, 4, 1], [2, 2, 1, 2]],
    (x, w) => tf.conv2d(any(x), any(w), 1, "same", "NHWC", [3, 2]),
  ],
  "conv1d, dilated": [[[1, 5, 2], [2, 2, 1]], (x, w) => tf.conv1d(any(x), any(w), 1, "valid", "NWC", 2)],
  "depthwiseConv2d": [[[1, 3, 3, 2], [2, 2, 2, 1]], (x, w) => tf.depthwiseConv2d(any(x), any(w), 2, "same")],
  "depthwiseConv2d, dilated": [
    [[1, 4, 3, 1], [2, 2, 1, 2]],
    (x, w) => tf.depthwiseConv2d(any(x), any(w), 1, "valid", "NHWC", 2),
  ],
  "conv3d": [[[1, 2, 2, 2, 1], [2, 1, 2, 1, 2]], (x, w) => tf.conv3d(any(x), any(w), 1, "same")],
  "conv3d, dilated": [
    [[1, 3, 2, 3, 1], [2, 2, 2, 1, 1]],
    (x, w) => tf.conv3d(any(x), any(w), 1, "valid", "NDHWC", [2, 1, 2]),
  ],
  "maxPool": [[[1, 4, 3, 1]], (x) => tf.maxPool(any(apart(x)), 2, 1, "same")],
  "maxPool, border cut off": [[[1, 4, 4, 1]], (x) => tf.maxPool(any(apart(x)), [1, 2], 3, "valid")],
  "maxPool3d": [[[1, 2, 3, 2, 1]], (x) => tf.maxPool3d(any(apart(x)), [1, 2, 2], 1, "same")],
  "avgPool": [[[1, 4, 3, 1]], (x) => tf.avgPool(any(x), 3, 2, "same")],
  "avgPool3d": [[[1, 2, 3, 2, 1]], (x) => tf.avgPool3d(any(x), 2, 1, "same")],
  "localResponseNormalization": [
    [[1, 2, 2, 5]],
    (x) => tf.localResponseNormalization(any(x), 1, 1, 0.8, 0.6),
  ],
  "localResponseNormalization, of all channels": [
    [[1, 1, 3, 3]],
    (x) => tf.localResponseNormalization(any(x), 7, 0.5, 2, 1),
  ],
  "dilation2d": [
    [[1, 4, 3, 2], [2, 2, 2]],
    (x, w) => tf.dilation2d(any(apart(x)), any(apart(w)), 1, "valid"),
  ],
  "dilation2d, with a border": [
    [[2, 5, 4, 1], [2, 3, 1]],
    (x, w) => tf.dilation2d(any(apart(x)), any(apart(w)), [2, 1], "same", [2, 1]),
  ],
  "resizeBilinear": [[[1, 4, 4, 1]], (x) => tf.image.resizeBilinear(any(x), [6, 3])],
  "resizeNearestNeighbor": [[[1, 4, 3, 1]], (x) => tf.image.resizeNearestNeighbor(any(x), [6, 2])],
};

/** The same for what flows back, which is weighed with numbers of its own so that all second derivatives count. */
const backTwice = (f: (...x: tf.Tensor[]) => tf.Tensor) => (...x: tf.Tensor[]) => {
  const flows = tf.grads((...y: tf.Tensor[]) => tf.sum(tf.sin(f(...y))))(x);
  return tf.concat(flows.map((flow) => tf.reshape(flow, [-1])));
};

/** What registerGradients is about. */
export const OURS: Case[] = [
  ...[false, true].flatMap((ta) =>
    [false, true].flatMap((tb) => {
      const a = ta ? [4, 3] : [3, 4], b = tb ? [2, 4] : [4, 2];
      const name = `matMul${ta ? " aᵀ" : ""}${tb ? " bᵀ" : ""}`;
      return [
        c(`${name}, b broadcast`, [[2, ...a], b], (x, y) => tf.matMul(x, y, ta, tb)),
        c(`${name}, a broadcast`, [a, [2, ...b]], (x, y) => tf.matMul(x, y, ta, tb)),
        // The cpu backend has the product itself wrong.
        c(`${name}, both broadcast`, [[2, 1, ...a], [3, ...b]], (x, y) => tf.matMul(x, y, ta, tb), ["xla"]),
      ];
    })
  ),
  // Both are broadcast; of a scalar, of one more axis, and of no elements.
  ...[[[1, 4], [3, 1]], [[3], [2, 1, 3]], [[], [2, 2]], [[0, 3], [1, 3]]].flatMap(([a, b]) =>
    [
      ...["maximum", "minimum", "squaredDifference", "prelu"],
      ...["add", "sub", "mul", "div", "pow", "mod", "atan2"],
    ].flatMap((name) => {
      const f = (x: tf.Tensor, y: tf.Tensor) => any(tf)[name](name === "pow" ? tf.abs(x) : x, y);
      const title = (x: number[], y: number[]) => `${name} of [${x}] and [${y}]`;
      return [c(title(a, b), [a, b], f), c(title(b, a), [b, a], f)];
    })
  ),
  c("einsum of two", [[2, 3, 4], [2, 5, 4]], (a, b) => tf.einsum("bqd,bkd->bqk", a, b)),
  // The cpu backend has this sum itself wrong.
  c("einsum with sums over one operand", [[2, 3], [3, 4]], (a, b) => tf.einsum("ij,jk->k", a, b), ["xla"]),
  c("einsum of one, summed", [[2, 3]], (a) => tf.einsum("ij->j", a)),
  c("einsum of one, turned", [[2, 3, 2]], (a) => tf.einsum("ijk->kij", a)),
  c("gather", [[4, 3]], (x) => tf.gather(x, int([3, 0, 0]))),
  c("gather, last axis from behind", [[2, 3, 4]], (x) => tf.gather(x, int([[3, 0], [1, 3]]), -1)),
  c("gather, middle axis", [[2, 3, 4]], (x) => tf.gather(x, int([2, 2, 0, 1]), 1)),
  c("gather, one batch axis", [[2, 3, 4]], (x) => tf.gather(x, int([[0, 2], [1, 1]]), 1, 1)),
  c("gather, batch axis before others", [[2, 3, 4]], (x) => tf.gather(x, int([[0, 2], [1, 1]]), 2, 1)),
  c("gather, two batch axes", [[2, 2, 3]], (x) => tf.gather(x, int([[[0], [2]], [[1], [1]]]), 2, 2)),
  c("gatherND", [[3, 4, 2]], (x) => tf.gatherND(x, int([[0, 1], [2, 3], [0, 1]]))),
  c("gatherND of one place", [[3, 4]], (x) => tf.gatherND(x, int([1]))),
  c("scatterND", [[3, 2]], (x) => tf.scatterND(int([[1], [3], [1]]), x, [4, 2])),
  // The cpu backend writes into its argument.
  c("tensorScatterUpdate", [[4, 2], [2, 2]], (x, y) => tf.tensorScatterUpdate(x, int([[3], [1]]), y), [
    "xla",
  ]),
  c("sparseToDense", [[2], []], (x, y) => tf.sparseToDense(int([1, 3]), any(x), [4], any(y))),
  c("topk", [[3, 5]], (x) => tf.topk(x, 2).values),
  c("maxPoolWithArgmax", [[2, 4, 4, 2]], (x) => tf.maxPoolWithArgmax(any(x), 2, 2, "valid").result),
  c("stridedSlice", [[5, 6]], (x) => tf.stridedSlice(x, [1, 0], [5, 6], [2, 3])),
  c("stridedSlice backwards", [[5, 6]], (x) => tf.stridedSlice(x, [4, 5], [0, 0], [-2, -1])),
  c(
    "stridedSlice with a lost axis",
    [[5, 6]],
    (x) => tf.stridedSlice(x, [1, 2], [2, 5], [1, 1], 0, 0, 0, 0, 1),
  ),
  c("tile, rank 5", [[1, 2, 1, 2, 1]], (x) => tf.tile(x, [2, 2, 1, 1, 3])),
  ...(["reflect", "symmetric"] as const).map((mode) =>
    c(`mirrorPad, ${mode}`, [[3, 4, 2]], (x) => tf.mirrorPad(x, [[2, 1], [0, 2], [0, 0]], mode))
  ),
  c("unstack, one part", [[2, 1, 3]], (x) => tf.unstack(x, 1)[0]),
  c("split, one part", [[2, 3]], (x) => tf.split(x, 1, 1)[0]),
  c("depthToSpace", [[1, 2, 3, 8]], (x) => tf.depthToSpace(any(x), 2)),
  c("flipLeftRight", [[1, 2, 3, 2]], (x) => tf.image.flipLeftRight(any(x))),
  c("diag", [[3]], (x) => tf.diag(x)),
  ...[false, true].flatMap((exclusive) =>
    [false, true].flatMap((reverse) => {
      const how = `${exclusive ? ", exclusive" : ""}${reverse ? ", reverse" : ""}`;
      return [
        c(`cumprod${how}`, [[2, 5]], (x) => tf.cumprod(x, 1, exclusive, reverse)),
        c(`cumprod with a zero${how}`, [[5]], (x) =>
          tf.cumprod(tf.mul(x, [1, 0, 1, 1, 1]), 0, exclusive, reverse)),
        c(`cumsum, first axis${how}`, [[3, 2, 2]], (x) =>
          tf.cumsum(x, 0, exclusive, reverse)),
      ];
    })
  ),
  c("prod with a zero", [[2, 3]], (x) => tf.prod(tf.mul(x, [1, 0, 1]), 1)),
  c("prod, axes from behind", [[2, 3, 2]], (x) => tf.prod(x, [-1, 0])),
  ...Object.entries(TWICE).map(([name, f]) => c(`${name}, second order`, [[2, 3]], slope(f))),
  c("a choice by what is compared", [[2, 3], [3]], (x, y) =>
    tf.where(
      tf.logicalAnd(tf.greater(x, y), tf.logicalNot(tf.equal(x, tf.max(x)))),
      tf.mul(x, y),
      tf.sub(y, x),
    )),
  c("a choice by all and any", [[2, 3]], (x) => tf.where(tf.any(tf.less(x, 0)), tf.mul(x, x), tf.neg(x))),
  c("matMul of nothing", [[2, 0], [0, 3]], (x, y) => tf.matMul(x, y)),
  ...(["round", "ceil"] as const).flatMap((rounding) => [
    c(
      `conv2d, windows by ${rounding}`,
      [[1, 5, 4, 1], [2, 2, 1, 2]],
      (x, w) => tf.conv2d(any(x), any(w), 2, 1, "NHWC", 1, rounding),
    ),
    c(
      `maxPool, windows by ${rounding}`,
      [[1, 5, 4, 2]],
      (x) => tf.maxPool(tf.sin(tf.add(any(x), tf.range(0, 40).reshape([1, 5, 4, 2]))), 3, 2, 0, rounding),
    ),
  ]),
  ...Object.entries(WINDOWS).flatMap(([name, [shapes, f]]) => [
    c(name, shapes, (x, w) => f(x, w)),
    c(`${name}, second order`, shapes, backTwice((x, w) => f(x, w))),
  ]),
  // The cpu backend does not know the format.
  c(
    "depthwiseConv2d, channels first",
    [[1, 2, 4, 4], [2, 3, 2, 2]],
    (x, w) => tf.depthwiseConv2d(any(x), any(w), 1, "same", "NCHW"),
    ["xla"],
  ),
  c(
    "conv2d whose result is empty",
    [[1, 1, 4, 1], [2, 2, 1, 1]],
    (x, w) => tf.conv2d(any(x), any(w), 1, "valid"),
    ["xla"],
  ),
  c(
    "softmaxCrossEntropy",
    [[2, 3], [2, 3], [2]],
    (labels, logits, weights) => tf.losses.softmaxCrossEntropy(labels, logits, weights, 0.1),
  ),
  c(
    "softmaxCrossEntropy, second order",
    [[2, 3], [2, 3]],
    backTwice((labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits)),
  ),
  c(
    "batchNorm without scale and offset",
    [[2, 3], [3], [3]],
    (x, mean, variance) => tf.batchNorm(x, any(mean), any(tf.abs(variance))),
  ),
  c(
    "batchNorm without offset",
    [[1, 2, 2, 3], [3], [3]],
    (x, mean, scale) => tf.batchNorm(x, any(mean), tf.tensor1d([1, 2, 3]), undefined, any(scale)),
  ),
  c(
    "batchNorm without scale",
    [[2, 3], [3], [3]],
    (x, mean, offset) => tf.batchNorm(x, any(mean), tf.tensor1d([1, 2, 3]), any(offset)),
  ),
  c("unstack, a list that parts are taken out of", [[3, 2]], (x) => {
    const parts = tf.unstack(x), last = parts.pop()!;
    return tf.mul(last, parts.shift()!);
  }),
  c("avgPool, same", [[1, 5, 5, 2]], (x) => tf.avgPool(any(x), 3, 2, "same")),
  c(
    "avgPool, explicit border",
    [[3, 3, 1]],
    (x) => tf.avgPool(any(x), 3, 1, [[0, 0], [2, 1], [1, 1], [0, 0]]),
  ),
  c("avgPool3d, same", [[1, 3, 3, 3, 1]], (x) => tf.avgPool3d(any(x), 2, 1, "same")),
  c(
    "conv2d, second order",
    [[1, 4, 4, 2], [3, 3, 2, 2]],
    (x, w) => tf.grads((a, b) => tf.sum(tf.square(tf.conv2d(any(a), any(b), 1, "same"))))([x, w])[1],
  ),
  c(
    "conv3dTranspose",
    [[1, 2, 2, 2, 2], [2, 2, 2, 1, 2]],
    (x, w) => tf.conv3dTranspose(any(x), any(w), [1, 4, 4, 4, 1], 2, "same"),
  ),
];

import * as tf from "../tf.ts";
import { planeSides, type PoolAttributes, spaceSides } from "../kernels/attributes.ts";
import type { Gradients } from "./types.ts";

const run = (kernel: string, inputs: Record<string, tf.Tensor>, attrs: tf.NamedAttrMap): tf.Tensor =>
  tf.engine().runKernel(kernel, inputs, attrs) as tf.Tensor;

/** By how much each window's gradient must grow, since averages leave out what lies outside and tfjs's gradient does not. */
function correction(shape: number[], attrs: tf.NamedAttrMap): tf.Tensor | undefined {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttributes;
  const three = shape.length === 5;
  const info = (three
    ? tf.backend_util.computePool3DInfo(
      shape as [number, number, number, number, number],
      spaceSides(filterSize),
      spaceSides(strides),
      1,
      pad as number | "valid" | "same",
      dimRoundingMode,
    )
    : tf.backend_util.computePool2DInfo(
      shape as [number, number, number, number],
      planeSides(filterSize),
      planeSides(strides),
      1,
      pad,
      dimRoundingMode,
    )) as unknown as Record<string, number> & { padInfo: Record<string, number> };
  const axes = three ? ["Depth", "Height", "Width"] : ["Height", "Width"];
  const before = three ? ["front", "top", "left"] : ["top", "left"];
  const factors = axes.map((axis, k) => {
    const size = info[`filter${axis}`], n = info[`in${axis}`];
    return Array.from({ length: info[`out${axis}`] }, (_, at) => {
      const first = at * info[`stride${axis}`] - info.padInfo[before[k]];
      const covered = Math.min(n, first + size) - Math.max(0, first);
      return size / Math.max(1, covered);
    });
  });
  if (factors.flat().every((factor) => factor === 1)) return undefined;
  return factors
    .map((factor, k) => tf.reshape(tf.tensor1d(factor), axes.map((_, i) => i === k ? factor.length : 1)))
    .reduce((a, b) => tf.mul(a, b))
    .expandDims(0).expandDims(-1);
}

const averagePool = (kernelName: string): tf.GradConfig => ({
  kernelName,
  inputsToSave: ["x"],
  gradFunc: (dy, [x], attrs) => ({
    x: () => {
      // A single picture comes without its batch axis.
      const rank = kernelName === "AvgPool3D" ? 5 : 4;
      const whole = (t: tf.Tensor) => t.rank === rank ? t : tf.expandDims(t, 0);
      const factor = correction(whole(x).shape, attrs), d = whole(dy as tf.Tensor);
      const inputs = { dy: factor ? tf.mul(d, factor) : d, input: whole(x) };
      return tf.reshape(run(`${kernelName}Grad`, inputs, attrs), x.shape);
    },
  }),
});

const convolution = tf.getGradient(tf.Conv2D);

/** Gradients of convolutions, of pooling and of the gradients of convolutions. */
export const WINDOW: Gradients = [
  averagePool("AvgPool"),
  averagePool("AvgPool3D"),
  {
    // tfjs's own forgets how the number of windows was rounded.
    kernelName: "MaxPool",
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc: (dy, [input, output], attrs) => ({
      x: () => run("MaxPoolGrad", { dy: dy as tf.Tensor, input, output }, attrs),
    }),
  },
  {
    // So does this one.
    ...convolution,
    gradFunc: (dy, saved, attrs) => {
      if (!attrs.dimRoundingMode) return convolution.gradFunc(dy, saved, attrs);
      const [x, filter] = saved, out = dy as tf.Tensor;
      return {
        x: () => run("Conv2DBackpropInput", { dy: out, filter }, { ...attrs, inputShape: x.shape }),
        filter: () => run("Conv2DBackpropFilter", { x, dy: out }, { ...attrs, filterShape: filter.shape }),
      };
    },
  },
  {
    kernelName: "Conv2DBackpropFilter",
    inputsToSave: ["x", "dy"],
    gradFunc: (ddw, [x, dy], attrs) => ({
      x: () =>
        run("Conv2DBackpropInput", { dy, filter: ddw as tf.Tensor }, { ...attrs, inputShape: x.shape }),
      dy: () => run("Conv2D", { x, filter: ddw as tf.Tensor }, { ...attrs, dilations: 1 }),
    }),
  },
  {
    kernelName: "Conv3DBackpropInputV2",
    inputsToSave: ["dy", "filter"],
    gradFunc: (ddx, [dy, filter], attrs) => ({
      dy: () =>
        run("Conv3D", { x: ddx as tf.Tensor, filter }, { dataFormat: "NDHWC", dilations: 1, ...attrs }),
      filter: () =>
        run("Conv3DBackpropFilterV2", { x: ddx as tf.Tensor, dy }, { ...attrs, filterShape: filter.shape }),
    }),
  },
];

/** Gradients of pooling and of resizing, and of the kernels that compute them. */
import * as tf from "../tf.ts";
import type { PoolAttributes } from "../kernels/attributes.ts";
import { offsets, pooling } from "../kernels/pool.ts";
import { NEIGHBOURHOOD } from "./neighbourhood.ts";
import { run } from "./run.ts";
import type { Gradients } from "./types.ts";

const windowsOf = (shape: readonly number[], attrs: tf.NamedAttrMap) =>
  pooling(shape, attrs as unknown as PoolAttributes);

/** By how much each window's gradient must grow, since averages leave out what lies outside and tfjs's gradient does not. */
function correction(input: readonly number[], attrs: tf.NamedAttrMap): tf.Tensor | undefined {
  const { window: { size, strides, padding }, shape } = windowsOf(input, attrs);
  const factors = shape.map((count, axis) => {
    if (axis === 0 || axis === shape.length - 1) return [1];
    return Array.from({ length: count }, (_, at) => {
      const first = at * strides[axis] - padding[axis][0];
      const covered = Math.min(input[axis], first + size[axis]) - Math.max(0, first);
      return size[axis] / Math.max(1, covered);
    });
  });
  if (factors.flat().every((factor) => factor === 1)) return undefined;
  return factors
    .map((list, axis) => tf.reshape(tf.tensor1d(list), shape.map((_, i) => i === axis ? list.length : 1)))
    .reduce((a, b) => tf.mul(a, b));
}

const averagePool = (kernelName: string): Gradients => [
  {
    kernelName,
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({
      x: () => {
        // A single picture comes without its batch axis.
        const rank = kernelName === tf.AvgPool3D ? 5 : 4;
        const whole = (t: tf.Tensor) => t.rank === rank ? t : tf.expandDims(t, 0);
        const factor = correction(whole(x).shape, attrs), d = whole(dy as tf.Tensor);
        const inputs = { dy: factor ? tf.mul(d, factor) : d, input: whole(x) };
        return tf.reshape(run(`${kernelName}Grad`, inputs, attrs), x.shape);
      },
    }),
  },
  {
    kernelName: `${kernelName}Grad`,
    inputsToSave: ["input"],
    gradFunc: (ddx, [input], attrs) => ({
      dy: () => {
        const mean = run(kernelName, { x: ddx as tf.Tensor }, attrs), factor = correction(input.shape, attrs);
        return factor ? tf.div(mean, factor) : mean;
      },
      input: () => tf.zeros(input.shape),
    }),
  },
];

/** Of each window the element of `from` where `x` is (first) largest. */
function atMaxima(from: tf.Tensor, x: tf.Tensor, largest: tf.Tensor, attrs: tf.NamedAttrMap): tf.Tensor {
  const { window: { size, strides, dilation, padding }, shape } = windowsOf(x.shape, attrs);
  const border = padding.map(([low, high]): [number, number] => [low, Math.max(0, high)]);
  const [wide, places] = [tf.pad(from, border), tf.pad(x, border, -Infinity)];
  const part = (t: tf.Tensor, offset: number[]) => {
    const begin = offset.map((k, i) => k * dilation[i]);
    const end = begin.map((first, i) => first + (shape[i] - 1) * strides[i] + 1);
    return tf.stridedSlice(t, begin, end, [...strides]);
  };
  let open = tf.onesLike(largest), sum = tf.zerosLike(largest);
  for (const offset of offsets(size)) {
    const hit = tf.mul(open, tf.cast(tf.equal(part(places, offset), largest), "float32"));
    open = tf.sub(open, hit);
    sum = tf.add(sum, tf.mul(hit, part(wide, offset)));
  }
  return sum;
}

const maxPoolGradient = (kernelName: string): Gradients[number] => ({
  kernelName,
  inputsToSave: ["input", "output"],
  gradFunc: (ddx, [input, output], attrs) => ({
    dy: () => atMaxima(ddx as tf.Tensor, input, output, attrs),
    input: () => tf.zeros(input.shape),
    output: () => tf.zeros(output.shape),
  }),
});

/** What a resized picture gives back is resized again: both are linear. */
const resizeGradient = (kernelName: string): Gradients[number] => ({
  kernelName: `${kernelName}Grad`,
  inputsToSave: ["dy", "images"],
  gradFunc: (ddx, [dy, images], attrs) => ({
    dy: () => run(kernelName, { images: ddx as tf.Tensor }, { ...attrs, size: dy.shape.slice(1, 3) }),
    images: () => tf.zeros(images.shape),
  }),
});

/** Gradients of what looks at windows or between pixels. */
export const WINDOW: Gradients = [
  ...NEIGHBOURHOOD,
  ...averagePool(tf.AvgPool),
  ...averagePool(tf.AvgPool3D),
  {
    // tfjs's own forgets how the number of windows was rounded.
    kernelName: tf.MaxPool,
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc: (dy, [input, output], attrs) => ({
      x: () => run(tf.MaxPoolGrad, { dy: dy as tf.Tensor, input, output }, attrs),
    }),
  },
  maxPoolGradient(tf.MaxPoolGrad),
  maxPoolGradient(tf.MaxPool3DGrad),
  resizeGradient(tf.ResizeBilinear),
  resizeGradient(tf.ResizeNearestNeighbor),
];

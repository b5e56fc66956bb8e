/** Gradients of convolutions, and of the kernels that compute them. */
import * as tf from "../tf.ts";
import { run } from "./run.ts";
import { spread } from "./shape.ts";
import type { Gradients } from "./types.ts";

/** The kernels of one kind of convolution. */
interface Kind {
  readonly forward: string;
  readonly toInput: string;
  readonly toFilter: string;
  /** How many axes a filter slides along. */
  readonly sides: number;
}

const KINDS: readonly Kind[] = [
  { forward: tf.Conv2D, toInput: tf.Conv2DBackpropInput, toFilter: tf.Conv2DBackpropFilter, sides: 2 },
  { forward: tf.Conv3D, toInput: tf.Conv3DBackpropInputV2, toFilter: tf.Conv3DBackpropFilterV2, sides: 3 },
  {
    forward: tf.DepthwiseConv2dNative,
    toInput: tf.DepthwiseConv2dNativeBackpropInput,
    toFilter: tf.DepthwiseConv2dNativeBackpropFilter,
    sides: 2,
  },
];

/** Attributes for kernels that compute gradients, which know no dilation on every backend. */
const undilated = ({ sides }: Kind, attrs: tf.NamedAttrMap): tf.NamedAttrMap => ({
  ...attrs,
  dilations: Array.from({ length: sides }, () => 1),
});

/**
 * TensorFlow.js has no gradient of dilated convolutions, and none of depthwise ones whose channels come first; that of conv2d
 * forgets how the number of windows was rounded. A dilated filter is one with zeros between its taps.
 */
function forward(kind: Kind): Gradients[number] {
  const { forward: kernelName, toInput, toFilter, sides } = kind;
  return {
    kernelName,
    inputsToSave: ["x", "filter"],
    gradFunc(dy, [x, filter], attrs) {
      const out = dy as tf.Tensor, plain = undilated(kind, attrs);
      const given = (attrs.dilations ?? 1) as number | number[];
      const steps = Array.from({ length: sides }, (_, i) => typeof given === "number" ? given : given[i]);
      const size = filter.shape.map((n, i) => i < sides ? (n - 1) * steps[i] + 1 : n);
      return {
        x: () => {
          const wide = steps.reduce((taps, step, axis) => spread(taps, axis, step), filter);
          return run(toInput, { dy: out, filter: wide }, { ...plain, inputShape: x.shape });
        },
        filter: () => {
          const whole = run(toFilter, { x, dy: out }, { ...plain, filterShape: size });
          const between = steps.some((step) => step !== 1);
          return between ? tf.stridedSlice(whole, size.map(() => 0), size, [...steps, 1, 1]) : whole;
        },
      };
    },
  };
}

/** Both are linear in what flows back and in what they meet it with, so each one's gradients are the other two kernels. */
function backward(kind: Kind): Gradients {
  const { forward: kernel, toInput, toFilter, sides } = kind;
  const again = (attrs: tf.NamedAttrMap) => ({
    dataFormat: sides === 3 ? "NDHWC" : "NHWC",
    ...undilated(kind, attrs),
  });
  return [
    {
      kernelName: toInput,
      inputsToSave: ["dy", "filter"],
      gradFunc: (ddx, [dy, filter], attrs) => ({
        dy: () => run(kernel, { x: ddx as tf.Tensor, filter }, again(attrs)),
        filter: () => run(toFilter, { x: ddx as tf.Tensor, dy }, { ...attrs, filterShape: filter.shape }),
      }),
    },
    {
      kernelName: toFilter,
      inputsToSave: ["x", "dy"],
      gradFunc: (ddw, [x, dy], attrs) => ({
        x: () => run(toInput, { dy, filter: ddw as tf.Tensor }, { ...attrs, inputShape: x.shape }),
        dy: () => run(kernel, { x, filter: ddw as tf.Tensor }, again(attrs)),
      }),
    },
  ];
}

/** Gradients of convolutions of two and three axes and of those that keep channels apart, of both orders. */
export const CONVOLUTION: Gradients = KINDS.flatMap((kind) => [forward(kind), ...backward(kind)]);

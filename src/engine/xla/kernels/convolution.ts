import * as tf from "../tf.ts";
import { binary, convert, splat } from "../ir/build.ts";
import { broadcastTo, reshape, reverse, slice } from "../ir/movement.ts";
import { type ElementType, sizeOf, type Value } from "../ir/types.ts";
import { type Convolution, convolution } from "./hlo.ts";
import { planeSides, spaceSides, type WindowAttributes } from "./attributes.ts";
import { activate, type Activation } from "./product.ts";
import type { Call, Lowering, Lowerings } from "./types.ts";

/** The sizes of a convolution, spatial axis by spatial axis. */
interface Sizes {
  /** Of input, filter and result. */
  input: number[];
  filter: number[];
  output: number[];
  strides: number[];
  dilation: number[];
  /** Border before the input. */
  low: number[];
  batch: number;
  inChannels: number;
  outChannels: number;
  /** True when channels come before the spatial axes. */
  channelsFirst: boolean;
}

/** What tfjs says of a convolution of two or three spatial axes. */
function sizesOf(
  x: readonly number[],
  filter: readonly number[],
  attrs: WindowAttributes,
  depthwise = false,
): Sizes {
  const { strides, pad, dataFormat, dimRoundingMode } = attrs, dilations = attrs.dilations ?? 1;
  if (filter.length === 5) {
    const format = dataFormat === "NCDHW" ? "channelsFirst" : "channelsLast";
    const info = tf.backend_util.computeConv3DInfo(
      x as [number, number, number, number, number],
      filter as [number, number, number, number, number],
      spaceSides(strides),
      spaceSides(dilations),
      pad as number | "valid" | "same",
      false,
      format,
      dimRoundingMode,
    );
    return {
      input: [info.inDepth, info.inHeight, info.inWidth],
      filter: [info.filterDepth, info.filterHeight, info.filterWidth],
      output: [info.outDepth, info.outHeight, info.outWidth],
      strides: [info.strideDepth, info.strideHeight, info.strideWidth],
      dilation: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
      low: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
      batch: info.batchSize,
      inChannels: info.inChannels,
      outChannels: info.outChannels,
      channelsFirst: format === "channelsFirst",
    };
  }
  const info = tf.backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    planeSides(strides),
    planeSides(dilations),
    pad,
    dimRoundingMode,
    depthwise,
    tf.backend_util.convertConv2DDataFormat(dataFormat === "NCHW" ? "NCHW" : "NHWC"),
  );
  return {
    input: [info.inHeight, info.inWidth],
    filter: [info.filterHeight, info.filterWidth],
    output: [info.outHeight, info.outWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilation: [info.dilationHeight, info.dilationWidth],
    low: [info.padInfo.top, info.padInfo.left],
    batch: info.batchSize,
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    channelsFirst: info.dataFormat === "channelsFirst",
  };
}

const ones = (s: Sizes) => s.strides.map(() => 1);
const spatial = (s: Sizes) => s.strides.map((_, i) => i).join(", ");

/** The names of a picture's axes: batch, spatial ones, features. */
function pictureAxes(s: Sizes, batch: string, feature: string): string {
  return s.channelsFirst ? `[${batch}, ${feature}, ${spatial(s)}]` : `[${batch}, ${spatial(s)}, ${feature}]`;
}

function pictureShape(s: Sizes, sides: number[], channels: number): number[] {
  return s.channelsFirst ? [s.batch, channels, ...sides] : [s.batch, ...sides, channels];
}

const reach = (s: Sizes, i: number) => (s.filter[i] - 1) * s.dilation[i] + 1;
const span = (s: Sizes, i: number) => (s.output[i] - 1) * s.strides[i] + 1;

function product(precision: Call["precision"], x: Value, filter: Value, c: Convolution): Value {
  const element: ElementType = x.type.element === "i32" && filter.type.element === "i32" ? "i32" : "f32";
  // Sums of nothing, which XLA refuses where a window has no elements.
  if (sizeOf(x.type.shape) === 0 || sizeOf(filter.type.shape) === 0) {
    return splat(x.graph, element, c.shape, 0);
  }
  const operand = precision === "bfloat16" && element === "f32" ? "bf16" : element;
  return convolution(convert(x, operand), convert(filter, operand), c, element);
}

/** The convolution; `groups` as many as channels makes it depthwise. */
function forward(precision: Call["precision"], x: Value, filter: Value, s: Sizes, groups: number): Value {
  return product(precision, x, filter, {
    numbers: `${pictureAxes(s, "b", "f")}x[${spatial(s)}, i, o]->${pictureAxes(s, "b", "f")}`,
    strides: s.strides,
    // The border after is what makes the result as long as tfjs says.
    padding: s.input.map((n, i) => [s.low[i], span(s, i) - 1 + reach(s, i) - n - s.low[i]]),
    spread: ones(s),
    dilation: s.dilation,
    groups,
    shape: pictureShape(s, s.output, s.outChannels),
  });
}

/** The gradient with respect to the input: the result's gradient, spread out, against the turned filter. */
function backToInput(
  precision: Call["precision"],
  given: Value,
  filter: Value,
  s: Sizes,
  groups: number,
): Value {
  // As in tfjs, what a transposed convolution has too much of is left out.
  const dy = slice(given, given.type.shape.map(() => 0), pictureShape(s, s.output, s.outChannels));
  return product(precision, dy, reverse(filter, s.strides.map((_, i) => i)), {
    numbers: `${pictureAxes(s, "b", "f")}x[${spatial(s)}, o, i]->${pictureAxes(s, "b", "f")}`,
    strides: ones(s),
    padding: s.input.map((n, i) => {
      const low = reach(s, i) - 1 - s.low[i];
      return [low, n - 1 + reach(s, i) - span(s, i) - low];
    }),
    spread: s.strides,
    dilation: s.dilation,
    groups,
    shape: pictureShape(s, s.input, s.inChannels),
  });
}

/** The gradient with respect to the filter: the input against the result's gradient, summed over the batch. */
function backToFilter(precision: Call["precision"], x: Value, dy: Value, s: Sizes, groups: number): Value {
  return product(precision, x, dy, {
    numbers: `${pictureAxes(s, "f", "b")}x${pictureAxes(s, "i", "o")}->[${spatial(s)}, b, f]`,
    strides: s.dilation,
    padding: s.input.map((n, i) => [s.low[i], reach(s, i) - 1 + span(s, i) - n - s.low[i]]),
    spread: ones(s),
    dilation: s.strides,
    batchGroups: groups,
    shape: [...s.filter, s.inChannels / groups, s.outChannels],
  });
}

/** A depthwise filter [.., channels, multiplier] as one of grouped convolution, [.., 1, channels · multiplier]. */
function grouped(filter: Value): Value {
  const { shape } = filter.type;
  const sides = shape.slice(0, -2), [channels, multiplier] = shape.slice(-2);
  return reshape(filter, [...sides, 1, channels * multiplier]);
}

function depthwise({ precision, inputs: { x, filter }, attrs }: Call<WindowAttributes>): Value {
  const s = sizesOf(x.type.shape, filter.type.shape, attrs, true);
  return forward(precision, x, grouped(filter), s, s.inChannels);
}

function plain({ precision, inputs: { x, filter }, attrs }: Call<WindowAttributes>): Value {
  const s = sizesOf(x.type.shape, filter.type.shape, attrs);
  // Filters that cover fewer channels than there are form groups.
  return forward(precision, x, filter, s, s.inChannels / filter.type.shape.at(-2)!);
}

const toInput: Lowering<WindowAttributes & { inputShape: number[] }> = (
  { precision, inputs: { dy, filter }, attrs },
) => backToInput(precision, dy, filter, sizesOf(attrs.inputShape, filter.type.shape, attrs), 1);

const toFilter: Lowering<WindowAttributes & { filterShape: number[] }> = (
  { precision, inputs: { x, dy }, attrs },
) => backToFilter(precision, x, dy, sizesOf(x.type.shape, attrs.filterShape, attrs), 1);

/** With bias and activation. A bias of channels that come first has to be laid beside them. */
const fused = (
  convolve: (call: Call<WindowAttributes>) => Value,
): Lowering<WindowAttributes & Activation> =>
(call) => {
  const y = convolve(call), { bias, preluActivationWeights } = call.inputs;
  const first = call.attrs.dataFormat === "NCHW";
  const beside = (v: Value) => first && v.type.shape.length === 1 ? reshape(v, [v.type.shape[0], 1, 1]) : v;
  const sum = bias ? binary("add", y, broadcastTo(beside(bias), y.type.shape)) : y;
  if (!preluActivationWeights) return activate(sum, call);
  return activate(sum, {
    ...call,
    inputs: { ...call.inputs, preluActivationWeights: beside(preluActivationWeights) },
  });
};

/** Convolutions of two and three spatial axes and their gradients. */
export const CONVOLUTION: Lowerings = {
  Conv2D: plain,
  Conv2DBackpropInput: toInput,
  Conv2DBackpropFilter: toFilter,
  Conv3D: plain,
  Conv3DBackpropInputV2: toInput,
  Conv3DBackpropFilterV2: toFilter,
  DepthwiseConv2dNative: depthwise,
  DepthwiseConv2dNativeBackpropInput: ({ precision, inputs: { dy, filter }, attrs }) => {
    const s = sizesOf(attrs.inputShape, filter.type.shape, attrs, true);
    return backToInput(precision, dy, filter, s, s.inChannels);
  },
  DepthwiseConv2dNativeBackpropFilter: ({ precision, inputs: { x, dy }, attrs }) => {
    const s = sizesOf(x.type.shape, attrs.filterShape, attrs, true);
    return reshape(backToFilter(precision, x, dy, s, s.inChannels), attrs.filterShape);
  },
  FusedConv2D: fused(plain),
  FusedDepthwiseConv2D: fused(depthwise),
};

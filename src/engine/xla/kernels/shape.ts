import { compare, constant, convert, iota, like, select, splat } from "../ir/build.ts";
import {
  broadcast,
  broadcastTo,
  concatenate,
  pad,
  reshape,
  reverse,
  slice,
  transpose,
} from "../ir/movement.ts";
import type { Value } from "../ir/types.ts";
import * as tf from "../tf.ts";
import { dtypeOf, elementOf } from "../storage.ts";
import { axesOf, axisOf, holds, listOf, type Lowering, type Lowerings } from "./types.ts";

/**
 * A shape with an axis of length 1 more.
 *
 * @throws {Error} When the axis is out of bounds.
 */
export function expanded(shape: readonly number[], axis: number): number[] {
  const rank = shape.length;
  if (axis < -(rank + 1) || axis > rank) {
    throw new Error(`Axis must be in the interval [${-(rank + 1)}, ${rank}], not ${axis}`);
  }
  return shape.toSpliced(axis < 0 ? rank + axis + 1 : axis, 0, 1);
}

const filled = (number: number): Lowering => ({ inputs }) => like(inputs.x, number);

/** Cuts `size` elements from `begin` along one axis. */
export function sliceAxis(x: Value, axis: number, begin: number, size: number): Value {
  const { shape } = x.type;
  return slice(
    x,
    shape.map((_, i) => i === axis ? begin : 0),
    shape.map((n, i) => i === axis ? begin + size : n),
  );
}

/** Values that are joined, in the first one's element type, as in TensorFlow.js; but no fractions are lost on the way. */
function alike(values: Value[]): Value[] {
  const [{ type: { element } }] = values;
  return values.map((value) => {
    const own = value.type.element;
    if (own === element || (element !== "c64" && holds(element, own))) return convert(value, element);
    throw new Error(
      `xla: ${dtypeOf(element)} and ${dtypeOf(own)} cannot be joined: cast them to one dtype before`,
    );
  });
}

/** Numbers start, start + step, …, computed on the host in double. */
function sequence(start: number, step: number, count: number, dtype: string): Float32Array | Int32Array {
  const numbers = Array.from({ length: count }, (_, i) => start + i * step);
  return dtype === "int32" ? Int32Array.from(numbers) : Float32Array.from(numbers);
}

/** Kernels that move, cut, repeat and make elements. */
export const SHAPE: Lowerings = {
  Identity: ({ inputs }) => inputs.x,
  Reshape: ({ inputs, attrs }) => {
    const size = inputs.x.type.shape.reduce((a, b) => a * b, 1);
    return reshape(inputs.x, tf.util.inferFromImplicitShape(attrs.shape, size));
  },
  ExpandDims: ({ inputs: { input }, attrs }) => {
    return reshape(input, expanded(input.type.shape, attrs.dim));
  },
  Transpose: ({ inputs, attrs }) => transpose(inputs.x, attrs.perm),
  Slice: ({ inputs, attrs }) => {
    const x = { shape: [...inputs.x.type.shape] } as unknown as tf.Tensor;
    const [begin, size] = tf.slice_util.parseSliceParams(x, attrs.begin, attrs.size);
    tf.slice_util.assertParamsValid(x, begin, size);
    return slice(inputs.x, begin, begin.map((from, i) => from + size[i]));
  },
  StridedSlice: ({ inputs, attrs }) => {
    const { x } = inputs;
    const info = tf.slice_util.sliceInfo(
      [...x.type.shape],
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    if (info.finalShapeSparse.some((n: number) => n === 0)) {
      return splat(x.graph, x.type.element, info.finalShape, 0);
    }
    // A negative stride walks backwards: turn the axis round and walk forwards.
    const { shape } = x.type, back = info.strides.map((s: number) => s < 0);
    const turned = reverse(x, shape.map((_, i) => i).filter((i) => back[i]));
    const begin = shape.map((n, i) => back[i] ? n - 1 - info.begin[i] : info.begin[i]);
    const stride = info.strides.map(Math.abs);
    const size = tf.slice_util.computeOutShape(info.begin, info.end, info.strides);
    const end = shape.map((n, i) => Math.min(n, begin[i] + (size[i] - 1) * stride[i] + 1));
    return reshape(slice(turned, begin, end, stride), info.finalShape);
  },
  PadV2: ({ inputs, attrs }) => {
    const { paddings } = attrs;
    return pad(inputs.x, paddings.map((p) => p[0]), paddings.map((p) => p[1]), attrs.constantValue ?? 0);
  },
  Concat: ({ inputs, attrs }) => {
    const values = alike(listOf(inputs));
    return concatenate(values, axisOf(attrs.axis, values[0].type.shape.length));
  },
  Pack: ({ inputs, attrs }) => {
    const given = listOf(inputs), [dtype, other] = new Set(given.map(({ type }) => dtypeOf(type.element)));
    // What joins along an axis that is there may be converted in TensorFlow.js; what is stacked may not.
    if (other) throw new Error(`xla: tf.stack: ${dtype} and ${other}: cast them to one dtype before`);
    const values = alike(given), shape = [...values[0].type.shape];
    for (const { type } of values) tf.util.assertShapesMatch(shape, [...type.shape], "xla: tf.stack: ");
    const axis = axisOf(attrs.axis, shape.length + 1);
    shape.splice(axis, 0, 1);
    return concatenate(values.map((v) => reshape(v, shape)), axis);
  },
  Unpack: ({ inputs: { value }, attrs }) => {
    const axis = axisOf(attrs.axis, value.type.shape.length);
    const shape = value.type.shape.filter((_, i) => i !== axis);
    return Array.from(
      { length: value.type.shape[axis] },
      (_, i) => reshape(sliceAxis(value, axis, i, 1), shape),
    );
  },
  SplitV: ({ inputs: { x }, attrs }) => {
    const axis = axisOf(attrs.axis, x.type.shape.length);
    const sizes: number[] = tf.backend_util.prepareSplitSize(
      { shape: [...x.type.shape] } as unknown as tf.Tensor,
      attrs.numOrSizeSplits,
      axis,
    );
    let at = 0;
    return sizes.map((size) => sliceAxis(x, axis, (at += size) - size, size));
  },
  Tile: ({ inputs: { x }, attrs }) => {
    const { shape } = x.type, { reps } = attrs;
    const wide = shape.flatMap((n, i) => [reps[i], n]);
    return reshape(broadcast(x, wide, shape.map((_, i) => 2 * i + 1)), shape.map((n, i) => n * reps[i]));
  },
  BroadcastTo: ({ inputs, attrs }) => broadcastTo(inputs.x, attrs.shape),
  Reverse: ({ inputs: { x }, attrs }) => {
    return reverse(x, axesOf(attrs.dims, x.type.shape.length));
  },
  Fill: ({ graph, attrs }) =>
    splat(graph, elementOf(attrs.dtype ?? "float32"), attrs.shape, attrs.value as number),
  ZerosLike: filled(0),
  OnesLike: filled(1),
  Range: ({ graph, attrs: { start, stop, step, dtype } }) => {
    const wrong = (start < stop && step < 0) || (stop < start && step > 1) || start === stop;
    const count = wrong ? 0 : Math.abs(Math.ceil((stop - start) / step));
    const by = stop < start && step === 1 ? -1 : step;
    return constant(graph, elementOf(dtype), [count], sequence(start, by, count, dtype));
  },
  LinSpace: ({ graph, attrs: { start, stop, num } }) =>
    constant(graph, "f32", [num], sequence(start, num > 1 ? (stop - start) / (num - 1) : 0, num, "float32")),
  OneHot: ({ graph, inputs: { indices }, attrs: { depth, onValue, offValue, dtype } }) => {
    const shape = [...indices.type.shape, depth], element = elementOf(dtype ?? "int32");
    const index = broadcast(convert(indices, "i32"), shape, indices.type.shape.map((_, i) => i));
    const hit = compare("EQ", index, iota(graph, "i32", shape, shape.length - 1));
    return select(
      hit,
      splat(graph, element, shape, onValue ?? 1),
      splat(graph, element, shape, offValue ?? 0),
    );
  },
};

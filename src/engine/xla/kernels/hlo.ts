/** StableHLO operations that few kernels need, written by their text. */
import { neutral, splat, text, texts } from "../ir/build.ts";
import { elementText } from "../ir/literals.ts";
import { reshape, slice } from "../ir/movement.ts";
import {
  type ElementType,
  isExactProduct,
  type ReducerName,
  sizeOf,
  type TensorType,
  type Value,
} from "../ir/types.ts";

const array = (numbers: readonly number[]) =>
  numbers.length ? `array<i64: ${numbers.join(", ")}>` : "array<i64>";
const list = (numbers: readonly number[]) => `[${numbers.join(", ")}]`;
const scalar = (element: ElementType) => `tensor<${elementText(element)}>`;

const HIGHEST = "#stablehlo<precision HIGHEST>";

/** Border before and after each axis. */
export type Borders = readonly (readonly [number, number])[];

const borders = (pairs: Borders) => `dense<[${pairs.map(list).join(", ")}]> : tensor<${pairs.length}x2xi64>`;

/** A region of two scalars that gives what a StableHLO function of them gives, or the second one. */
function reducer(name: ReducerName | "second", element: ElementType): string {
  const type = scalar(element);
  const result = name === "second" ? "%i_b" : "%i_c";
  const body = name === "second" ? "" : `%i_c = stablehlo.${name} %i_a, %i_b : ${type} `;
  return `({ ^bb0(%i_a: ${type}, %i_b: ${type}): ${body} stablehlo.return ${result} : ${type} })`;
}

/** A windowed product sum over any number of spatial axes. */
export interface Convolution {
  /** Which axis of each is what, such as `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]`. */
  numbers: string;
  strides: readonly number[];
  padding: Borders;
  /** Gaps in the first operand. */
  spread: readonly number[];
  /** Gaps in the second operand. */
  dilation: readonly number[];
  groups?: number;
  batchGroups?: number;
  shape: readonly number[];
}

/** A convolution (without turning the filter round). */
export function convolution(x: Value, filter: Value, c: Convolution, element: ElementType): Value {
  return text(
    x.graph,
    `"stablehlo.convolution"(%0, %1) <{window_strides = ${array(c.strides)}, padding = ${
      borders(c.padding)
    }, ` +
      `lhs_dilation = ${array(c.spread)}, rhs_dilation = ${array(c.dilation)}, ` +
      `dimension_numbers = #stablehlo.conv<${c.numbers}>, feature_group_count = ${c.groups ?? 1} : i64, ` +
      `batch_group_count = ${c.batchGroups ?? 1} : i64${
        isExactProduct(x) ? `, precision_config = [${HIGHEST}, ${HIGHEST}]` : ""
      }}> : (%t0, %t1) -> %r`,
    [x, filter],
    { element, shape: c.shape },
    convolutionFlops(filter, c),
  );
}

/** Two operations for each element of the result and each of the filter that it meets, but none for the gaps. */
function convolutionFlops(filter: Value, c: Convolution): number {
  const axes = c.numbers.split("x")[1].split("->")[0].replace(/[[\] ]/g, "").split(",");
  const met = sizeOf(filter.type.shape) / filter.type.shape[axes.indexOf("o")];
  return 2 * sizeOf(c.shape) * met / sizeOf(c.spread);
}

/** A window for each axis. */
export interface Window {
  size: readonly number[];
  strides: readonly number[];
  dilation: readonly number[];
  padding: Borders;
}

/** Where a window's axis has its results: their number; negative where the window is longer than the axis. */
function windowCount(
  n: number,
  size: number,
  stride: number,
  dilation: number,
  low: number,
  high: number,
) {
  return Math.floor((n + low + high - (size - 1) * dilation - 1) / stride) + 1;
}

/** Reduces each window; places outside of `x` do not count. */
export function reduceWindow(name: ReducerName, x: Value, window: Window): Value {
  const { element, shape } = x.type, { size, strides, dilation, padding } = window;
  const initial = splat(x.graph, element, [], neutral(name, element));
  return text(
    x.graph,
    `"stablehlo.reduce_window"(%0, %1) <{window_dimensions = ${array(size)}, window_strides = ${
      array(strides)
    }, ` +
      `window_dilations = ${array(dilation)}, padding = ${borders(padding)}}> ${reducer(name, element)} ` +
      `: (%t0, %t1) -> %r`,
    [x, initial],
    {
      element,
      shape: shape.map((n, i) => windowCount(n, size[i], strides[i], dilation[i], ...padding[i])),
    },
  );
}

/** Adds each of `source` to the place of `x`'s shape where its window has the (first) largest element. */
export function scatterToMaxima(x: Value, source: Value, window: Omit<Window, "dilation">): Value {
  const type = scalar(x.type.element);
  return text(
    x.graph,
    `"stablehlo.select_and_scatter"(%0, %1, %2) <{window_dimensions = ${array(window.size)}, ` +
      `window_strides = ${array(window.strides)}, padding = ${borders(window.padding)}}> ` +
      `({ ^bb0(%i_a: ${type}, %i_b: ${type}): %i_c = stablehlo.compare GE, %i_a, %i_b : (${type}, ${type}) -> ` +
      `tensor<i1> stablehlo.return %i_c : tensor<i1> }, ` +
      `${reducer("add", x.type.element).slice(1, -1).replaceAll("%i_", "%i_s")}) : (%t0, %t1, %t2) -> %r`,
    [x, source, splat(x.graph, x.type.element, [], 0)],
    x.type,
  );
}

/** Where slices are taken from an operand. */
export interface Gather {
  /** Axes of the result that come from the slice. */
  offset: readonly number[];
  /** Axes of the operand, cut to length 1, that the result lacks. */
  collapsed: readonly number[];
  /** Axes of operand and indices that go together. */
  batch?: readonly [readonly number[], readonly number[]];
  /** The operand's axis of each part of an index. */
  map: readonly number[];
  /** The axis of `indices` that holds an index's parts; its rank when indices are single numbers. */
  vector: number;
  sizes: readonly number[];
  shape: readonly number[];
}

/** Takes slices at given places; a place outside is moved to the nearest inside. */
export function gather(x: Value, indices: Value, g: Gather): Value {
  // Nothing can be taken of an axis without elements, which XLA would refuse.
  if (sizeOf(g.shape) === 0) return splat(x.graph, x.type.element, g.shape, 0);
  const [operandBatch, indexBatch] = g.batch ?? [[], []];
  return text(
    x.graph,
    `"stablehlo.gather"(%0, %1) <{dimension_numbers = #stablehlo.gather<offset_dims = ${list(g.offset)}, ` +
      `collapsed_slice_dims = ${list(g.collapsed)}, operand_batching_dims = ${list(operandBatch)}, ` +
      `start_indices_batching_dims = ${list(indexBatch)}, start_index_map = ${list(g.map)}, ` +
      `index_vector_dim = ${g.vector}>, slice_sizes = ${array(g.sizes)}, indices_are_sorted = false}> ` +
      `: (%t0, %t1) -> %r`,
    [x, indices],
    { element: x.type.element, shape: g.shape },
  );
}

/** Where updates go in an operand. */
export interface Scatter {
  /** Axes of the updates that are within a slice. */
  window: readonly number[];
  /** Axes of the operand that the updates lack. */
  inserted: readonly number[];
  map: readonly number[];
  vector: number;
}

/** Combines updates into an operand; updates for places outside are left out. */
export function scatter(
  name: ReducerName | "second",
  x: Value,
  indices: Value,
  updates: Value,
  s: Scatter,
): Value {
  return text(
    x.graph,
    `"stablehlo.scatter"(%0, %1, %2) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = ` +
      `${list(s.window)}, inserted_window_dims = ${list(s.inserted)}, scatter_dims_to_operand_dims = ` +
      `${
        list(s.map)
      }, index_vector_dim = ${s.vector}>, indices_are_sorted = false, unique_indices = false}> ` +
      `${reducer(name, x.type.element)} : (%t0, %t1, %t2) -> %r`,
    [x, indices, updates],
    x.type,
  );
}

/** Sorts along an axis, largest first, and a second value with it; equal ones keep their order. */
export function sortDescending(keys: Value, beside: Value, axis: number): [Value, Value] {
  const key = scalar(keys.type.element), other = scalar(beside.type.element);
  const order = keys.type.element === "f32" ? ", FLOAT" : ", SIGNED";
  const types: TensorType[] = [keys.type, beside.type];
  const [first, second] = texts(
    keys.graph,
    `"stablehlo.sort"(%0, %1) <{dimension = ${axis} : i64, is_stable = true}> ({ ^bb0(%i_a: ${key}, %i_b: ${key}, ` +
      `%i_c: ${other}, %i_d: ${other}): %i_p = stablehlo.compare GT, %i_a, %i_b${order} : (${key}, ${key}) -> ` +
      `tensor<i1> stablehlo.return %i_p : tensor<i1> }) : (%t0, %t1) -> (%t0, %t1)`,
    [keys, beside],
    types,
  );
  return [first, second];
}

/** The discrete Fourier transform of the last axis. */
export function fourier(kind: "FFT" | "IFFT", x: Value): Value {
  const length = x.type.shape[x.type.shape.length - 1];
  return text(
    x.graph,
    `"stablehlo.fft"(%0) <{fft_type = #stablehlo<fft_type ${kind}>, fft_length = array<i64: ${length}>}> : (%t0) -> %r`,
    [x],
    x.type,
  );
}

/** A slice of fixed size whose first place is given by a vector of numbers. */
export function dynamicSlice(x: Value, begin: Value, size: readonly number[]): Value {
  const starts = x.type.shape.map((_, i) => reshape(slice(begin, [i], [i + 1]), []));
  const types = starts.map((_, i) => `%t${i + 1}`).join(", ");
  return text(
    x.graph,
    `"stablehlo.dynamic_slice"(%0, ${starts.map((_, i) => `%${i + 1}`).join(", ")}) ` +
      `<{slice_sizes = ${array(size)}}> : (%t0, ${types}) -> %r`,
    [x, ...starts],
    { element: x.type.element, shape: size },
  );
}

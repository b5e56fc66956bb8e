import * as tf from "../tf.ts";
import { binary, compare, constant, convert, iota, like, neutral, select, splat } from "../ir/build.ts";
import { broadcast, pad, slice } from "../ir/movement.ts";
import { isFloat, sizeOf, type Value } from "../ir/types.ts";
import { reduceWindow, scatterToMaxima, type Window } from "./hlo.ts";
import { planeSides, type PoolAttributes, spaceSides } from "./attributes.ts";
import { floating, type Lowering, type Lowerings } from "./types.ts";

/** The window over [batch, …sides, channels], and the shape of the result. */
export interface Pooling {
  window: Window;
  shape: number[];
}

/**
 * The windows of a pooling of [batch, …sides, channels].
 *
 * @throws {Error} When the channels of a volume come first.
 */
export function pooling(shape: readonly number[], attrs: PoolAttributes): Pooling {
  const { filterSize, strides, pad, dimRoundingMode, dataFormat } = attrs, dilations = attrs.dilations ?? 1;
  const axes = shape.length === 5 ? ["Depth", "Height", "Width"] : ["Height", "Width"];
  const before = shape.length === 5 ? ["front", "top", "left"] : ["top", "left"];
  if (shape.length === 5 && dataFormat === "NCDHW") {
    throw new Error("xla: pooling of NCDHW is not there, in TensorFlow.js neither; transpose to NDHWC");
  }
  const info = (shape.length === 5
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
      planeSides(dilations),
      pad,
      dimRoundingMode,
    )) as unknown as Record<string, number> & { padInfo: Record<string, number> };
  const of = (name: string) => [1, ...axes.map((axis) => info[name + axis]), 1];
  const size = of("filter"), step = of("stride"), dilation = of("dilation");
  const out = [shape[0], ...axes.map((axis) => info["out" + axis]), shape.at(-1)!];
  const low = [0, ...before.map((side) => info.padInfo[side]), 0];
  // The border after is what makes the result as long as tfjs says.
  const high = out.map((n, i) => (n - 1) * step[i] + (size[i] - 1) * dilation[i] + 1 - shape[i] - low[i]);
  return { window: { size, strides: step, dilation, padding: low.map((n, i) => [n, high[i]]) }, shape: out };
}

/** reduce_window takes no negative border: what no window reaches is cut off first. */
function cut(x: Value, window: Window): [Value, Window] {
  const zero = x.type.shape.map(() => 0);
  return [
    pad(x, zero, window.padding.map(([, high]) => Math.min(0, high))),
    { ...window, padding: window.padding.map(([low, high]) => [low, Math.max(0, high)]) },
  ];
}

/** How many elements of `x` each window covers, at least 1; borders do not count. */
function counts(x: Value, { window, shape }: Pooling): Value {
  const { size, strides, dilation, padding } = window;
  return shape.slice(1, -1).map((n, axis) => {
    const i = axis + 1;
    const covered = Float32Array.from(
      { length: n },
      (_, at) =>
        Array.from({ length: size[i] }, (_, k) => at * strides[i] - padding[i][0] + k * dilation[i])
          .filter((place) => place >= 0 && place < x.type.shape[i]).length,
    );
    return broadcast(constant(x.graph, "f32", [n], covered.map((count) => Math.max(1, count))), shape, [i]);
  }).reduce((a, b) => binary("multiply", a, b));
}

/** Replaces NaN by the smallest number, because tfjs never takes NaN as the largest. */
const numbers = (x: Value) =>
  isFloat(x.type.element) ? select(compare("NE", x, x), like(x, -Infinity), x) : x;

const maxPool: Lowering<PoolAttributes> = ({ inputs: { x }, attrs }) =>
  reduceWindow("maximum", ...cut(numbers(x), pooling(x.type.shape, attrs).window));

const averagePool: Lowering<PoolAttributes> = ({ inputs: { x }, attrs }) => {
  const p = pooling(x.type.shape, attrs), { element } = x.type;
  const sum = reduceWindow("add", ...cut(isFloat(element) ? x : convert(x, "f32"), p.window));
  return convert(binary("divide", sum, counts(x, p)), element);
};

/** The gradient goes to each window's (first) largest element. */
const maxPoolGradient: Lowering<PoolAttributes> = ({ inputs: { dy, input }, attrs }) => {
  const { window } = pooling(input.type.shape, attrs);
  const [x, inside] = cut(numbers(input), window);
  const dx = scatterToMaxima(x, dy, inside);
  return pad(dx, dx.type.shape.map(() => 0), input.type.shape.map((n, i) => n - dx.type.shape[i]));
};

/**
 * The gradient is shared by all places of a window, those outside of the input too, as tfjs's kernels do it (its gradient
 * function makes up for that, see gradients/window.ts): each element sums over the windows that cover it.
 */
const averagePoolGradient: Lowering<PoolAttributes> = ({ inputs: { dy, input }, attrs }) => {
  const p = pooling(input.type.shape, attrs), { size, strides, padding } = p.window;
  const share = binary("divide", dy, like(dy, sizeOf(size)));
  const zero = size.map(() => 0);
  const spread = pad(share, zero, zero, 0, strides.map((s) => s - 1));
  const low = size.map((k, i) => k - 1 - padding[i][0]);
  const high = size.map((k, i) => input.type.shape[i] + k - 1 - spread.type.shape[i] - low[i]);
  const ones = size.map(() => 1);
  return reduceWindow("add", pad(spread, low, high), {
    size,
    strides: ones,
    dilation: ones,
    padding: size.map(() => [0, 0]),
  });
};

/**
 * The elements of all windows that have one offset from their window's corner, and their places along each axis.
 *
 * @param fill what elements outside of `x` are
 */
export function windowElements(
  x: Value,
  window: Window,
  shape: readonly number[],
  offset: readonly number[],
  fill: number,
): Value {
  const { padding, strides, dilation } = window;
  const low = padding.map(([n]) => Math.max(0, n)), high = padding.map(([, n]) => Math.max(0, n));
  const begin = offset.map((k, i) => k * dilation[i]);
  const end = begin.map((from, i) => from + (shape[i] - 1) * strides[i] + 1);
  return slice(pad(x, low, high, fill), begin, end, strides);
}

/** All offsets from a window's corner, row by row. */
export function offsets(size: readonly number[]): number[][] {
  return size.reduce<number[][]>(
    (all, n) => all.flatMap((o) => Array.from({ length: n }, (_, k) => [...o, k])),
    [[]],
  );
}

const maxPoolWithArgmax: Lowering<tf.MaxPoolWithArgmaxAttrs> = ({ graph, inputs: { x }, attrs }) => {
  const { window, shape } = pooling(x.type.shape, attrs), [, height, width, channels] = x.type.shape;
  const places = windowPlaces(x, window, shape);
  // Not-a-number is never larger.
  let best = splat(graph, x.type.element, shape, neutral("maximum", x.type.element));
  let where = splat(graph, "i32", shape, -1);
  for (const offset of offsets(window.size)) {
    const value = windowElements(x, window, shape, offset, -Infinity);
    const [row, column] = places(offset);
    let index = binary("add", binary("multiply", row, like(row, width)), column);
    index = binary("add", binary("multiply", index, like(index, channels)), iota(graph, "i32", shape, 3));
    if (attrs.includeBatchInIndex) {
      const batch = iota(graph, "i32", shape, 0);
      index = binary("add", index, binary("multiply", batch, like(batch, height * width * channels)));
    }
    const better = compare("GT", value, best);
    where = select(better, index, where);
    best = select(better, value, best);
  }
  return [best, where];
};

/** The row and column in `x` that an offset from the windows' corners means. */
function windowPlaces(x: Value, { strides, dilation, padding }: Window, shape: readonly number[]) {
  return (offset: readonly number[]): [Value, Value] => {
    const along = (axis: number) => {
      const first = iota(x.graph, "i32", shape, axis);
      const scaled = binary("multiply", first, like(first, strides[axis]));
      return binary("add", scaled, like(scaled, offset[axis] * dilation[axis] - padding[axis][0]));
    };
    return [along(1), along(2)];
  };
}

/** The sum of squares of the channels within a radius. */
function neighbours(x: Value, radius: number): Value {
  const last = x.type.shape.length - 1;
  const only = (n: number, other: number) => x.type.shape.map((_, i) => i === last ? n : other);
  return reduceWindow("add", x, {
    size: only(2 * radius + 1, 1),
    strides: only(1, 1),
    dilation: only(1, 1),
    padding: x.type.shape.map((_, i) => i === last ? [radius, radius] : [0, 0]),
  });
}

function normaliser(x: Value, { depthRadius, bias, alpha }: tf.LRNAttrs): Value {
  const sum = neighbours(binary("multiply", x, x), depthRadius);
  return binary("add", binary("multiply", sum, like(sum, alpha)), like(sum, bias));
}

/** Pooling and what else looks at windows of its input. */
export const POOL: Lowerings = {
  MaxPool: maxPool,
  MaxPool3D: maxPool,
  AvgPool: averagePool,
  AvgPool3D: averagePool,
  MaxPoolGrad: maxPoolGradient,
  MaxPool3DGrad: maxPoolGradient,
  AvgPoolGrad: averagePoolGradient,
  AvgPool3DGrad: averagePoolGradient,
  MaxPoolWithArgmax: maxPoolWithArgmax,
  LRN: ({ inputs, attrs }) => {
    const x = floating(inputs.x);
    const norm = normaliser(x, attrs);
    return binary("multiply", x, binary("power", norm, like(norm, -attrs.beta)));
  },
  LRNGrad: ({ inputs: { x, y, dy }, attrs }) => {
    const norm = normaliser(x, attrs), { depthRadius, alpha, beta } = attrs;
    const direct = binary("multiply", dy, binary("power", norm, like(norm, -beta)));
    const shared = neighbours(binary("divide", binary("multiply", dy, y), norm), depthRadius);
    return binary(
      "subtract",
      direct,
      binary("multiply", binary("multiply", shared, x), like(x, 2 * alpha * beta)),
    );
  },
};

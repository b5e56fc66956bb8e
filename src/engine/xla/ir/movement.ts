/**
 * Functions that record one operation each, of those that move elements and compute nothing. They check shapes and leave
 * out what does nothing (a reshape to the same shape, a transpose that keeps the order).
 */
import { splat } from "./build.ts";
import { record } from "./record.ts";
import { sameShape, sizeOf, type Value } from "./types.ts";

/** Repeats a value: axis i of `x` becomes axis `axes[i]` of the result. */
export function broadcast(x: Value, shape: readonly number[], axes: readonly number[]): Value {
  if (sameShape(x.type.shape, shape) && axes.every((axis, i) => axis === i)) return x;
  const number = x.operation.op === "splat" ? x.operation.value : undefined;
  if (number !== undefined) return splat(x.graph, x.type.element, shape, number);
  return record(x.graph, { op: "broadcast", axes }, [x], { element: x.type.element, shape });
}

/**
 * Broadcasting as NumPy does it: axes are matched from the right, lengths of 1 are repeated.
 *
 * @throws {Error} When the value cannot have that shape.
 */
export function broadcastTo(x: Value, shape: readonly number[]): Value {
  const from = x.type.shape, shift = shape.length - from.length;
  if (sameShape(from, shape)) return x;
  if (shift < 0 || from.some((n, i) => n !== 1 && n !== shape[i + shift])) {
    throw new Error(`xla: shape [${from}] does not broadcast to [${shape}]`);
  }
  // StableHLO may repeat an axis of length 1, so no reshape is needed.
  return broadcast(x, shape, from.map((_, i) => i + shift));
}

/** The shape that NumPy's broadcasting gives two shapes. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1, y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`xla: shapes [${a}] and [${b}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

/**
 * The same elements in row-major order under another shape.
 *
 * @throws {Error} When the shapes have another number of elements.
 */
export function reshape(x: Value, shape: readonly number[]): Value {
  if (sameShape(x.type.shape, shape)) return x;
  if (sizeOf(x.type.shape) !== sizeOf(shape)) {
    throw new Error(`xla: [${x.type.shape}] cannot be reshaped to [${shape}]: another number of elements`);
  }
  if (x.operation.op === "reshape") return reshape(x.operands[0], shape);
  if (x.operation.op === "splat") return splat(x.graph, x.type.element, shape, x.operation.value);
  return record(x.graph, { op: "reshape" }, [x], { element: x.type.element, shape });
}

/**
 * Axis i of the result is axis `order[i]` of `x`.
 *
 * @throws {Error} When the order does not name each axis once.
 */
export function transpose(x: Value, order: readonly number[]): Value {
  const from = x.type.shape;
  if (order.length !== from.length || from.some((_, i) => !order.includes(i))) {
    throw new Error(`xla: the axes of shape [${from}] cannot be transposed to the order [${order}]`);
  }
  if (order.every((axis, i) => axis === i)) return x;
  const shape = order.map((axis) => x.type.shape[axis]);
  if (x.operation.op === "splat") return reshape(x, shape);
  if (x.operation.op === "transpose") {
    const inner = x.operation.order;
    return transpose(x.operands[0], order.map((axis) => inner[axis]));
  }
  return record(x.graph, { op: "transpose", order }, [x], { element: x.type.element, shape });
}

/**
 * Elements from `begin` (inclusive) to `end` (exclusive), every `stride`-th.
 *
 * @throws {Error} When the value has none there.
 */
export function slice(
  x: Value,
  begin: readonly number[],
  end: readonly number[],
  stride: readonly number[] = begin.map(() => 1),
): Value {
  const shape = begin.map((from, i) => Math.max(0, Math.ceil((end[i] - from) / stride[i])));
  if (sameShape(shape, x.type.shape) && stride.every((s) => s === 1)) return x;
  if (x.type.shape.some((n, i) => !(begin[i] >= 0 && begin[i] <= end[i] && end[i] <= n))) {
    throw new Error(`xla: shape [${x.type.shape}] has no part from [${begin}] to [${end}]`);
  }
  return record(x.graph, { op: "slice", begin, end, stride }, [x], { element: x.type.element, shape });
}

/**
 * Adds a border (negative: cuts one off) and gaps between elements, filled with a number or a scalar value.
 *
 * @throws {Error} When the border is for another number of axes.
 */
export function pad(
  x: Value,
  low: readonly number[],
  high: readonly number[],
  fill: number | Value = 0,
  interior: readonly number[] = low.map(() => 0),
): Value {
  if (low.length !== x.type.shape.length) {
    throw new Error(`xla: a border on ${low.length} axes for shape [${x.type.shape}]: each axis needs one`);
  }
  const shape = x.type.shape.map((n, i) => n + low[i] + high[i] + Math.max(0, n - 1) * interior[i]);
  if ([...low, ...high, ...interior].every((n) => n === 0)) return x;
  const filling = typeof fill === "number" ? splat(x.graph, x.type.element, [], fill) : fill;
  return record(x.graph, { op: "pad", low, high, interior }, [x, filling], {
    element: x.type.element,
    shape,
  });
}

/**
 * Values one after the other along an axis.
 *
 * @throws {Error} When their other axes differ.
 */
export function concatenate(values: Value[], axis: number): Value {
  if (values.length === 1) return values[0];
  const [first] = values, rest = ({ type }: Value) => type.shape.toSpliced(axis, 1);
  const other = values.find((value) => !sameShape(rest(value), rest(first)));
  if (other) {
    throw new Error(
      `xla: shapes [${first.type.shape}] and [${other.type.shape}] cannot be joined along axis ${axis}: ` +
        "all other axes must be the same",
    );
  }
  const shape = first.type.shape.map((n, i) =>
    i === axis ? values.reduce((sum, v) => sum + v.type.shape[i], 0) : n
  );
  return record(first.graph, { op: "concatenate", axis }, values, { element: first.type.element, shape });
}

/** The same elements with the order along some axes turned round. */
export function reverse(x: Value, axes: readonly number[]): Value {
  if (axes.length === 0) return x;
  return record(x.graph, { op: "reverse", axes }, [x], x.type);
}

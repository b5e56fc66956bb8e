/**
 * Functions that record one operation each; those that only move elements are in movement.ts. They check types and
 * leave out what does nothing (a product with 1, a conversion to the same type).
 */
import { partsOf } from "./sharding.ts";
import { record } from "./record.ts";
import {
  type BinaryName,
  type Comparison,
  type DotAxes,
  type ElementType,
  type Graph,
  isFloat,
  type Lay,
  type ReducerName,
  sameShape,
  type TensorType,
  type UnaryName,
  type Value,
} from "./types.ts";

/** A new parameter of the program. */
export function parameter(graph: Graph, type: TensorType): Value {
  const value = record(graph, { op: "parameter", index: graph.parameters.length }, [], type);
  graph.parameters.push(value);
  return value;
}

/** A value that is the same number everywhere. */
export function splat(graph: Graph, element: ElementType, shape: readonly number[], value: number): Value {
  return record(graph, { op: "splat", value }, [], { element, shape });
}

/** A number with the type of another value. */
export function like(value: Value, number: number): Value {
  return splat(value.graph, value.type.element, value.type.shape, number);
}

/** A constant from host data in row-major order. */
export function constant(
  graph: Graph,
  element: ElementType,
  shape: readonly number[],
  data: ArrayBufferView,
): Value {
  return record(graph, { op: "constant", data }, [], { element, shape });
}

/** The index along an axis, everywhere. */
export function iota(graph: Graph, element: ElementType, shape: readonly number[], axis: number): Value {
  return record(graph, { op: "iota", axis }, [], { element, shape });
}

/** The number that a value holds everywhere, if that is known while recording. */
export function splatOf(value: Value): number | undefined {
  const { operation } = value;
  if (operation.op === "splat") return operation.value;
  if (operation.op === "broadcast" || operation.op === "reshape") return splatOf(value.operands[0]);
  return undefined;
}

/** An elementwise function of one operand. */
export function unary(name: UnaryName, x: Value): Value {
  let element = x.type.element;
  if (name === "is_finite") element = "pred";
  if (element === "c64" && (name === "real" || name === "imag" || name === "abs")) element = "f32";
  return record(x.graph, { op: "unary", name }, [x], { element, shape: x.type.shape });
}

function requireSame(what: string, a: Value, b: Value) {
  if (a.type.element !== b.type.element || !sameShape(a.type.shape, b.type.shape)) {
    throw new Error(
      `xla: ${what} of ${describe(a.type)} and ${describe(b.type)}: the types must be the same`,
    );
  }
}

const describe = (type: TensorType) => `${type.element}[${type.shape}]`;

/** An elementwise function of two operands of one type. */
export function binary(name: BinaryName, a: Value, b: Value): Value {
  requireSame(name, a, b);
  const left = splatOf(a), right = splatOf(b);
  if (isFloat(a.type.element)) {
    // Exact for every number, not-a-number included.
    if (name === "multiply" && right === 1) return a;
    if (name === "multiply" && left === 1) return b;
    if ((name === "divide" || name === "power") && right === 1) return a;
    if (name === "subtract" && right === 0) return a;
  }
  const element = name === "complex" ? "c64" : a.type.element;
  return record(a.graph, { op: "binary", name }, [a, b], { element, shape: a.type.shape });
}

/** A truth value for each pair of elements. */
export function compare(direction: Comparison, a: Value, b: Value): Value {
  requireSame("comparison", a, b);
  return record(a.graph, { op: "compare", direction }, [a, b], { element: "pred", shape: a.type.shape });
}

/** `yes` where the condition holds, `no` elsewhere. */
export function select(condition: Value, yes: Value, no: Value): Value {
  requireSame("select", yes, no);
  return record(yes.graph, { op: "select" }, [condition, yes, no], yes.type);
}

/** The same values in another element type. */
export function convert(x: Value, element: ElementType): Value {
  if (x.type.element === element) return x;
  const number = splatOf(x);
  if (number !== undefined && element !== "pred" && (isFloat(element) || Number.isInteger(number))) {
    return splat(x.graph, element, x.type.shape, number);
  }
  // Every bfloat16 is a float32, so there and back changes nothing.
  const [from] = x.operands;
  const back = x.operation.op === "convert" && from.type.element === element;
  if (back && element === "bf16" && x.type.element === "f32") return from;
  return record(x.graph, { op: "convert" }, [x], { element, shape: x.type.shape });
}

/** A product of two values: batch axes first, then the free axes of `a`, then those of `b`. */
export function dot(a: Value, b: Value, axes: DotAxes, element: ElementType = a.type.element): Value {
  const free = (v: Value, i: 0 | 1) =>
    v.type.shape.filter((_, k) => !axes.batch[i].includes(k) && !axes.contract[i].includes(k));
  const shape = [...axes.batch[0].map((k) => a.type.shape[k]), ...free(a, 0), ...free(b, 1)];
  return record(a.graph, { op: "dot", axes }, [a, b], { element, shape });
}

/** The value that a reduction of nothing gives. */
export function neutral(name: ReducerName, element: ElementType): number {
  const largest = isFloat(element) ? Infinity : element === "i32" ? 2147483647 : 1;
  const least = isFloat(element) ? -Infinity : element === "i32" ? -2147483648 : 0;
  const values = { add: 0, or: 0, multiply: 1, and: 1, maximum: least, minimum: largest };
  return values[name];
}

/** Reduces axes away. */
export function reduce(name: ReducerName, x: Value, axes: readonly number[]): Value {
  if (axes.length === 0) return x;
  const shape = x.type.shape.filter((_, i) => !axes.includes(i));
  const initial = splat(x.graph, x.type.element, [], neutral(name, x.type.element));
  return record(x.graph, { op: "reduce", name, axes }, [x, initial], { element: x.type.element, shape });
}

/** Any other StableHLO operation by its text; see {@linkcode Operation}. */
export function text(
  graph: Graph,
  body: string,
  operands: Value[],
  type: TensorType,
  flops?: number,
): Value {
  return record(graph, { op: "text", text: body, flops }, operands, type);
}

/** Says how a value's first axis lies split over the program's devices, where it has several that share it evenly. */
export function split(x: Value, lay: Lay = "rows"): Value {
  const { graph, type } = x;
  if (lay === "whole") return graph.mesh ? record(graph, { op: "split", lay }, [x], type) : x;
  const parts = graph.mesh ? partsOf(lay, graph.mesh) : 1;
  if (parts === 1 || type.shape.length === 0 || type.shape[0] % parts !== 0) return x;
  return record(graph, { op: "split", lay }, [x], type);
}

/** As {@linkcode text} for an operation with several results. */
export function texts(
  graph: Graph,
  body: string,
  operands: Value[],
  types: readonly TensorType[],
  flops?: number,
): Value[] {
  const all = record(graph, { op: "text", text: body, results: types.length, flops }, operands, types[0]);
  return types.map((type, index) => record(graph, { op: "result", index }, [all], type));
}

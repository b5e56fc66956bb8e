import * as tf from "../tf.ts";
import { constant, convert, parameter, splat } from "../ir/build.ts";
import { reshape } from "../ir/movement.ts";
import { type Graph, newGraph, type Target, type TensorType, type Value } from "../ir/types.ts";
import { elementOf, type Entry, hostData, SMALL, typeOfEntry, uniform } from "../storage.ts";
import type { Precision } from "../types.ts";

/** A function that is being recorded. */
export interface Trace {
  readonly graph: Graph;
  /** Of products that are recorded from now on. */
  precision: Precision;
  /**
   * Data of tensors that the function used but did not get as arguments, and variables, with the parameters that stand for
   * them. A tensor that shares a variable's data, such as its clone, goes on to hold them when the variable is assigned to.
   */
  readonly captures: Map<tf.DataId | tf.Variable, Value>;
}

/** Starts a recording. */
export function newTrace(precision: Precision, target: Target): Trace {
  return {
    graph: newGraph({ ...target, exact: precision === "float32" }),
    precision,
    captures: new Map(),
  };
}

/** A value in the type and shape that tfjs believes it has. */
export function logical(value: Value, shape: readonly number[], dtype: string): Value {
  return reshape(convert(value, elementOf(dtype)), shape);
}

/**
 * The traced value of a tensor. Small host arrays become constants; anything else that comes from outside becomes a
 * parameter, whose buffer is passed at every call. A variable is always one, for it may hold something else then.
 * @throws {Error} When it is a value of another traced function.
 */
export function valueOf(trace: Trace, entry: Entry, info: tf.TensorInfo): Value {
  const { graph } = trace;
  if (entry.value) {
    if (entry.value.graph !== graph) {
      throw new Error("xla: a value of one traced function was used inside another");
    }
    return logical(entry.value, info.shape, info.dtype);
  }
  const element = elementOf(entry.dtype), isVariable = info instanceof tf.Variable;
  if (!isVariable && entry.host && !entry.buffer && element !== "c64") {
    const host = hostData(entry), same = uniform(host);
    if (same !== undefined) return logical(splat(graph, element, entry.shape, same), info.shape, info.dtype);
  }
  if (!isVariable && entry.host && element !== "c64" && (entry.host.length <= SMALL)) {
    const data = hostData(entry);
    if (data.length > 0) return logical(constant(graph, element, entry.shape, data), info.shape, info.dtype);
    return splat(graph, element, info.shape, 0);
  }
  const key = isVariable ? info : info.dataId, known = trace.captures.get(key);
  if (known) return logical(known, info.shape, info.dtype);
  const captured = parameter(graph, typeOfEntry(entry));
  trace.captures.set(key, captured);
  // The program needs it for its whole life, even if the traced function's own scopes dispose it; of a variable what it holds.
  if (!isVariable) entry.references++;
  return logical(captured, info.shape, info.dtype);
}

/** The type of a device buffer. */
export function typeOf(buffer: { type: TensorType["element"]; dims: readonly number[] }): TensorType {
  return { element: buffer.type, shape: [...buffer.dims] };
}

/** The calls that are under way, innermost first. */
export function calls(): string[] {
  // By default only ten lines are kept, and tfjs alone fills them.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  return (stack ?? "").split("\n").slice(1).map((line) => line.trim());
}

/** Where in the user's code a tensor was asked for: the first line of the stack that is neither ours nor tfjs's. */
export function userLine(): string {
  const here = new URL("../", import.meta.url).href;
  const own = calls().find((line) => !line.includes(here) && !/tfjs|node:|ext:|<anonymous>/.test(line));
  return own ? ` (${own})` : "";
}

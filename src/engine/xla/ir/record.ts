import type { Graph, Operation, TensorType, Value } from "./types.ts";

let dataNumber = 0;
const dataNumbers = new WeakMap<ArrayBufferView, number>();

/** Names an operation for sharing; constants are shared by identity of their data. */
function nameOf(operation: Operation): string {
  if (operation.op !== "constant") {
    return JSON.stringify(operation, (_, v) => Object.is(v, -0) ? "-0" : nonFinite(v));
  }
  const known = dataNumbers.get(operation.data) ?? dataNumber++;
  dataNumbers.set(operation.data, known);
  return `constant ${known}`;
}

const nonFinite = (v: unknown) => typeof v === "number" && !Number.isFinite(v) ? String(v) : v;

/** What an operation is called in messages. */
function wordOf(operation: Operation): string {
  if (operation.op === "unary" || operation.op === "binary" || operation.op === "reduce") {
    return operation.name;
  }
  return (operation.op === "text" && /stablehlo\.(\w+)/.exec(operation.text)?.[1]) || operation.op;
}

/**
 * Records an operation whose result type is known.
 *
 * @throws {Error} When an operand is of another graph, or the result would have a shape that nothing has.
 */
export function record(graph: Graph, operation: Operation, operands: Value[], type: TensorType): Value {
  if (!type.shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    const from = operands.map((operand) => `[${operand.type.shape}]`).join(" and ");
    throw new Error(
      `xla: ${wordOf(operation)}${
        from && ` of ${from}`
      } would have the shape [${type.shape}], which nothing has`,
    );
  }
  for (const operand of operands) {
    if (operand.graph !== graph) {
      throw new Error("xla: a value of one traced function was used inside another");
    }
  }
  const key = `${nameOf(operation)}(${operands.map((v) => v.id)})${type.element}[${type.shape}]`;
  const known = graph.known.get(key);
  if (known) return known;
  // What nobody has named, such as the sum of two gradients, belongs to what it is computed from.
  const scope = graph.scope || (operands.find((operand) => operand.scope !== "")?.scope ?? "");
  const value: Value = { id: graph.count++, operation, operands, type, graph, scope };
  graph.known.set(key, value);
  return value;
}

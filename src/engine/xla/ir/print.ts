/** Writes a recorded program as StableHLO text, the form in which the plugin takes it. */
import { constantText, numberText, typeText } from "./literals.ts";
import { meshText, shardingText, splitText } from "./sharding.ts";
import { type DotAxes, type Graph, isExactProduct, type Lay, type Value } from "./types.ts";

const list = (numbers: readonly number[]) => `[${numbers.join(", ")}]`;
const array = (numbers: readonly number[]) =>
  numbers.length ? `array<i64: ${numbers.join(", ")}>` : "array<i64>";

/** CHLO has the functions that StableHLO lacks; the plugin expands them. */
const CHLO = new Set(["erf", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"]);

/** How a value is named where it is used. */
function name({ id, operation, operands }: Value): string {
  return operation.op === "result" ? `%${operands[0].id}#${operation.index}` : `%${id}`;
}

/** What follows the operands of a product. */
function dotAttributes({ batch, contract }: DotAxes, exact: boolean): string {
  const batching = batch[0].length ? ` batching_dims = ${list(batch[0])} x ${list(batch[1])},` : "";
  const precision = exact ? ", precision = [HIGHEST, HIGHEST]" : "";
  return `${batching} contracting_dims = ${list(contract[0])} x ${list(contract[1])}${precision}`;
}

/** An operation that was recorded as text, with the names and types that its placeholders stand for. */
function filledText(text: string, { id, operands, type }: Value): string {
  return text
    .replaceAll(/%t(\d+)/g, (_, k) => typeText(operands[Number(k)].type))
    .replaceAll(/%r\b/g, () => typeText(type))
    .replaceAll(/%(\d+)/g, (_, k) => name(operands[Number(k)]))
    .replaceAll("%i_", `%i${id}_`);
}

/** A value's operation, without the value's name. */
function line(value: Value): string {
  const { operation, operands, type } = value;
  const types = `(${operands.map((v) => typeText(v.type)).join(", ")}) -> ${typeText(type)}`;
  const all = operands.map(name).join(", ");
  const call = (op: string, attributes = "") =>
    `"stablehlo.${op}"(${all}) ${attributes ? `<{${attributes}}> ` : ""}: ${types}`;
  switch (operation.op) {
    case "parameter":
    case "result":
      throw new Error(`xla: a ${operation.op} is not an operation`);
    case "splat":
      return `stablehlo.constant dense<${numberText(operation.value, type.element)}> : ${typeText(type)}`;
    case "constant":
      return `stablehlo.constant dense<${constantText(type, operation.data)}> : ${typeText(type)}`;
    case "iota":
      return `stablehlo.iota dim = ${operation.axis} : ${typeText(type)}`;
    case "unary":
      if (CHLO.has(operation.name)) {
        return `chlo.${operation.name} ${all} : ${typeText(operands[0].type)} -> ${typeText(type)}`;
      }
      return call(operation.name);
    case "binary":
      return call(operation.name);
    case "compare":
      return call(
        "compare",
        `comparison_direction = #stablehlo<comparison_direction ${operation.direction}>`,
      );
    case "select":
      return call("select");
    case "convert":
      return call("convert");
    case "broadcast":
      return call("broadcast_in_dim", `broadcast_dimensions = ${array(operation.axes)}`);
    case "reshape":
      return call("reshape");
    case "transpose":
      return call("transpose", `permutation = ${array(operation.order)}`);
    case "dot":
      return `stablehlo.dot_general ${all},${
        dotAttributes(operation.axes, isExactProduct(operands[0]))
      } : ${types}`;
    case "reduce":
      return `stablehlo.reduce(${name(operands[0])} init: ${
        name(operands[1])
      }) applies stablehlo.${operation.name} ` +
        `across dimensions = ${list(operation.axes)} : ${types}`;
    case "slice": {
      const { begin, end, stride } = operation;
      return call(
        "slice",
        `start_indices = ${array(begin)}, limit_indices = ${array(end)}, strides = ${array(stride)}`,
      );
    }
    case "pad": {
      const { low, high, interior } = operation;
      return call(
        "pad",
        `edge_padding_low = ${array(low)}, edge_padding_high = ${array(high)}, interior_padding = ${
          array(interior)
        }`,
      );
    }
    case "concatenate":
      return call("concatenate", `dimension = ${operation.axis} : i64`);
    case "reverse":
      return call("reverse", `dimensions = ${array(operation.axes)}`);
    case "text":
      return filledText(operation.text, value);
    case "split":
      return splitText(all, typeText(type), type.shape.length, operation.lay, value.graph.mesh!);
    default:
      return operation satisfies never;
  }
}

/** What an operation is called in its location. */
function wordOf({ operation }: Value): string {
  if (operation.op === "unary" || operation.op === "binary") return operation.name;
  if (operation.op !== "text") return operation.op;
  return /(?:stablehlo|chlo|mhlo)\.(\w+)/.exec(operation.text)?.[1] ?? "text";
}

/** Where an operation comes from, for people, compilers' dumps and profilers. Constants come from nowhere. */
function locationOf(value: Value): string {
  const { scope, operation } = value;
  if (scope === "" || operation.op === "splat" || operation.op === "constant") return "";
  return ` loc("${scope}/${wordOf(value)}")`;
}

/** A program's text without the locations of its operations, by which equal programs are recognised. */
export function withoutLocations(text: string): string {
  return text.replaceAll(/ loc\("[^"]*"\)$/gm, "");
}

const several = ({ operation }: Value) =>
  operation.op === "text" && operation.results ? `:${operation.results}` : "";

/** The values that results need, each after its operands. */
export function reachable(results: readonly Value[]): Value[] {
  const order: Value[] = [], seen = new Set<Value>();
  const stack: [Value, number][] = [];
  for (const result of results) {
    if (!seen.has(result)) stack.push([result, 0]);
    seen.add(result);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const operand = top[0].operands[top[1]++];
      if (operand === undefined) order.push(stack.pop()![0]);
      else if (!seen.has(operand)) {
        seen.add(operand);
        stack.push([operand, 0]);
      }
    }
  }
  return order;
}

/** What is said of a parameter in the program's signature. */
export interface ParameterNote {
  /** Number of the result whose memory the argument gives up. */
  aliases?: number;
  /** In a program for several devices: how it lies over them. Default: whole on each. */
  lay?: Lay;
}

/**
 * Writes a program.
 *
 * @param graph The recorded program; all its parameters appear, in order.
 * @param results What it returns; operations that no result needs are left out.
 * @param notes Donation and splitting by parameter.
 * @param lays In a program for several devices: how each result lies over them. Default: whole on each.
 * @returns A module with one function `main`.
 */
export function printProgram(
  graph: Graph,
  results: readonly Value[],
  notes: readonly ParameterNote[] = [],
  lays: readonly Lay[] = [],
): string {
  const { mesh } = graph;
  const attributes = (pairs: (string | false | undefined)[]) => {
    const said = pairs.filter((pair) => typeof pair === "string");
    return said.length ? ` {${said.join(", ")}}` : "";
  };
  const sharded = (v: Value, lay: Lay = "whole") => mesh && shardingText(v.type.shape.length, lay, mesh);
  const parameters = graph.parameters.map((v, i) =>
    `%${v.id}: ${typeText(v.type)}` + attributes([
      notes[i]?.aliases !== undefined && `tf.aliasing_output = ${notes[i].aliases} : i32`,
      sharded(v, notes[i]?.lay),
    ])
  );
  const types = results.map((v, i) => typeText(v.type) + attributes([sharded(v, lays[i])]));
  const body = reachable(results)
    .filter((v) => v.operation.op !== "parameter" && v.operation.op !== "result")
    .map((v) => `    %${v.id}${several(v)} = ${line(v)}${locationOf(v)}`);
  return [
    ...(mesh ? meshText(mesh) : ["module @program {"]),
    `  func.func public @main(${parameters.join(", ")}) -> (${types.join(", ")}) {`,
    ...body,
    `    return ${results.map(name).join(", ")} : ${results.map((v) => typeText(v.type)).join(", ")}`,
    "  }",
    "}",
    "",
  ].join("\n");
}

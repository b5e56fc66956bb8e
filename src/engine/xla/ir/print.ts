/** Writes a recorded program as StableHLO text, the form in which the plugin takes it. */
import {
  type ElementType,
  type Graph,
  isExactProduct,
  isFloat,
  type Lay,
  type TensorType,
  type Value,
} from "./types.ts";
import { meshText, shardingText, splitText } from "./sharding.ts";

const MLIR: Partial<Record<ElementType, string>> = {
  pred: "i1",
  u8: "ui8",
  u16: "ui16",
  u32: "ui32",
  u64: "ui64",
  c64: "complex<f32>",
};

/** An element type as MLIR writes it. */
export function elementText(element: ElementType): string {
  return MLIR[element] ?? element;
}

/** A type as MLIR writes it, such as `tensor<2x3xf32>`. */
export function typeText(type: TensorType): string {
  return `tensor<${type.shape.map((n) => `${n}x`).join("")}${elementText(type.element)}>`;
}

/** A number as a StableHLO literal; infinities and not-a-number as bits, fractions always with a point. */
export function numberText(value: number, element: ElementType): string {
  if (element === "pred") return value ? "true" : "false";
  if (element === "c64") return `(${numberText(value, "f32")}, 0.0)`;
  if (!isFloat(element)) return `${Math.trunc(value)}`;
  if (!Number.isFinite(value)) {
    const bits = {
      f32: ["0x7FC00000", "0x7F800000", "0xFF800000"],
      f64: ["0x7FF8000000000000", "0x7FF0000000000000", "0xFFF0000000000000"],
      bf16: ["0x7FC0", "0x7F80", "0xFF80"],
      f16: ["0x7E00", "0x7C00", "0xFC00"],
    }[element as "f32" | "f64" | "bf16" | "f16"];
    return Number.isNaN(value) ? bits[0] : value > 0 ? bits[1] : bits[2];
  }
  if (Object.is(value, -0)) return "-0.0";
  const written = element === "f64" ? value.toString() : shortest(value);
  const [digits, power] = written.split("e");
  const point = digits.includes(".") ? digits : `${digits}.0`;
  return power === undefined ? point : `${point}e${power}`;
}

/** The shortest decimal that reads back as the same float32. */
function shortest(value: number): string {
  const rounded = Math.fround(value);
  for (let digits = 6; digits < 10; digits++) {
    const text = rounded.toPrecision(digits);
    if (Math.fround(Number(text)) === rounded) return Number(text).toString();
  }
  return rounded.toString();
}

function hexText(data: ArrayBufferView): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let out = "";
  for (const byte of bytes) out += (byte < 16 ? "0" : "") + byte.toString(16).toUpperCase();
  return `"0x${out}"`;
}

const list = (numbers: readonly number[]) => `[${numbers.join(", ")}]`;
const array = (numbers: readonly number[]) =>
  numbers.length ? `array<i64: ${numbers.join(", ")}>` : "array<i64>";
const axisNames = (numbers: readonly number[]) => list(numbers);

/** The names of a constant's elements that are written one by one (truth values have no hex form). */
function constantText(value: Value, data: ArrayBufferView): string {
  const { element, shape } = value.type;
  if (element !== "pred") return hexText(data);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const nested = (at: number, axis: number): string => {
    if (axis === shape.length) return bytes[at] ? "true" : "false";
    const step = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    return `[${Array.from({ length: shape[axis] }, (_, i) => nested(at + i * step, axis + 1)).join(", ")}]`;
  };
  return nested(0, 0);
}

/** CHLO has the functions that StableHLO lacks; the plugin expands them. */
const CHLO = new Set(["erf", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"]);

/** How a value is named where it is used. */
function name({ id, operation, operands }: Value): string {
  return operation.op === "result" ? `%${operands[0].id}#${operation.index}` : `%${id}`;
}

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
      return `stablehlo.constant dense<${constantText(value, operation.data)}> : ${typeText(type)}`;
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
    case "dot": {
      const { batch, contract } = operation.axes;
      const batching = batch[0].length
        ? ` batching_dims = ${axisNames(batch[0])} x ${axisNames(batch[1])},`
        : "";
      return `stablehlo.dot_general ${all},${batching} contracting_dims = ${axisNames(contract[0])} x ${
        axisNames(contract[1])
      }${isExactProduct(operands[0]) ? ", precision = [HIGHEST, HIGHEST]" : ""} : ${types}`;
    }
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
      return operation.text
        .replaceAll(/%t(\d+)/g, (_, k) => typeText(operands[Number(k)].type))
        .replaceAll(/%r\b/g, () => typeText(type))
        .replaceAll(/%(\d+)/g, (_, k) => name(operands[Number(k)]))
        .replaceAll("%i_", `%i${value.id}_`);
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

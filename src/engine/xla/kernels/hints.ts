import { binary, convert, split, text, texts } from "../ir/build.ts";
import { broadcast } from "../ir/movement.ts";
import type { Value } from "../ir/types.ts";
import { BFLOAT16, STORED } from "../bfloat16.ts";
import { TOGETHER } from "../together.ts";
import { listOf, type Lowering, type Lowerings } from "./types.ts";

/** The same values, none of which the compiler computes before all of them, or anew. What is bfloat16 stays so in memory. */
function barrier(given: Value[]): Value[] {
  const values = given.map(narrow), types = values.map((_, i) => `%t${i}`).join(", ");
  const results = texts(
    values[0].graph,
    `stablehlo.optimization_barrier ${values.map((_, i) => `%${i}`).join(", ")} : ${types}`,
    values,
    values.map(({ type }) => type),
  );
  return results.map((value, i) => convert(value, given[i].type.element));
}

/** A value in bfloat16 where it was that before it was shown as float32. */
function narrow(x: Value): Value {
  const [from] = x.operands, shown = x.operation.op === "convert" && x.type.element === "f32";
  return shown && from.type.element === "bf16" ? from : x;
}

/** A value in bfloat16; what is repeated is rounded first. */
function half(x: Value): Value {
  const { operation, operands, type } = x;
  if (operation.op !== "broadcast") return convert(x, "bf16");
  return broadcast(half(operands[0]), type.shape, operation.axes);
}

const stored: Lowering = ({ precision, inputs: { x } }) => {
  if (precision !== "bfloat16" || x.type.element !== "f32") return x;
  return barrier([convert(convert(x, "bf16"), "f32")])[0];
};

/**
 * A sum is added in bfloat16: where only its result were rounded, the compiler would be free to keep all digits. Processors
 * add in float32, so there the digits are cut off by name.
 */
const bfloat16: Lowering = ({ graph, precision, inputs: { x } }) => {
  if (precision !== "bfloat16" || x.type.element !== "f32") return x;
  if (graph.platform === "cpu") {
    const bits = "exponent_bits = 8 : i32, mantissa_bits = 7 : i32";
    return text(graph, `"stablehlo.reduce_precision"(%0) <{${bits}}> : (%t0) -> %r`, [x], x.type);
  }
  const { operation, operands } = x, sum = operation.op === "binary" && operation.name === "add";
  return convert(sum ? binary("add", half(operands[0]), half(operands[1])) : half(x), "f32");
};

/** Our own kernels beside TensorFlow.js's, see `splitRows`, `keepWhole`, `together`, `stored` and `bfloat16`. */
export const HINTS: Lowerings = {
  SplitRows: ({ inputs }) => split(inputs.x),
  DivideRows: ({ inputs }) => split(inputs.x, "share"),
  KeepWhole: ({ inputs }) => split(inputs.x, "whole"),
  [TOGETHER]: ({ inputs }) => barrier(listOf(inputs)),
  [STORED]: stored,
  [BFLOAT16]: bfloat16,
};

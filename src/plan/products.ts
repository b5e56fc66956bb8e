/** The matrix products of an optimised program. */
import { arraysIn, type HloComputation, type HloModule, type HloOperation, typeOf } from "./hlo.ts";

/** What a kernel's products work on: it decides at what rate. */
export type ProductKind = "bfloat16" | "float32" | "float32 highest";

const product = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a * b, 1);

/** The numbers of a list among attributes, `name={0,1}` or `"name":["0","1"]`. */
function listed(name: string, attributes: string): number[] {
  const found = new RegExp(`${name}"?[=:][{\\[]([0-9,"]*)[}\\]]`).exec(attributes);
  return (found?.[1] ?? "").split(",").filter((item) => item !== "").map((item) =>
    Number(item.replaceAll('"', ""))
  );
}

/** Products of an operation. */
export interface Products {
  flops: number;
  kind?: ProductKind;
}

const isCublas = ({ opcode, attributes }: HloOperation) =>
  opcode === "custom-call" && attributes.includes("cublas");
const isAttention = ({ opcode, attributes }: HloOperation) =>
  opcode === "custom-call" && attributes.includes("fmha");

/** The slower of two kinds. */
function slower(a: ProductKind | undefined, b: ProductKind | undefined): ProductKind | undefined {
  const order = [undefined, "bfloat16", "float32", "float32 highest"] as const;
  return order[Math.max(order.indexOf(a), order.indexOf(b))];
}

/** The products of one matrix product, convolution, or call of a library. */
function ownProducts(computation: HloComputation, operation: HloOperation): Products {
  const { opcode, operands, attributes, type, inside } = operation;
  const dims = (operand: string) => arraysIn(typeOf(computation, operand))[0]?.dims ?? [];
  if (isAttention(operation)) {
    const q = dims(operands[0]), kv = dims(operands[1]);
    const pairs = product(q) * (kv.length === 4 ? kv[1] : kv[kv.length - 2]);
    // Two products forward; backward these again and three for the gradients.
    return { flops: (attributes.includes("Backward") ? 10 : 4) * pairs, kind: "bfloat16" };
  }
  if (opcode !== "dot" && opcode !== "convolution" && !isCublas(operation)) return { flops: 0 };
  const [left] = arraysIn(typeOf(computation, operands[0]) || inside), [result] = arraysIn(type);
  let terms: number;
  if (opcode === "convolution") {
    terms = Math.floor(product(dims(operands[1])) / Math.max(result.dims[result.dims.length - 1], 1));
  } else {
    const name = opcode === "dot" ? "lhs_contracting_dims" : "lhs_contracting_dimensions";
    terms = product(listed(name, attributes).map((axis) => left.dims[axis]));
  }
  const highest = /operand_precision/i.test(attributes) && /highest/i.test(attributes);
  const kind = left.element !== "f32" ? "bfloat16" : highest ? "float32 highest" : "float32";
  return { flops: 2 * result.size * terms, kind };
}

/** The products of an operation and of what it calls. */
export function productsOf(
  module: HloModule,
  computation: HloComputation,
  operation: HloOperation,
): Products {
  let { flops, kind } = ownProducts(computation, operation);
  if (["fusion", "call", "async-start"].includes(operation.opcode)) {
    for (const name of operation.calls) {
      const called = module.computations.get(name);
      for (const inner of called?.operations ?? []) {
        const more = productsOf(module, called!, inner);
        flops += more.flops;
        kind = slower(kind, more.kind);
      }
    }
  }
  return { flops, kind };
}

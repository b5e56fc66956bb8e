/** What the kernels of an optimised program compute and move. */
import {
  arraysIn,
  bytesIn,
  bytesOf,
  type HloComputation,
  type HloModule,
  type HloOperation,
  typeOf,
} from "./hlo.ts";

/** What a kernel's products work on: it decides at what rate. */
export type ProductKind = "bfloat16" | "float32" | "float32 highest";

/** A kernel, or several runs of one in a loop. */
export interface Kernel {
  name: string;
  /** Such as `fusion`, `custom-call`, `all-reduce`. */
  opcode: string;
  /** Type of the result, without layouts. */
  type: string;
  /** The part of the model that it comes from; empty where unknown. */
  scope: string;
  /** Runs in one run of the program. */
  times: number;
  /** Bytes of memory that one run reads and writes. */
  bytes: number;
  /** Floating-point operations of one run, of products only. */
  flops: number;
  /** What its products work on; undefined where it has none. */
  product?: ProductKind;
  /** Of a collective: bytes of its result on each device. */
  collective?: { kind: Collective; bytes: number; element: string };
}

/** Operations by which devices exchange data. */
export const COLLECTIVES = [
  "all-reduce",
  "all-gather",
  "reduce-scatter",
  "collective-permute",
  "all-to-all",
  "collective-broadcast",
] as const;

/** A kind of exchange. */
export type Collective = typeof COLLECTIVES[number];

/** Operations that are no kernels. */
const FREE = new Set([
  "parameter",
  "constant",
  "get-tuple-element",
  "tuple",
  "bitcast",
  "after-all",
  "partition-id",
  "replica-id",
  "async-done",
  "async-update",
  "copy-done",
  "optimization-barrier",
  "opt-barrier",
  ...COLLECTIVES.map((kind) => `${kind}-done`),
]);

const product = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a * b, 1);

/** The numbers of a list among attributes, `name={0,1}` or `"name":["0","1"]`. */
function listed(name: string, attributes: string): number[] {
  const found = new RegExp(`${name}"?[=:][{\\[]([0-9,"]*)[}\\]]`).exec(attributes);
  return (found?.[1] ?? "").split(",").filter((item) => item !== "").map((item) =>
    Number(item.replaceAll('"', ""))
  );
}

/** Products of an operation. */
interface Products {
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
function productsOf(module: HloModule, computation: HloComputation, operation: HloOperation): Products {
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

/** The parameter of a computation with a number. */
const parameterOf = (computation: HloComputation | undefined, index: number) =>
  computation?.operations.find(({ opcode, inside }) =>
    opcode === "parameter" && inside.trim() === String(index)
  );

/** Bytes that a fused computation reads of a value that it was given. */
function readOf(module: HloModule, computation: HloComputation, name: string, whole: number): number {
  const users = computation.operations.filter(({ operands }) => operands.includes(name));
  let sum = 0;
  for (const user of users) {
    const first = user.operands[0] === name;
    if ((user.opcode === "bitcast" || user.opcode === "reshape") && !user.root) {
      sum += readOf(module, computation, user.name, whole);
    } else if (["slice", "dynamic-slice", "gather"].includes(user.opcode) && first) sum += bytesIn(user.type);
    else if (user.opcode === "dynamic-update-slice" && first && users.length === 1) continue;
    else if (user.opcode === "fusion") {
      const called = module.computations.get(user.calls[0]);
      user.operands.forEach((operand, i) => {
        if (operand !== name) return;
        const inner = parameterOf(called, i);
        sum += inner ? readOf(module, called!, inner.name, whole) : whole;
      });
    } else return whole;
  }
  return Math.min(sum, whole);
}

/** Bytes that an operation writes. */
function writtenBy(module: HloModule, { opcode, calls, type }: HloOperation): number {
  const called = opcode === "fusion" ? module.computations.get(calls[0]) : undefined;
  const root = called?.operations.find(({ root }) => root);
  // What is updated in place: the part is read and written.
  if (called && root?.opcode === "dynamic-update-slice") {
    return 2 * bytesIn(typeOf(called, root.operands[1]) || type);
  }
  if (opcode !== "custom-call") return bytesIn(type);
  // A call's last result is its scratch memory, in bytes.
  return arraysIn(type).filter(({ element, dims }) => element !== "s8" || dims.length !== 1)
    .reduce((sum, array) => sum + bytesOf(array), 0);
}

/** Bytes that an operation reads of one of its operands. */
function operandRead(
  module: HloModule,
  computation: HloComputation,
  operation: HloOperation,
  index: number,
): number {
  const { opcode, calls, operands, type } = operation;
  const whole = bytesIn(typeOf(computation, operands[index]));
  if (opcode === "slice" || opcode === "dynamic-slice") return Math.min(whole, bytesIn(type));
  const called = opcode === "fusion" ? module.computations.get(calls[0]) : undefined;
  const parameter = parameterOf(called, index);
  return parameter ? readOf(module, called!, parameter.name, whole) : whole;
}

/** The kind of exchange that an operation is or begins. */
function collectiveOf(module: HloModule, { opcode, calls }: HloOperation): Collective | undefined {
  const inner = opcode === "async-start"
    ? module.computations.get(calls[0])?.operations.find(({ root }) => root)?.opcode ?? ""
    : opcode.replace(/-start$/, "");
  return COLLECTIVES.find((kind) => kind === inner);
}

/** A type without layouts. */
const plain = (type: string) => type.replaceAll(/\{[^}]*\}/g, "");

/** An operation as a kernel. */
function kernelOf(
  module: HloModule,
  computation: HloComputation,
  operation: HloOperation,
  times: number,
): Kernel {
  const { name, opcode, type, operands } = operation;
  const { flops, kind } = productsOf(module, computation, operation);
  const bytes = operands.reduce(
    (sum, _, i) => sum + operandRead(module, computation, operation, i),
    writtenBy(module, operation),
  );
  const kernel: Kernel = {
    name,
    opcode,
    type: plain(type),
    scope: scopeOf(module, operation),
    times,
    bytes,
    flops,
    ...flops > 0 ? { product: kind } : {},
  };
  const exchanged = collectiveOf(module, operation);
  if (!exchanged) return kernel;
  // What is begun shows its operands before its results; the results are as many as these, or larger.
  const shown = arraysIn(type);
  const results = opcode.endsWith("-start") && opcode !== "all-reduce-start" ? shown.slice(-1) : shown;
  const moved = results.reduce((sum, array) => sum + bytesOf(array), 0);
  return { ...kernel, collective: { kind: exchanged, bytes: moved, element: results[0]?.element ?? "" } };
}

/** Where an operation comes from: its own scope, else that of what it calls. */
function scopeOf({ computations }: HloModule, { scope, calls }: HloOperation): string {
  if (scope !== "") return scope;
  for (const name of calls) {
    const called = computations.get(name)?.operations ?? [];
    const inner = called.findLast(({ scope }) => scope !== "");
    if (inner) return inner.scope;
  }
  return "";
}

/** The operations that a computation runs, with those of its loops and calls. */
function* running(
  module: HloModule,
  computation: HloComputation,
  times: number,
): Generator<[HloComputation, HloOperation, number]> {
  for (const operation of computation.operations) {
    const { opcode, attributes, calls } = operation;
    if (FREE.has(opcode) || opcode === "conditional") continue;
    if (opcode === "custom-call" && /custom_call_target="(Sharding|annotate_device)/.test(attributes)) {
      continue;
    }
    const count = opcode === "while"
      ? Number(/known_trip_count"?:\s*\{"n":"(\d+)"/.exec(attributes)?.[1] ?? 1)
      : 1;
    const exchanges = collectiveOf(module, operation) !== undefined;
    const name = opcode === "while"
      ? /body=%?([\w.\-]+)/.exec(attributes)?.[1]
      : (opcode === "call" || opcode === "async-start") && !exchanges
      ? calls[0]
      : undefined;
    const called = name === undefined ? undefined : module.computations.get(name);
    if (called) yield* running(module, called, times * count);
    else yield [computation, operation, times];
  }
}

/**
 * The kernels that a program runs, with what each computes and moves. Outputs count once, each operand once; an operand
 * that is only sliced counts what is sliced, one that is updated in place what is written. Loops count their trips,
 * branches nothing.
 */
export function kernelsOf(module: HloModule): Kernel[] {
  return Array.from(
    running(module, module.entry, 1),
    ([computation, operation, times]) => kernelOf(module, computation, operation, times),
  );
}

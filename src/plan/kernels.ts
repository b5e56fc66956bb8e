/** What the kernels of an optimised program compute and move. */
import { arraysIn, bytesOf, type HloComputation, type HloModule, type HloOperation, partsOf } from "./hlo.ts";
import { groupOf } from "./groups.ts";
import { operandRead, writtenBy } from "./kernel_bytes.ts";
import { type ProductKind, productsOf } from "./products.ts";

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
  /** Of a collective: bytes of its result on each device; the devices of a group, where not all of them exchange. */
  collective?: { kind: Collective; bytes: number; element: string; group?: readonly number[] };
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

/** The exchange that an operation is or begins: its kind, and what is said of it. */
function collectiveOf(
  module: HloModule,
  operation: HloOperation,
): { kind: Collective; attributes: string } | undefined {
  const { opcode, calls } = operation;
  const inner = opcode === "async-start"
    ? module.computations.get(calls[0])?.operations.find(({ root }) => root)
    : operation;
  const name = inner?.opcode.replace(/-start$/, ""), kind = COLLECTIVES.find((kind) => kind === name);
  return inner && kind && { kind, attributes: inner.attributes };
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
  // What is begun shows its operands before its results; of several tensors at once, each a tuple.
  const begun = opcode.endsWith("-start") && opcode !== "all-reduce-start" && type.startsWith("(");
  const results = arraysIn(begun ? partsOf(type.slice(1, -1))[1] ?? "" : type);
  const moved = results.reduce((sum, array) => sum + bytesOf(array), 0);
  const { kind: how, attributes } = exchanged, group = groupOf(attributes);
  return { ...kernel, collective: { kind: how, bytes: moved, element: results[0]?.element ?? "", group } };
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

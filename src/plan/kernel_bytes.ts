/** What the kernels of an optimised program read and write. */
import {
  arraysIn,
  bytesIn,
  bytesOf,
  type HloComputation,
  type HloModule,
  type HloOperation,
  typeOf,
} from "./hlo.ts";

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
export function writtenBy(module: HloModule, { opcode, calls, type }: HloOperation): number {
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
export function operandRead(
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

import { sizeOf, type Value } from "./types.ts";

/**
 * Floating-point operations of the matrix products and convolutions among some values; a multiplication and an addition
 * count as two. Elementwise work and reductions are left out, as in the usual measure of a model's utilisation.
 */
export function countFlops(values: readonly Value[]): number {
  let sum = 0;
  for (const { operation, operands, type } of values) {
    if (operation.op === "dot") {
      const { shape } = operands[0].type;
      const terms = operation.axes.contract[0].reduce((product, axis) => product * shape[axis], 1);
      sum += 2 * sizeOf(type.shape) * terms;
    } else if (operation.op === "text") sum += operation.flops ?? 0;
  }
  return sum;
}

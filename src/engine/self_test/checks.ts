import type { Check } from "./check.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { ARRANGEMENT, PRODUCTS, REDUCTIONS } from "./whole.ts";

/** All of them, the simplest first. */
export const CHECKS: readonly Check[] = [...ARRANGEMENT, ...ELEMENTWISE, ...REDUCTIONS, ...PRODUCTS];

/** Those that a compiling engine is asked again outside of compiled functions, where its kernels are other programs. */
export const SINGLY: ReadonlySet<string> = new Set([
  "relu(x)",
  "maximum(c, x)",
  "max along axis 1",
  "matrix product spoilt × b",
]);

/** Those that hold with products of bfloat16 too: their operands and results are small whole numbers, or none. */
export const HALVED: ReadonlySet<string> = new Set([
  "matrix product spoilt × b",
]);

import * as tf from "../tensors.ts";
import type { Engine } from "../types.ts";
import type { Check } from "./check.ts";

/** Which of the processes that compute together this is. */
export interface Node {
  nodeId: number;
  nodes: number;
}

/** Rows on each device, and numbers in a row. */
const ROWS = 4, WIDTH = 33;

/** The number at a place: small and whole, but for a not-a-number and an infinity in the last row. */
function element(row: number, column: number, rows: number): number {
  if (row === rows - 1 && column === 5) return NaN;
  if (row === rows - 1 && column === 9) return Infinity;
  return (5 * row + 3 * column + row * column) % 7 - 3;
}

/** A computation on rows that lie spread over all devices. */
export interface SplitCheck extends Pick<Check, "name" | "expected"> {
  compute: (rows: tf.Tensor) => tf.Tensor;
}

/** What must hold where rows are spread over this number of devices: they are brought together as if they were on one. */
export function splitChecks(devices: number): SplitCheck[] {
  const count = ROWS * devices, over = (length: number) => Array.from({ length }, (_, i) => i);
  const at = (row: number, column: number) => element(row, column, count);
  const sum = (f: (row: number) => number) => over(count).reduce((total, row) => total + f(row), 0);
  return [
    {
      name: "sum over all rows",
      compute: (x) => tf.sum(x, 0),
      expected: () => over(WIDTH).map((column) => sum((row) => at(row, column))),
    },
    {
      name: "sum of each row",
      compute: (x) => tf.sum(x, 1),
      expected: () =>
        over(count).map((row) => over(WIDTH).reduce((total, column) => total + at(row, column), 0)),
    },
    {
      name: "product rowsᵀ × rows",
      compute: (x) => tf.matMul(x, x, true, false),
      expected: () =>
        over(WIDTH ** 2).map((i) => sum((row) => at(row, Math.floor(i / WIDTH)) * at(row, i % WIDTH))),
    },
  ];
}

/** The rows, of which each process gives its own. */
export function splitRowsOf(engine: Engine, { nodeId, nodes }: Node): tf.Tensor {
  const count = ROWS * engine.devices, own = count / nodes;
  const data = Float32Array.from(
    { length: own * WIDTH },
    (_, i) => element(own * nodeId + Math.floor(i / WIDTH), i % WIDTH, count),
  );
  return engine.floats(data, [count, WIDTH]);
}

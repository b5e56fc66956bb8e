import * as tf from "../tensors.ts";
import { type Check, type How, number, OP_BY_OP, ROUNDED } from "./check.ts";
import { BYTES, GIVEN, type Given, K, M, N, ROW_VALUES } from "./inputs.ts";

const sum = (row: readonly number[]) => row.reduce((a, b) => a + b, 0);

/** A function of whole rows, along the last axis or along the first. */
function reduced(
  name: string,
  axis: 0 | 1,
  compute: (x: tf.Tensor, axis: number) => tf.Tensor,
  expected: (row: readonly number[]) => number,
  how: How = {},
): Check {
  return {
    name: `${name} along axis ${axis}`,
    compute: ({ rows, columns }) => compute(axis === 1 ? rows : columns, axis),
    expected: () => ROW_VALUES.map(expected),
    ...how,
  };
}

/** Reductions of rows. */
export const REDUCTIONS: readonly Check[] = [
  reduced("sum", 1, tf.sum, sum),
  reduced("sum", 0, tf.sum, sum),
  reduced("max", 1, tf.max, (row) => Math.max(...row)),
  reduced("max", 0, tf.max, (row) => Math.max(...row), OP_BY_OP),
  reduced("min", 1, tf.min, (row) => Math.min(...row), OP_BY_OP),
  reduced("min", 0, tf.min, (row) => Math.min(...row), OP_BY_OP),
  reduced("mean", 1, tf.mean, (row) => sum(row) / row.length, { ...ROUNDED, ...OP_BY_OP }),
  reduced("mean", 0, tf.mean, (row) => sum(row) / row.length, { ...ROUNDED, ...OP_BY_OP }),
  // A row sums up to 1, where it has a largest finite number.
  reduced(
    "sum of softmax",
    1,
    (x) => tf.sum(tf.softmax(x), 1),
    (row) => Number.isFinite(Math.max(...row)) ? 1 : NaN,
    { ...ROUNDED, ...OP_BY_OP },
  ),
];

/** The matrix product of row-major [m, k] and [k, n]. */
function product(a: ArrayLike<number>, b: ArrayLike<number>, count = 1): Float64Array {
  const out = new Float64Array(count * M * N);
  for (let at = 0; at < out.length; at++) {
    const row = Math.floor(at / N), from = Math.floor(row / M) * K * N + at % N;
    for (let k = 0; k < K; k++) out[at] += a[row * K + k] * b[from + k * N];
  }
  return out;
}

/** A matrix product, with the operands lying as they are or turned. */
function multiplied(
  left: "a" | "spoilt" | "manyA",
  right: "b" | "manyB",
  turns: [boolean, boolean],
  how: How = {},
): Check {
  const lying = (x: tf.Tensor, turned: boolean) => {
    const axes = x.shape.map((_, axis) => axis), rank = axes.length;
    return turned ? tf.transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]) : x;
  };
  const name = (key: string, turned: boolean) => `${key}${turned ? "ᵀᵀ" : ""}`;
  return {
    name: `matrix product ${name(left, turns[0])} × ${name(right, turns[1])}`,
    compute: ({ [left]: a, [right]: b }) => tf.matMul(lying(a, turns[0]), lying(b, turns[1]), ...turns),
    expected: () => product(GIVEN[left].data, GIVEN[right].data, left === "manyA" ? 3 : 1),
    ...how,
  };
}

/** Matrix products of whole numbers, which are exact. */
export const PRODUCTS: readonly Check[] = [
  multiplied("a", "b", [false, false]),
  multiplied("a", "b", [true, false], OP_BY_OP),
  multiplied("a", "b", [false, true], OP_BY_OP),
  multiplied("spoilt", "b", [false, false]),
  multiplied("spoilt", "b", [true, true]),
  multiplied("manyA", "manyB", [false, false]),
  multiplied("manyA", "manyB", [true, true], OP_BY_OP),
];

/** What `counted` would be after a transpose. */
function turned({ data, shape }: Given, perm: readonly number[]): number[] {
  const stride = (axis: number) => shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return perm.reduce<number[]>(
    (at, axis) =>
      at.flatMap((from) => Array.from({ length: shape[axis] }, (_, i) => from + i * stride(axis))),
    [0],
  ).map((from) => data[from]);
}

const transposed = (perm: number[], how: How = {}): Check => ({
  name: `transpose by ${perm}`,
  compute: ({ counted }) => tf.transpose(counted, perm),
  expected: () => turned(GIVEN.counted, perm),
  ...how,
});

/** What moves elements and changes none. */
export const ARRANGEMENT: readonly Check[] = [
  {
    name: "a tensor as it was given",
    of: GIVEN.x.data,
    compute: ({ x }) => tf.add(x, tf.zerosLike(x)),
    expected: () => GIVEN.x.data,
  },
  {
    name: "bytes as they were given",
    compute: ({ bytes }) => number(bytes),
    expected: () => BYTES,
  },
  transposed([0, 1, 3, 2], OP_BY_OP),
  transposed([0, 2, 1, 3]),
  transposed([3, 1, 0, 2]),
  {
    name: "transpose of bytes",
    compute: ({ bytes }) => tf.transpose(tf.reshape(bytes, [32, 40])),
    expected: () => BYTES.map((_, i) => Math.floor(i / 32) + 40 * (i % 32)),
  },
  {
    name: "reverse, slice, pad and concat",
    compute: ({ a }) => {
      const part = tf.slice(tf.reverse(a, 1), [1, 2], [M - 1, K - 2]);
      return tf.concat([tf.pad(part, [[0, 1], [1, 1]]), a], 1);
    },
    expected: () =>
      Array.from({ length: 2 * M * K }, (_, i) => {
        const row = Math.floor(i / (2 * K)), column = i % (2 * K);
        if (column >= K) return GIVEN.a.data[(row - 1) * K + column];
        const inside = row < M - 1 && column >= 1 && column <= K - 2;
        return inside ? GIVEN.a.data[(row + 1) * K + K - 2 - column] : 0;
      }),
  },
];

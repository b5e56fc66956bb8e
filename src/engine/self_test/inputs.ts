/** The numbers that the self-test of an engine computes with. Small whole numbers, so that every sum is exact. */

/** An array and its shape. */
export interface Given {
  data: Float32Array;
  shape: number[];
}

/** Values that arithmetic must not lose, and a few numbers. */
export const SPECIALS: readonly number[] = [NaN, Infinity, -Infinity, 1, -2, 0, 3, -4];

/** A whole number from −most to most for each i, without a pattern that rows or columns could share. */
const whole = (i: number, most: number) => (Math.imul(i + 1, 0x9e3779b1) >>> 16) % (2 * most + 1) - most;

function given(shape: number[], element: (i: number) => number): Given {
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: size }, (_, i) => element(i)) };
}

/** Rows, and numbers in one of them. */
const HEIGHT = 64, WIDTH = 65;

/** What is put into the first rows of whole numbers: [where, what]…; or the number that fills it. */
const ROWS: readonly (number | readonly (readonly [at: number, value: number])[])[] = [
  [],
  [[0, NaN]],
  [[40, NaN]],
  [[WIDTH - 1, NaN]],
  [[30, Infinity]],
  [[30, -Infinity]],
  [[3, Infinity], [50, -Infinity]],
  [[3, NaN], [50, Infinity]],
  -Infinity,
  -7,
];

/** Rows of numbers to be reduced. */
export const ROW_VALUES: readonly (readonly number[])[] = Array.from({ length: HEIGHT }, (_, r) => {
  const row = ROWS[r] ?? [];
  if (typeof row === "number") return Array(WIDTH).fill(row);
  return Array.from(
    { length: WIDTH },
    (_, i) => row.find(([at]) => at === i)?.[1] ?? whole(r * WIDTH + i, 5),
  );
});

/** Rows, inner length and columns of the matrix products: more than a tile, and no multiple of one. */
export const [M, K, N] = [33, 70, 35];

/** Where `spoilt` holds what: in its rows the products are no numbers, or infinite. */
const SPOILT: Readonly<Record<number, number>> = { [4 * K + 7]: NaN, [9 * K + 20]: Infinity };

/** What every engine is given. More than a thousand elements each: engine webgpu leaves smaller work to the processor. */
export const GIVEN = {
  /** All of `SPECIALS` in turn. */
  x: given([1056], (i) => SPECIALS[i % SPECIALS.length]),
  /** 1 and 0 in turn, three by three. */
  chosen: given([1056], (i) => Math.floor(i / 3) % 2),
  /** [64, 65]. */
  rows: { shape: [ROW_VALUES.length, WIDTH], data: Float32Array.from(ROW_VALUES.flat()) },
  /** The same, turned: [65, 64]. */
  columns: given(
    [WIDTH, ROW_VALUES.length],
    (i) => ROW_VALUES[i % ROW_VALUES.length][Math.floor(i / ROW_VALUES.length)],
  ),
  a: given([M, K], (i) => whole(i, 3)),
  b: given([K, N], (i) => whole(i, 2)),
  /** As `a`, with one not-a-number and one infinity. */
  spoilt: given([M, K], (i) => SPOILT[i] ?? whole(i, 3)),
  /** [3, 33, 70] and [3, 70, 35]. */
  manyA: given([3, M, K], (i) => whole(i, 3)),
  manyB: given([3, K, N], (i) => whole(i, 2)),
  /** 0, 1, 2 … in four axes. */
  counted: given([5, 6, 7, 8], (i) => i),
} satisfies Record<string, Given>;

/** The names of what is given. */
export type GivenName = keyof typeof GIVEN;

/** Bytes as pictures are made of, all 256 of them. */
export const BYTES: Uint8Array = Uint8Array.from({ length: 1280 }, (_, i) => i);

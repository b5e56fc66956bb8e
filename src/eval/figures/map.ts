import type { Rows } from "../rows.ts";

/** Rows as points of a plane. */
export interface PlaneMap {
  /** −1 … 1, in the order of the rows. */
  points: [x: number, y: number][];
  /** The share of the variance along each axis. */
  explained: [x: number, y: number];
}

/** Rounds of the iteration; it ends earlier where nothing changes any more. */
const ROUNDS = 300;

/** The products of all pairs of rows after their mean is taken away, n × n. */
function centredProducts({ rows, width, data }: Rows): Float64Array {
  const mean = new Float64Array(width), centred = new Float64Array(data);
  for (let i = 0; i < data.length; i++) mean[i % width] += data[i] / rows;
  for (let i = 0; i < data.length; i++) centred[i] -= mean[i % width];
  const out = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = i; j < rows; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += centred[i * width + k] * centred[j * width + k];
      out[i * rows + j] = out[j * rows + i] = sum;
    }
  }
  return out;
}

/** The largest eigenvalue of a symmetric n × n matrix without negative ones, and its unit vector. */
function dominant(matrix: Float64Array, n: number): { value: number; vector: Float64Array } {
  let vector: Float64Array = Float64Array.from({ length: n }, (_, i) => Math.cos(1 + i)), value = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += matrix[i * n + j] * vector[j];
      next[i] = sum;
    }
    const length = Math.hypot(...next);
    if (length === 0) return { value: 0, vector: new Float64Array(n) };
    for (let i = 0; i < n; i++) next[i] /= length;
    const still = Math.abs(length - value) <= 1e-12 * length &&
      next.every((x, i) => Math.abs(x - vector[i]) < 1e-9);
    [vector, value] = [next, length];
    if (still) break;
  }
  return { value, vector };
}

/**
 * The rows on the plane of their first two principal components. An axis points to where its longer tail lies, so that maps
 * of similar rows are alike.
 *
 * @param rows A few hundred rows at most: all pairs are multiplied.
 */
export function principalMap(rows: Rows): PlaneMap {
  const n = rows.rows, matrix = centredProducts(rows);
  let total = 0;
  for (let i = 0; i < n; i++) total += matrix[i * n + i];
  const axes = [0, 1].map(() => {
    const { value, vector } = dominant(matrix, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) matrix[i * n + j] -= value * vector[i] * vector[j];
    }
    const sign = vector.reduce((sum, x) => sum + x ** 3, 0) < 0 ? -1 : 1;
    return { value, along: vector.map((x) => x * sign * Math.sqrt(value)) };
  });
  const largest = Math.max(1e-300, ...axes.flatMap(({ along }) => [...along].map(Math.abs)));
  const at = (axis: number, i: number) => Number((axes[axis].along[i] / largest).toFixed(4));
  const share = (axis: number) => total > 0 ? Number((axes[axis].value / total).toFixed(4)) : 0;
  return {
    points: Array.from({ length: n }, (_, i) => [at(0, i), at(1, i)]),
    explained: [share(0), share(1)],
  };
}

/**
 * The nearest other rows of some rows by cosine, best first.
 *
 * @param rows Rows of length 1.
 * @param queries Which rows are asked.
 * @param k How many neighbours each.
 */
export function nearestRows(
  { rows, width, data }: Rows,
  queries: readonly number[],
  k: number,
): { query: number; nearest: [index: number, cosine: number][] }[] {
  return queries.map((query) => {
    const others = Array.from({ length: rows }, (_, i) => i).filter((i) => i !== query);
    const nearest = others.map((i): [number, number] => {
      let cosine = 0;
      for (let k = 0; k < width; k++) cosine += data[i * width + k] * data[query * width + k];
      return [i, Number(cosine.toFixed(4))];
    });
    return { query, nearest: nearest.sort((a, b) => b[1] - a[1]).slice(0, k) };
  });
}

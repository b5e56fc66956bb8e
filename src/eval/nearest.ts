import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import type { Rows } from "./rows.ts";

/** For each query its nearest gallery rows, best first. */
export interface Neighbours {
  queries: number;
  k: number;
  /** queries × k row numbers of the gallery; −1 where fewer than k could be compared with. */
  indices: Int32Array;
  /** queries × k cosines; −∞ beside an index of −1. */
  cosines: Float32Array;
}

/** Queries compared at once. */
const QUERY_ROWS = 512;
/** Numbers of the gallery that are on the device at once (64 MB). */
const GALLERY_NUMBERS = 1 << 24;
/** Columns transposed at once, so that the results stay in the cache. */
const TILE = 64;

/** `count` rows from `start`, padded with zeros, as a tensor. */
function block({ rows, width, data }: Rows, start: number, count: number): tf.Tensor2D {
  const end = Math.min(rows, start + count);
  const part = data.subarray(start * width, end * width);
  if (end - start === count) return tf.tensor2d(part, [count, width]);
  const padded = new Float32Array(count * width);
  padded.set(part);
  return tf.tensor2d(padded, [count, width]);
}

/** The same, but rows become columns: the wasm engine multiplies 6 times as fast by such a matrix. */
function columnBlock({ rows, width, data }: Rows, start: number, count: number): tf.Tensor2D {
  const out = new Float32Array(width * count);
  const lines = Math.min(rows - start, count);
  for (let from = 0; from < width; from += TILE) {
    const to = Math.min(width, from + TILE);
    for (let line = 0; line < lines; line++) {
      const row = (start + line) * width;
      for (let j = from; j < to; j++) out[j * count + line] = data[row + j];
    }
  }
  return tf.tensor2d(out, [width, count]);
}

/** Inserts a candidate into a query's sorted list. Only a larger cosine moves ahead, so ties go to the earlier row. */
function insert(list: Neighbours, query: number, index: number, cosine: number): void {
  const { k, indices, cosines } = list;
  const first = query * k;
  let at = first + k - 1;
  for (; at > first && cosines[at - 1] < cosine; at--) {
    cosines[at] = cosines[at - 1];
    indices[at] = indices[at - 1];
  }
  cosines[at] = cosine;
  indices[at] = index;
}

/**
 * The k nearest gallery rows of every query by cosine. Exact: all pairs are compared, in blocks of one shape, so the
 * engine compiles one product and memory does not grow with the gallery. Ties go to the row that stands first.
 *
 * @param engine Runs the products.
 * @param queries Rows of length 1, see {@linkcode unitRows}.
 * @param gallery Rows of length 1 and of the queries' width.
 * @param k How many neighbours, at least 1.
 * @throws {RangeError} The widths differ, or k is no positive whole number.
 */
export async function nearest(
  engine: Engine,
  queries: Rows,
  gallery: Rows,
  k: number,
): Promise<Neighbours> {
  const { width } = gallery;
  if (queries.width !== width) {
    throw new RangeError(`queries of width ${queries.width}, a gallery of ${width}`);
  }
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`k is ${k}; it must be a whole number from 1`);
  const found: Neighbours = {
    queries: queries.rows,
    k,
    indices: new Int32Array(queries.rows * k).fill(-1),
    cosines: new Float32Array(queries.rows * k).fill(-Infinity),
  };
  const queryRows = Math.min(QUERY_ROWS, queries.rows);
  const galleryRows = Math.min(gallery.rows, Math.max(256, Math.floor(GALLERY_NUMBERS / width)));
  const product = engine.jit(({ q, g }: { q: tf.Tensor2D; g: tf.Tensor2D }) => ({
    cosines: tf.matMul(q, g),
  }));
  for (let g0 = 0; g0 < gallery.rows; g0 += galleryRows) {
    const g = columnBlock(gallery, g0, galleryRows);
    const columns = Math.min(galleryRows, gallery.rows - g0);
    for (let q0 = 0; q0 < queries.rows; q0 += queryRows) {
      const q = block(queries, q0, queryRows);
      const { cosines } = product({ q, g });
      const values = await cosines.data();
      q.dispose();
      cosines.dispose();
      const lines = Math.min(queryRows, queries.rows - q0);
      for (let line = 0; line < lines; line++) {
        const query = q0 + line, last = query * k + k - 1;
        for (let column = 0; column < columns; column++) {
          const cosine = values[line * galleryRows + column];
          if (cosine > found.cosines[last]) insert(found, query, g0 + column, cosine);
        }
      }
    }
    g.dispose();
  }
  return found;
}

/**
 * Leaves out neighbours that show what the query shows, such as the query itself.
 *
 * @param neighbours Of more than k neighbours: as many more as a query may have of those.
 * @param queries What each query is.
 * @param gallery What each gallery row is; equal numbers are left out.
 * @param k How many neighbours are kept.
 * @returns A list of its own.
 */
export function withoutOwn(
  neighbours: Neighbours,
  queries: ArrayLike<number>,
  gallery: ArrayLike<number>,
  k: number,
): Neighbours {
  const { queries: count } = neighbours;
  const indices = new Int32Array(count * k).fill(-1),
    cosines = new Float32Array(count * k).fill(-Infinity);
  for (let query = 0; query < count; query++) {
    let to = query * k;
    for (let at = query * neighbours.k; at < (query + 1) * neighbours.k && to < (query + 1) * k; at++) {
      const index = neighbours.indices[at];
      if (index < 0 || gallery[index] === queries[query]) continue;
      indices[to] = index;
      cosines[to++] = neighbours.cosines[at];
    }
  }
  return { queries: count, k, indices, cosines };
}

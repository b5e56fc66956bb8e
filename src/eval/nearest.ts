import type { Engine } from "../engine/types.ts";
import { checkRows, requireFinite, type Rows } from "./rows.ts";
import { type Gallery, rowsGallery } from "./search/gallery.ts";
import { pairsAbove, type PairsOptions } from "./search/pairs.ts";
import { type SearchPrograms, searchPrograms } from "./search/programs.ts";

/** For each query its nearest gallery rows, best first. */
export interface Neighbours {
  queries: number;
  k: number;
  /** queries × k row numbers of the gallery; −1 where fewer than k could be compared with. */
  indices: Int32Array;
  /** queries × k cosines; −∞ beside an index of −1. */
  cosines: Float32Array;
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

/** How neighbours are looked for. */
export interface NearestOptions extends Pick<PairsOptions, "unit" | "onEmpty" | "step" | "signal"> {
  /** Programs that are used again and again. Default: some of its own. */
  programs?: SearchPrograms;
}

/**
 * Refuses a number of neighbours that is none.
 *
 * @throws {RangeError} When k is no whole number from 1.
 */
export function checkK(k: number): void {
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`k is ${k}; it must be a whole number from 1`);
}

/**
 * The k nearest gallery rows of every query by cosine. Exact: all pairs are compared, in blocks of one shape, so memory does
 * not grow with the gallery. The engine multiplies and tells the largest product of every 64 gallery rows; the host reads
 * those 64 only where that is larger than the query's k-th cosine so far. Ties go to the row that stands first.
 *
 * @param engine Runs the products.
 * @param queries Rows of length 1, see `unitRows`.
 * @param gallery Rows of the queries' width, which have length 1 or, with `unit`, are brought to it: in memory, or a
 * `fileGallery` that is read on the way.
 * @param k How many neighbours, at least 1.
 * @returns For each query row numbers of the gallery and cosines. With `unit`, rows of length 0 are never among them.
 * @throws {RangeError} The widths differ, there are not rows × width numbers, or k is no positive whole number.
 * @throws {Error} A query holds a number that is not finite, or with `unit` a gallery row; names the row. Or the signal's
 * reason.
 * @example
 * ```ts
 * import { nearest, openEngine, rowsGallery } from "../../mod.ts";
 * import assert from "node:assert/strict";
 *
 * const engine = await openEngine("wasm");
 * const gallery = rowsGallery({ rows: 3, width: 2, data: Float32Array.of(0, 5, 3, 3, 2, 0) });
 * const queries = { rows: 1, width: 2, data: Float32Array.of(1, 0) };
 * const { indices, cosines } = await nearest(engine, queries, gallery, 2, { unit: true });
 * assert.deepEqual([...indices], [2, 1]);
 * assert.ok(Math.abs(cosines[1] - Math.SQRT1_2) < 1e-6);
 * await engine.close();
 * ```
 */
export async function nearest(
  engine: Engine,
  queries: Rows,
  gallery: Rows | Gallery,
  k: number,
  options: NearestOptions = {},
): Promise<Neighbours> {
  checkK(k);
  requireFinite(checkRows(queries), (row) => `the features of query ${row}`);
  const found: Neighbours = {
    queries: queries.rows,
    k,
    indices: new Int32Array(queries.rows * k).fill(-1),
    cosines: new Float32Array(queries.rows * k).fill(-Infinity),
  };
  const bounds = new Float32Array(queries.rows).fill(-Infinity);
  const programs = options.programs ?? searchPrograms(engine);
  try {
    await pairsAbove(programs, queries, "blocks" in gallery ? gallery : rowsGallery(gallery), {
      ...options,
      bounds,
      take(query, row, cosine) {
        insert(found, query, row, cosine);
        bounds[query] = found.cosines[query * k + k - 1];
      },
    });
  } finally {
    if (!options.programs) programs.close();
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

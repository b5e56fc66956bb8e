/** Cosines of queries with a gallery that is read block by block. */
import { requireEngine } from "../engine/required.ts";
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { checkRows, type Rows, unitRows } from "../eval/rows.ts";
import { checkBlockRows } from "../eval/search/gallery.ts";

/** Rows of features that need not be in memory. */
export interface FeatureRows {
  rows: number;
  width: number;
  /** Rows `from` … `to` − 1 side by side; may be read again. */
  read(from: number, to: number): Float32Array | Promise<Float32Array>;
  /** What a row is called in errors. Default: `picture` and its number. */
  nameOf?(row: number): string;
}

/**
 * Rows that are in memory.
 *
 * @throws {RangeError} When there are not rows × width numbers.
 */
export function heldRows(all: Rows): FeatureRows {
  const { rows, width, data } = checkRows(all);
  return { rows, width, read: (from, to) => data.subarray(from * width, to * width) };
}

/** Cosines of some queries with the rows of one block. */
export interface Scores {
  /** The cosine of query `firstQuery + i` with row `firstRow + j` stands at i · width + j. */
  values: Float32Array;
  width: number;
  firstQuery: number;
  queries: number;
  firstRow: number;
  rows: number;
}

/** A gallery in blocks. */
export interface ScoreBlocks extends AsyncDisposable {
  /** How many blocks, and how many rows in each; the last may have fewer. */
  count: number;
  rows: number;
  /** Compares a block with all queries, some at a time. The values hold until the function returns. */
  compare(block: number, told: (scores: Scores) => void): Promise<void>;
}

/** Queries compared at once. */
const QUERY_ROWS = 512;

/** Rows `from` … `to` − 1 at length 1, padded with zeros to `count`. */
async function unitBlock(
  { width, read, nameOf = (row) => `picture ${row}` }: FeatureRows,
  from: number,
  to: number,
  count: number,
): Promise<Float32Array> {
  const rows = { rows: to - from, width, data: await read(from, to) };
  const { data } = unitRows(rows, (row) => nameOf(from + row));
  if (rows.rows === count) return data;
  const out = new Float32Array(count * width);
  out.set(data);
  return out;
}

/**
 * Prepares to compare. All blocks have one shape, so the engine compiles one product.
 *
 * @param blockRows Rows of the gallery in a block.
 * @throws {TypeError} When the engine is no opened one.
 * @throws {RangeError} When widths differ, blocks have no rows, or there is nothing to compare.
 * @throws {Error} When a feature is no finite number, here or in `compare`; names the row.
 */
export async function scoreBlocks(
  engine: Engine,
  queries: FeatureRows,
  gallery: FeatureRows,
  blockRows: number,
): Promise<ScoreBlocks> {
  requireEngine(engine);
  checkBlockRows(blockRows);
  const { width } = gallery, rows = Math.max(1, Math.min(blockRows, gallery.rows));
  if (queries.width !== width) {
    throw new RangeError(`queries of width ${queries.width}, a gallery of ${width}`);
  }
  if (queries.rows === 0 || gallery.rows === 0) throw new RangeError("there are no queries, or no gallery");
  const height = Math.min(QUERY_ROWS, queries.rows), asked: tf.Tensor2D[] = [];
  try {
    for (let from = 0; from < queries.rows; from += height) {
      const to = Math.min(queries.rows, from + height);
      asked.push(tf.tensor2d(await unitBlock(queries, from, to, height), [height, width]));
    }
  } catch (error) {
    tf.dispose(asked);
    throw error;
  }
  const product = engine.jit(({ q, g }: { q: tf.Tensor2D; g: tf.Tensor2D }) => ({
    cosines: tf.matMul(q, g, false, true),
  }));
  return {
    count: Math.ceil(gallery.rows / rows),
    rows,
    async compare(block, told) {
      const firstRow = block * rows, to = Math.min(gallery.rows, firstRow + rows), here = to - firstRow;
      const g = tf.tensor2d(await unitBlock(gallery, firstRow, to, rows), [rows, width]);
      try {
        for (const [i, q] of asked.entries()) {
          const { cosines } = product({ q, g }), values = await cosines.data() as Float32Array;
          cosines.dispose();
          const firstQuery = i * height, count = Math.min(height, queries.rows - firstQuery);
          told({ values, width: rows, firstQuery, queries: count, firstRow, rows: here });
        }
      } finally {
        g.dispose();
      }
    },
    [Symbol.asyncDispose]() {
      tf.dispose(asked);
      product.dispose();
      return Promise.resolve();
    },
  };
}

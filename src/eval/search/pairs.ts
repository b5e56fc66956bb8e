/**
 * All pairs of a query and a gallery row whose cosine is above a bound: exact, in blocks, on the engine. The engine computes
 * the products and the largest one of every `CHUNK` gallery rows. Only chunks whose largest is above the bound are read, so
 * that nearly all products never leave the device.
 */
import { prefetch } from "../../data/iter.ts";
import * as tf from "../../engine/tensors.ts";
import type { Rows } from "../rows.ts";
import { type Gallery, rowNumber } from "./gallery.ts";
import { loadBlock, type LoadedBlock, loadUnitBlock } from "./load.ts";
import { CHUNK, type SearchPrograms } from "./programs.ts";

/** Queries compared at once. */
const TILE = 1024;
/** Gallery rows compared at once, if they are not too wide. */
const BLOCK = 4096;
/** Numbers of a gallery block at most (64 MB). */
const BLOCK_NUMBERS = 1 << 24;
/** Numbers of the queries that stand on the engine at once (64 MB); for more, the gallery is read again. */
const QUERY_NUMBERS = 1 << 24;
/** Chunks that are read at once. */
const PICKED = 512;
/** Blocks that the engine may be ahead of the host: two products at once would share its caches. */
const AHEAD = 1;

/** What {@linkcode pairsAbove} looks for. */
export interface PairsOptions {
  /** For each query: pairs with a larger cosine are wanted. The caller may raise it meanwhile. */
  bounds: Float32Array;
  /**
   * Takes a pair. For each query, gallery rows come in order.
   *
   * @param row The number of the gallery row.
   */
  take(query: number, row: number, cosine: number): void;
  /** Bring gallery rows to length 1 first; those of length 0 are left out. Default: they have length 1. */
  unit?: boolean;
  /** Told, with `unit`, of each gallery row of length 0; once for each time that the gallery is read. */
  onEmpty?(row: number): void;
  /** The number of the gallery row to begin with. Default 0. */
  from?: number;
  /** Called with how many more gallery rows have been compared with how many queries. */
  step?(rows: number, queries: number): void;
  /** Aborting it ends the search with its reason. */
  signal?: AbortSignal;
}

/** Some queries on the engine, as columns. */
interface Tile {
  first: number;
  count: number;
  /** [at least `count`, d]. */
  queries: tf.Tensor2D;
}

/** A block's products with a tile's queries. */
interface Compared {
  loaded: LoadedBlock;
  tile: Tile;
  products: tf.Tensor;
  largest: tf.Tensor;
}

/** Queries on the engine, in tiles of one size: the last one is padded with zeros. */
function tilesOf({ rows, width, data }: Rows, from: number, to: number): Tile[] {
  const tiles: Tile[] = [], side = Math.min(TILE, rows);
  for (let first = from; first < to; first += side) {
    const count = Math.min(side, to - first), padded = new Float32Array(side * width);
    padded.set(data.subarray(first * width, (first + count) * width));
    tiles.push({ first, count, queries: tf.tensor2d(padded, [side, width]) });
  }
  return tiles;
}

/**
 * Finds all pairs of queries and gallery rows whose cosine is above a bound. All pairs are compared, in blocks of one shape;
 * memory does not grow with the gallery. Cosines are float32: they are off by up to about 1e-6.
 *
 * @param programs Of the engine that is open.
 * @param queries Rows of length 1.
 * @param gallery Of the queries' width.
 * @throws {RangeError} The widths differ, or there are not as many bounds as queries.
 * @throws {Error} With `unit`, a gallery row holds a number that is not finite; names the row. Or the signal's reason.
 */
export async function pairsAbove(
  programs: SearchPrograms,
  queries: Rows,
  gallery: Gallery,
  options: PairsOptions,
): Promise<void> {
  const { width } = gallery, { bounds } = options;
  if (queries.width !== width) {
    throw new RangeError(`queries of width ${queries.width}, a gallery of ${width}`);
  }
  if (bounds.length !== queries.rows) {
    throw new RangeError(`${bounds.length} bounds for ${queries.rows} queries`);
  }
  const chunks = (rows: number) => Math.ceil(rows / CHUNK) * CHUNK;
  const rows = Math.min(BLOCK, chunks(gallery.rows), Math.max(256, chunks(BLOCK_NUMBERS / width)));
  const group = Math.max(1, Math.floor(QUERY_NUMBERS / width / TILE)) * TILE;
  for (let from = 0; from < queries.rows && gallery.rows > 0; from += group) {
    const tiles = tilesOf(queries, from, Math.min(queries.rows, from + group));
    try {
      await compareGroup(programs, tiles, gallery, rows, options);
    } finally {
      tf.dispose(tiles.map(({ queries }) => queries));
    }
  }
}

/** Compares the queries of some tiles with the whole gallery. */
async function compareGroup(
  programs: SearchPrograms,
  tiles: readonly Tile[],
  gallery: Gallery,
  rows: number,
  options: PairsOptions,
): Promise<void> {
  const { from, signal, step, unit, onEmpty } = options, live = new Set<tf.Tensor>();
  const drop = (tensor: tf.Tensor) => {
    live.delete(tensor);
    tensor.dispose();
  };
  const compared = async function* () {
    for await (const block of prefetch(gallery.blocks(rows, from), 1)) {
      signal?.throwIfAborted();
      const loaded = await (unit ? loadUnitBlock(block, rows, gallery, programs) : loadBlock(block, rows));
      live.add(loaded.tensor);
      for (const row of loaded.empty ?? []) onEmpty?.(rowNumber(block, row));
      for (const tile of tiles) {
        const { products, largest } = programs.compare({ queries: tile.queries, rows: loaded.tensor });
        live.add(products).add(largest);
        yield { loaded, tile, products, largest } satisfies Compared;
      }
    }
  };
  try {
    for await (const one of prefetch(compared(), AHEAD)) {
      await takePairs(one, programs.pick, options);
      drop(one.products);
      drop(one.largest);
      if (one.tile === tiles.at(-1)) drop(one.loaded.tensor);
      step?.(one.loaded.block.rows.rows, one.tile.count);
    }
  } finally {
    tf.dispose([...live]);
  }
}

/** Chunks in which a query may have a pair, as places of their first products, query by query. */
function placesAbove(
  largest: ArrayLike<number>,
  { rows, most }: { rows: number; most: number },
  { first, count }: Tile,
  bounds: Float32Array,
): number[] {
  const found: number[] = [], chunks = most / CHUNK, filled = Math.min(rows, chunks);
  for (let query = 0; query < count; query++) {
    const bound = bounds[first + query];
    for (let chunk = 0; chunk < filled; chunk++) {
      if (largest[query * chunks + chunk] > bound) found.push(query * most + chunk);
    }
  }
  return found;
}

/** Hands on the pairs of a block and a tile. */
async function takePairs(
  { loaded: { block, empty }, tile, products, largest }: Compared,
  pick: SearchPrograms["pick"],
  { bounds, take }: PairsOptions,
): Promise<void> {
  const { rows } = block.rows, { first, count } = tile, [side, most] = products.shape as [number, number];
  const consider = (query: number, row: number, cosine: number) => {
    if (cosine > bounds[query] && row < rows && !empty?.has(row)) take(query, rowNumber(block, row), cosine);
  };
  const places = placesAbove(await largest.data(), { rows, most }, tile, bounds);
  // Where many chunks are wanted, it is quicker to read all.
  if (places.length * CHUNK * 4 > most * side) {
    const values = await products.data();
    for (let query = 0, at = 0; query < count; query++, at += most) {
      for (let row = 0; row < rows; row++) consider(first + query, row, values[at + row]);
    }
    return;
  }
  const found: { query: number; row: number; cosine: number }[] = [], step = most / CHUNK;
  for (let from = 0; from < places.length; from += PICKED) {
    const some = places.slice(from, from + PICKED), padded = new Int32Array(PICKED);
    padded.set(some);
    const starts = tf.tensor1d(padded, "int32"), { picked } = pick({ products, starts });
    const values = await picked.data();
    tf.dispose([starts, picked]);
    some.forEach((place, i) => {
      const query = first + Math.floor(place / most), chunk = place % most, bound = bounds[query];
      for (let n = 0; n < CHUNK; n++) {
        const cosine = values[i * CHUNK + n];
        if (cosine > bound) found.push({ query, row: chunk + n * step, cosine });
      }
    });
  }
  // A chunk's rows do not follow one another.
  found.sort((a, b) => a.query - b.query || a.row - b.row);
  for (const { query, row, cosine } of found) consider(query, row, cosine);
}

import type { Engine } from "../engine/types.ts";
import type { FeatureSet } from "./feature_set.ts";
import { findNeighbours } from "./knn.ts";
import { nearest, type Neighbours, withoutOwn } from "./nearest.ts";
import { unitRows } from "./rows.ts";
import { type Gallery, type GalleryBlock, keptGallery, rowNumber, rowsGallery } from "./search/gallery.ts";
import { searchPrograms } from "./search/programs.ts";

/** Numbers of the queries that are compared in one pass over a gallery that stays in its file (64 MB). */
const QUERY_NUMBERS = 1 << 24;

/** Rows of a gallery, from 0. */
const allRows = ({ rows }: { rows: number }) => Int32Array.from({ length: rows }, (_, row) => row);

/** The rows of a file that are pictures of a set, and for each row which picture; −1 for none. */
function picturesOf(stored: Gallery, places: readonly number[]): { gallery: Gallery; numbers: Int32Array } {
  const numbers = new Int32Array(stored.rows).fill(-1);
  places.forEach((row, picture) => numbers[row] = picture);
  const whole = places.length === stored.rows;
  return {
    gallery: whole ? stored : keptGallery(stored, numbers.map((picture) => picture < 0 ? 0 : 1)),
    numbers,
  };
}

/** Queries at length 1. */
async function unitQueries(block: GalleryBlock, { nameOf }: Gallery) {
  const { rows } = block, at = rows.data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return unitRows(rows);
  const name = await nameOf(rowNumber(block, Math.floor(at / rows.width)));
  throw new Error(`${name}: its features are not finite numbers`);
}

/**
 * The k nearest pictures of `train` for each of `test`, or for each of `train` among all others. Features that were left in
 * their file are read block by block, so memory does not grow with the gallery.
 *
 * @param test Its features are in memory. Null: each picture of `train` is a query.
 * @param kind Which features; both sets must hold them.
 * @returns Numbers of pictures of `train`.
 * @throws {Error} When a feature is no finite number.
 */
export async function setNeighbours(
  engine: Engine,
  train: FeatureSet,
  test: FeatureSet | null,
  kind: "class" | "mean",
  k: number,
): Promise<Neighbours> {
  const queries = test ? test[kind]! : null, inMemory = train[kind];
  if (inMemory) return await findNeighbours(engine, inMemory, queries, k);
  const stored = train.stored![kind]!, own = allRows(stored);
  const { gallery, numbers } = picturesOf(stored, train.places!);
  const asked = queries ? rowsGallery(queries, test!.uri) : gallery, count = asked.rows;
  const found = {
    queries: count,
    k,
    indices: new Int32Array(count * k),
    cosines: new Float32Array(count * k),
  };
  const programs = searchPrograms(engine), most = Math.max(1, Math.floor(QUERY_NUMBERS / gallery.width));
  let at = 0;
  try {
    for await (const block of asked.blocks(most)) {
      const unit = await unitQueries(block, asked), wider = queries ? k : k + 1;
      let part = await nearest(engine, unit, gallery, wider, { programs, unit: true });
      if (!queries) {
        const rows = Int32Array.from({ length: unit.rows }, (_, row) => rowNumber(block, row));
        part = withoutOwn(part, rows, own, k);
      }
      found.indices.set(part.indices.map((row) => row < 0 ? -1 : numbers[row]), at);
      found.cosines.set(part.cosines, at);
      at += unit.rows * k;
    }
  } finally {
    programs.close();
  }
  return found;
}

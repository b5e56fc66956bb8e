import type { Engine } from "../../engine/types.ts";
import { checkK, nearest, type NearestOptions, withoutOwn } from "../nearest.ts";
import { checkRows, type Rows, unitRow } from "../rows.ts";
import { plural } from "../../text/amounts.ts";
import { keptGallery } from "./gallery.ts";
import type { PictureSet } from "./set.ts";

/** A query. */
export interface PictureQuery {
  /** What it is called, for people. */
  name: string;
  /** Its row, where it is a picture of the set: it is no neighbour of its own. */
  row?: number;
}

/** A picture of the set, found for a query. */
export interface FoundPicture {
  /** From 1. */
  rank: number;
  row: number;
  key: string;
  /** Its class; null for none. */
  label: string | null;
  /** At most 1. */
  cosine: number;
}

/** What was found for a query. */
export interface PictureResult extends PictureQuery {
  /** The query's own class, where it is a picture of the set that has one. */
  label: string | null;
  /** The most alike first. */
  neighbours: FoundPicture[];
}

/** How pictures are searched. */
export interface SearchOptions extends Pick<NearestOptions, "programs" | "step" | "signal"> {
  /** How many neighbours. Default 10, or all there are. */
  k?: number;
  /** For each picture of the set whether it may be found, see `filterPictures`. Default: all. */
  keep?: ArrayLike<number>;
}

/** How many neighbours are looked for if nothing is said. */
export const USUAL_K = 10;

/** The queries at length 1. */
function unitQueries(features: Rows, queries: readonly PictureQuery[]): Rows {
  const { rows, width, data } = checkRows(features);
  if (rows !== queries.length) {
    throw new RangeError(`${queries.length} queries have ${rows} rows of features`);
  }
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    const length = unitRow(data, i * width, width, out, i * width);
    if (!Number.isFinite(length)) throw new Error(`${queries[i].name}: its features are not finite numbers`);
    if (length === 0) throw new Error(`${queries[i].name}: its features are all 0, so it is like nothing`);
  }
  return { rows, width, data: out };
}

/**
 * Finds for each query the pictures of a set that are most alike: exact, by the cosine of their features, see
 * {@linkcode nearest}. The set is streamed from its file.
 *
 * @param queries What they are.
 * @param features Their features, one row each, see `queryEncoder` and `setRows`.
 * @returns One result a query, and how many pictures of the set have features of length 0, which are never found.
 * @throws {RangeError} There are fewer pictures than k, k is no positive whole number, or features are not one row a query.
 * @throws {Error} A feature is no finite number, or a query's features are all 0; names the picture. Or the signal's reason.
 * @example Search an embedding file by one of its own pictures.
 * ```ts ignore
 * import { openEngine, openPictureSet, searchPictures, setRows } from "../../../mod.ts";
 *
 * const engine = await openEngine();
 * const set = await openPictureSet("photos.safetensors");
 * const row = set.rowOf("holidays/0001.jpg")!;
 * const { results: [{ neighbours }] } = await searchPictures(
 *   engine, set, [{ name: "mine", row }], await setRows(set, [row]), { k: 5 },
 * );
 * for (const { rank, key, cosine } of neighbours) console.log(rank, key, cosine);
 * ```
 */
export async function searchPictures(
  engine: Engine,
  set: PictureSet,
  queries: readonly PictureQuery[],
  features: Rows,
  options: SearchOptions = {},
): Promise<{ results: PictureResult[]; empty: number }> {
  const { keep, programs, step, signal } = options, { keys, labelOf } = set;
  const gallery = keep ? keptGallery(set.gallery, keep) : set.gallery;
  const unit = unitQueries(features, queries);
  const own = queries.map(({ row }) => row ?? -1),
    owned = own.some((row) => row >= 0 && (!keep || keep[row]));
  if (options.k !== undefined) checkK(options.k);
  const there = gallery.rows - (owned ? 1 : 0), k = options.k ?? Math.max(1, Math.min(USUAL_K, there));
  if (k > there) {
    const besides = `${owned ? " beside the query" : ""}${keep ? " that pass the filter" : ""}`;
    throw new RangeError(`k is ${k}, but ${set.file.path} has only ${plural(there, "picture")}${besides}`);
  }
  const empty = new Set<number>();
  const wider = owned ? k + 1 : k, each = Array.from({ length: keys.length }, (_, row) => row);
  let found = await nearest(engine, unit, gallery, wider, {
    ...{ programs, step, signal },
    unit: true,
    onEmpty: (row) => empty.add(row),
  });
  if (owned) found = withoutOwn(found, own, each, k);
  const label = (row: number) => labelOf(row) ?? null;
  const results = queries.map((query, i): PictureResult => {
    const neighbours: FoundPicture[] = [];
    for (let at = i * k; at < (i + 1) * k && found.indices[at] >= 0; at++) {
      const row = found.indices[at], cosine = Math.min(1, found.cosines[at]);
      neighbours.push({ rank: neighbours.length + 1, row, key: keys[row], label: label(row), cosine });
    }
    return { ...query, label: query.row === undefined ? null : label(query.row), neighbours };
  });
  return { results, empty: empty.size };
}

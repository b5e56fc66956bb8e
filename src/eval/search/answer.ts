/** What a command says of a search: for programs, for people, and for a contact sheet. */
import type { Picture } from "../../data/types.ts";
import { percent } from "../../text/amounts.ts";
import { joinRows, type Rows } from "../rows.ts";
import { findDuplicates } from "./duplicates.ts";
import { keptGallery } from "./gallery.ts";
import type { OpenSearch } from "./open.ts";
import { type PictureQuery, searchPictures } from "./search.ts";
import { setRows } from "./set.ts";
import type { SheetRow } from "./sheet.ts";
import { duplicateRows, formatDuplicates, formatResults, resultRows, shownGroups } from "./shown.ts";

/** The file of a picture by its row, where it is there. */
export type Pictures = (row: number) => Uint8Array | undefined;

/** What a search gives: for programs, for people, and for the sheet. */
export interface Answer {
  json: Readonly<Record<string, unknown>>;
  text: string;
  /** The rows whose pictures are on the sheet. */
  shown: Set<number>;
  sheet(picture: Pictures): SheetRow[];
  /** Pictures whose features are all 0. */
  empty: number;
}

/** A query as it was named: a picture's file that has been read, or else a name of the set. */
export interface NamedQuery {
  name: string;
  file?: { bytes: Uint8Array; picture: Picture };
}

/** Which pictures are compared, and who is told how far it is. */
export interface AskOptions {
  /** For each picture whether it is compared. Default: all. */
  keep?: ArrayLike<number>;
  /** How many neighbours. */
  k?: number;
  /** Takes a line that the next one replaces; `last` for the last one. */
  status?(show: () => string, last?: boolean): void;
  signal?: AbortSignal;
}

/** The error for a query that is neither a file nor a picture of what is searched. */
export function unknownQuery(name: string, where: string, example: string): Error {
  return new Error(
    `${name}: no such file, and no picture of ${where} has this name; names look like "${example}"`,
  );
}

/**
 * Looks for the neighbours of queries.
 *
 * @throws {Error} When a query is neither a file nor a picture of the set, or as `searchPictures` and `queryEncoder` do.
 */
export async function askNeighbours(
  { engine, set, encoder }: OpenSearch,
  queries: readonly NamedQuery[],
  { k, keep, status, signal }: AskOptions,
): Promise<Answer> {
  const asked = queries.map(({ name, file }): PictureQuery => {
    const row = set.rowOf(name);
    if (row === undefined && !file) throw unknownQuery(name, set.file.path, set.keys[0]);
    return { name, row };
  });
  const features: Rows[] = [];
  for (const [i, { row }] of asked.entries()) {
    features.push(
      row === undefined ? await (await encoder())([queries[i].file!.picture]) : await setRows(set, [row]),
    );
  }
  let done = 0;
  const { results, empty } = await searchPictures(engine, set, asked, joinRows(features), {
    ...{ k, keep, signal },
    step(rows) {
      done += rows;
      status?.(() => `compared with ${done} pictures`);
    },
  });
  return {
    json: {
      queries: results.map(({ name, row, label, neighbours }) => ({
        ...{ query: name, inSet: row !== undefined, label },
        neighbours: neighbours.map(({ row: _, ...one }) => one),
      })),
    },
    text: formatResults(results),
    shown: new Set(results.flatMap(({ row, neighbours }) => [
      ...row === undefined ? [] : [row],
      ...neighbours.map((one) => one.row),
    ])),
    sheet: (picture) =>
      resultRows(results, { picture, query: (i) => queries[i].file?.bytes ?? picture(asked[i].row!) }),
    empty,
  };
}

/**
 * Looks for groups of near-duplicates.
 *
 * @throws {Error} As `findDuplicates` does.
 */
export async function askDuplicates(
  { engine, set }: OpenSearch,
  threshold: number,
  { keep, status, signal }: Omit<AskOptions, "k">,
): Promise<Answer> {
  const gallery = keep ? keptGallery(set.gallery, keep) : set.gallery, { keys, labelOf } = set;
  const found = await findDuplicates(engine, gallery, threshold, {
    size: keys.length,
    signal,
    progress: (done, total) =>
      status?.(() => `compared ${percent(done, Math.max(1, total))} of all pairs`, done === total),
  });
  const { groups, empty, ...figures } = found;
  return {
    json: {
      ...figures,
      inGroups: groups.reduce((sum, group) => sum + group.length, 0),
      groups: groups.map((group) =>
        group.map(({ row, nearest, cosine }) => ({
          ...{ key: keys[row], label: labelOf(row) ?? null, nearest: keys[nearest], cosine },
        }))
      ),
    },
    text: formatDuplicates(set, found),
    shown: new Set(shownGroups(groups).flatMap((group) => group.map(({ row }) => row))),
    sheet: (picture) => duplicateRows(set, found, picture),
    empty: empty.length,
  };
}

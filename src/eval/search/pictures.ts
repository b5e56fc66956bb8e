/** The pictures themselves, of rows of an embedding file: they are looked up in the data that was embedded. */
import { onePass } from "../../data/epoch/one_pass.ts";
import { type Data, dataUri, openedOf } from "../../data/open/data.ts";
import { pictureOrigin } from "../../data/origin.ts";
import { partKeys } from "../../data/open/part_keys.ts";
import { BadRecordError, type Source } from "../../data/types.ts";

/** What is known of the rows whose pictures are wanted. */
export interface WantedPictures {
  /** The name of each row, all of them. */
  keys: readonly string[];
  /** Which rows. */
  rows: Iterable<number>;
}

/** Whether a picture has a name that stands in a file: files of before lack the name of its source. */
function isNamed(data: Data): (name: string, part: number, key: string) => boolean {
  const names = partKeys(data);
  return (name, part, key) => name === key || name === names.of(part, key);
}

/** Records that could not be read were left out of the file, so a row stands at its number or later. */
async function placeOf(source: Source, keys: readonly string[], row: number): Promise<number | undefined> {
  const most = source.length - keys.length, is = isNamed(source);
  for (let index = row; index <= row + most; index++) {
    if (is(keys[row], pictureOrigin(source, index).part, await source.key(index))) return index;
  }
  return undefined;
}

/**
 * The file of one picture, as it is, out of a source with random access.
 *
 * @param keys The name of each row, all of them.
 * @returns Null where it is not in its place, or cannot be read.
 */
export async function pictureAt(
  source: Source,
  keys: readonly string[],
  row: number,
): Promise<Uint8Array | null> {
  try {
    const index = await placeOf(source, keys, row);
    return index === undefined ? null : (await source.get(index)).bytes;
  } catch (error) {
    if (error instanceof BadRecordError) return null;
    throw error;
  }
}

/** Reads records by their places. */
async function readPlaces(source: Source, { keys, rows }: WantedPictures): Promise<Map<number, Uint8Array>> {
  const found = new Map<number, Uint8Array>();
  for (const row of rows) {
    const bytes = await pictureAt(source, keys, row);
    if (bytes) found.set(row, bytes);
  }
  return found;
}

/** Reads a stream once, up to the last record that is wanted. */
async function readInOrder(data: Data, { keys, rows }: WantedPictures): Promise<Map<number, Uint8Array>> {
  const wanted = new Set(rows), found = new Map<number, Uint8Array>(), is = isNamed(data);
  let row = 0;
  if (wanted.size === 0) return found;
  for await (const { read, from } of onePass(data, { onBad: "skip", onLimit: () => {} }).records()) {
    const record = await read().catch((error) => {
      if (!(error instanceof BadRecordError)) throw error;
    });
    // What the file left out is passed over.
    if (!record || !is(keys[row], from.part, record.key)) continue;
    if (wanted.delete(row)) found.set(row, record.bytes);
    if (wanted.size === 0) break;
    row++;
  }
  return found;
}

/**
 * Looks up pictures of an embedding file in the data that was embedded. A source with random access is read by index, a
 * stream once from its start.
 *
 * @param data What `openData` gives. Not closed.
 * @returns The files of the pictures, as they are, by row; those that are not there any more are missing.
 * @throws {Error} When the data is not what was embedded: none of the rows is there.
 */
export async function findPictures(data: Data, wanted: WantedPictures): Promise<Map<number, Uint8Array>> {
  const opened = openedOf(data), rows = [...wanted.rows];
  const found = opened.access === "random"
    ? await readPlaces(opened.source, { ...wanted, rows })
    : await readInOrder(data, { ...wanted, rows });
  if (found.size > 0 || rows.length === 0) return found;
  throw new Error(
    `${dataUri(data)}: is not what was embedded: it has no picture "${wanted.keys[rows[0]]}" in its place`,
  );
}

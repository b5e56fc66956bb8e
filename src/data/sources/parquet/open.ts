import { expandNames } from "../../io/braces.ts";
import { requireIndex } from "../../io/compact_lists.ts";
import { openRangeReader } from "../../io/http/range.ts";
import type { HttpOptions } from "../../io/http/types.ts";
import { isRemote } from "../../io/paths.ts";
import { memo } from "../../io/reader/cache.ts";
import { DamagedError } from "../../io/reader/chunks.ts";
import { openFileReader } from "../../io/reader/file.ts";
import { readerPool } from "../../io/reader/pool.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { BadRecordError, type ImageRecord, type Source } from "../../types.ts";
import { type Chunk, type Column, type PictureTable, readPictureTable, type RowGroup } from "./metadata.ts";
import { readPageTable } from "./page_table.ts";
import { readPage } from "./pages.ts";
import { lastAtMost, pictureStore } from "./store.ts";

/** How Parquet files are read. */
export interface ParquetOptions {
  /** What the user named. Default: the files' names. */
  name?: string;
  /** The pictures' column. Default: found by its type and name. */
  column?: string;
  /** Bytes of unpacked pages kept. Default 256 MiB. */
  cacheBytes?: number;
  /** Larger pages are bad. Default 1 GiB. */
  maxPageBytes?: number;
  /** Patience with servers. */
  http?: HttpOptions;
}

/** Files whose metadata is read at once. */
const TOGETHER = 8;

/** What is kept of each remote file, for headers beside one another; pages are kept unpacked. A hundred files are open at once. */
const REMOTE_BYTES = 2 * 2 ** 20;

interface Group extends RowGroup {
  file: number;
  /** Its first row in the whole source, and in its file. */
  first: number;
  firstInFile: number;
}

/**
 * Opens Parquet files of pictures, as Hugging Face's datasets store them: a struct {bytes, path} column, a label column
 * whose class names stand in the file's metadata. Local files, or remote ones by range requests.
 *
 * A record costs the page that holds it, read and unpacked once while the cache holds it. Writers make pages of
 * about a megabyte, so an exact shuffle reads some ten pictures for one; where this is felt, pack the pictures or write
 * smaller pages. Of remote files without a page index, whole row groups are read.
 *
 * @param uri A path or URL, braces expanded; or a list of them as they stand.
 * @param options Column, cache and limits.
 * @returns A source with random access.
 * @throws Error that names the file: missing, cut short, damaged, without pictures, or with other classes than the first.
 */
export async function openParquet(
  uri: string | readonly string[],
  options: ParquetOptions = {},
): Promise<Source> {
  const files = typeof uri === "string" ? expandNames(uri) : uri;
  const pool = readerPool((file) =>
    isRemote(files[file])
      ? openRangeReader(files[file], { ...options.http, maxBytes: REMOTE_BYTES })
      : openFileReader(files[file])
  );
  try {
    const tables: PictureTable[] = [];
    for (let at = 0; at < files.length; at += TOGETHER) {
      const part = files.slice(at, at + TOGETHER);
      tables.push(
        ...await Promise.all(part.map((path, i) =>
          pool.use(at + i, async (reader) => {
            try {
              return await readPictureTable(reader, options.column);
            } catch (error) {
              throw named(path, error);
            }
          })
        )),
      );
    }
    const labels = tables[0]?.labels ?? [];
    tables.forEach((table, i) => {
      if (table.labels.join("\n") !== labels.join("\n")) {
        throw new Error(`${files[i]}: has other classes than ${files[0]}`);
      }
    });
    const source = makeSource(
      options.name ?? (typeof uri === "string" ? uri : uri.join(",")),
      files,
      tables,
      pool,
      options,
    );
    if (source.length === 0) throw new Error(`${source.uri}: no rows`);
    return source;
  } catch (error) {
    await pool.close();
    throw error;
  }
}

function named(path: string, error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith(path)) return error as Error;
  return error instanceof DamagedError
    ? new DamagedError(`${path}: ${message}`)
    : new Error(`${path}: ${message}`, { cause: error });
}

/** Names for keys: files' last parts where those tell them apart. */
function shortNames(files: readonly string[]): string[] {
  const last = files.map((file) => file.replace(/[?#].*$/, "").split("/").at(-1)!);
  return new Set(last).size === files.length ? last : [...files];
}

function makeSource(
  uri: string,
  files: readonly string[],
  tables: readonly PictureTable[],
  pool: ReturnType<typeof readerPool>,
  options: ParquetOptions,
): Source {
  const { cacheBytes = 256 * 2 ** 20, maxPageBytes = 2 ** 30 } = options;
  const names = shortNames(files), groups: Group[] = [];
  let length = 0;
  tables.forEach((table, file) => {
    let firstInFile = 0;
    for (const group of table.groups) {
      if (group.rows > 0) groups.push({ ...group, file, first: length, firstInFile });
      firstInFile += group.rows;
      length += group.rows;
    }
  });
  const store = pictureStore(groups, {
    use: (group, work) => pool.use(group.file, work),
    columnOf: (group) => tables[group.file].picture,
    sequential: (group) => isRemote(files[group.file]) && group.picture.index === null,
    cacheBytes,
    maxPageBytes,
  });
  const labelsOf = memo<number, Int32Array>(32 * 2 ** 20, async (number) => {
    const group = groups[number], column = tables[group.file].label;
    if (!column || !group.label) return new Int32Array(group.rows).fill(-1);
    return await pool.use(group.file, (reader) => readLabels(reader, group.label!, column, group.rows));
  }, (labels) => labels.byteLength);

  const find = (index: number): { number: number; row: number } => {
    requireIndex(uri, index, length);
    const number = lastAtMost(groups, index);
    return { number, row: index - groups[number].first };
  };
  const keyOf = ({ number, row }: { number: number; row: number }) =>
    `${names[groups[number].file]}:${groups[number].firstInFile + row}`;

  return {
    uri,
    length,
    labels: tables[0]?.labels ?? [],
    async get(index): Promise<ImageRecord> {
      const place = find(index), { number, row } = place;
      const bad = (reason: string) => new BadRecordError(uri, keyOf(place), reason);
      try {
        const value = await store.value(number, row);
        if (!(value instanceof Uint8Array)) throw bad("no bytes (a null, or a picture outside of the file)");
        const label = (await labelsOf(number))[row];
        // A copy, so that a picture does not hold its page in memory.
        const record: ImageRecord = { key: keyOf(place), bytes: value.slice() };
        if (label >= 0) record.label = label;
        return record;
      } catch (error) {
        if (error instanceof DamagedError || error instanceof RangeError) throw bad(error.message);
        throw error;
      }
    },
    key: async (index) => await keyOf(find(index)),
    async close(): Promise<void> {
      await pool.close();
      store.clear();
      labelsOf.clear();
    },
  };
}

async function readLabels(
  reader: ByteReader,
  chunk: Chunk,
  column: Column,
  rows: number,
): Promise<Int32Array> {
  const labels = new Int32Array(rows).fill(-1), most = 2 ** 28;
  const { dictionary, pages } = await readPageTable(reader, chunk, rows);
  const words = dictionary ? await readPage(reader, dictionary, chunk, column, most, null) : null;
  for (const page of pages) {
    const values = await readPage(reader, page, chunk, column, most, words);
    values.forEach((value, i) => {
      // Hugging Face writes −1 for "unknown".
      if (typeof value === "number" && value >= 0 && value < 2 ** 31) labels[page.first + i] = value;
    });
  }
  return labels;
}

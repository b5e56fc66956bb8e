import { expandNames } from "../../io/braces.ts";
import { requireIndex } from "../../io/compact_lists.ts";
import { openRangeReader } from "../../io/http/range.ts";
import type { HttpOptions } from "../../io/http/types.ts";
import { isRemote } from "../../io/paths.ts";
import { shownNames } from "../../io/shown_names.ts";
import { redact } from "../../../files/redact.ts";
import { DamagedError } from "../../io/reader/chunks.ts";
import { openFileReader } from "../../io/reader/file.ts";
import { readerPool } from "../../io/reader/pool.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { BadRecordError, type ImageRecord, NoPictureError, type Source } from "../../types.ts";
import { select } from "../select.ts";
import { type FileGroup, parquetClasses } from "./classes.ts";
import { type PictureTable, readPictureTable } from "./metadata.ts";
import { picturePaths } from "./paths.ts";
import { rowsOfSplit, type RowSplitQuestion } from "./row_splits.ts";
import { lastAtMost, pictureStore } from "./store.ts";

/** How Parquet files are read. */
export interface ParquetOptions {
  /** What the user named. Default: the files' names. */
  name?: string;
  /** The pictures' column. Default: found by its type and name. */
  column?: string;
  /** The classes' column, or its path in structs, `meta.class`. Default: found by its type and name. */
  label?: string;
  /** Class names in the order of their numbers, where the files do not name their classes. */
  labels?: readonly string[];
  /** Whether classes are read. Default true. */
  classes?: boolean;
  /** Which split is meant, where a column names each row's. Default: all rows. */
  split?: RowSplitQuestion;
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

interface Group extends FileGroup {
  /** Its first row in the whole source, and in its file. */
  first: number;
  firstInFile: number;
}

/**
 * Opens Parquet files of pictures, as Hugging Face's datasets store them: a struct {bytes, path} column, a label column
 * of numbers, whose class names may stand in the file's metadata, or of texts. Local files, or remote ones by range requests.
 *
 * A record costs the page that holds it, read and unpacked once while the cache holds it. Writers make pages of
 * about a megabyte, so an exact shuffle reads some ten pictures for one; where this is felt, pack the pictures or write
 * smaller pages. Of remote files without a page index, whole row groups are read where two fit into the cache.
 *
 * @param uri A path or URL, braces expanded; or a list of them as they stand.
 * @param options Column, cache and limits.
 * @returns A source with random access.
 * @throws {Error} A file is missing, cut short, damaged, without pictures, encoded in a way that is not read, or its
 * classes cannot be told from another's; the message names the file. The split that is meant is not there, or none was named
 * and several could be.
 */
export async function openParquet(
  uri: string | readonly string[],
  options: ParquetOptions = {},
): Promise<Source> {
  const { shown: files, real } = shownNames(typeof uri === "string" ? expandNames(uri) : uri);
  const pool = readerPool((file) =>
    isRemote(files[file])
      ? openRangeReader(real(files[file]), { ...options.http, maxBytes: REMOTE_BYTES })
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
              return await readPictureTable(reader, options);
            } catch (error) {
              throw named(path, error);
            }
          })
        )),
      );
    }
    const source = await makeSource(
      redact(options.name ?? (typeof uri === "string" ? uri : uri.join(","))),
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

/** An error that names the file. */
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

/** The row groups of all files one behind the other, but those without rows, and how many rows they have together. */
function placedGroups(tables: readonly PictureTable[]): { groups: Group[]; length: number } {
  const groups: Group[] = [];
  let length = 0;
  tables.forEach((table, file) => {
    let firstInFile = 0;
    for (const group of table.groups) {
      if (group.rows > 0) groups.push({ ...group, file, first: length, firstInFile });
      firstInFile += group.rows;
      length += group.rows;
    }
  });
  return { groups, length };
}

/** A source of the rows of files whose metadata has been read. Closing it closes their readers. */
async function makeSource(
  uri: string,
  files: readonly string[],
  tables: readonly PictureTable[],
  pool: ReturnType<typeof readerPool>,
  options: ParquetOptions,
): Promise<Source> {
  const { cacheBytes = 256 * 2 ** 20, maxPageBytes = 2 ** 30 } = options;
  const names = shortNames(files), { groups, length } = placedGroups(tables);
  const store = pictureStore(groups, {
    use: (group, work) => pool.use(group.file, work),
    columnOf: (group) => tables[group.file].picture,
    sequential: (group) => isRemote(files[group.file]) && group.picture.index === null,
    cacheBytes,
    maxPageBytes,
  });
  const paths = picturePaths(groups, {
    use: (group, work) => pool.use(group.file, work),
    columnOf: (group) => tables[group.file].path,
    cacheBytes: cacheBytes / 16,
    maxPageBytes,
  });
  const nameOf = (group: Group, row: number) => `${names[group.file]}:${group.firstInFile + row}`;
  const use = <T>(file: number, work: (reader: ByteReader) => Promise<T>) => pool.use(file, work);
  const classes = await parquetClasses({
    uri,
    files,
    tables,
    groups,
    use,
    keyOf: nameOf,
    labels: options.labels?.length ? options.labels : undefined,
    asked: options.label !== undefined,
  });
  const find = (index: number): { number: number; row: number } => {
    requireIndex(uri, index, length);
    const number = lastAtMost(groups, index);
    return { number, row: index - groups[number].first };
  };
  const keyOf = ({ number, row }: { number: number; row: number }) => nameOf(groups[number], row);

  const question = options.split;
  const rows = question === undefined ? null : await rowsOfSplit({ tables, groups, use, question });
  const whole: Source = {
    uri,
    length,
    labels: classes.labels,
    async get(index): Promise<ImageRecord> {
      const at = find(index), { number, row } = at;
      const bad = (reason: string) => new BadRecordError(uri, keyOf(at), reason);
      try {
        const value = await store.value(number, row);
        if (!(value instanceof Uint8Array)) {
          const path = await paths.of(number, row);
          if (path === null) throw new NoPictureError(uri, keyOf(at), "no picture (null)");
          throw bad(`no bytes: the picture is outside of the file, at ${path}`);
        }
        const label = (await classes.of(number))[row];
        // A copy, so that a picture does not hold its page in memory.
        const record: ImageRecord = { key: keyOf(at), bytes: value.slice() };
        if (label >= 0) record.label = label;
        return record;
      } catch (error) {
        if (!(error instanceof DamagedError || error instanceof RangeError)) throw error;
        const { name } = tables[groups[number].file].picture;
        throw bad(error.message.startsWith("column ") ? error.message : `column ${name}: ${error.message}`);
      }
    },
    key: async (index) => await keyOf(find(index)),
    passedOver: classes.passedOver,
    origin: (index) => ({ part: 0, shard: files[groups[find(index).number].file] }),
    async close(): Promise<void> {
      await pool.close();
      store.clear();
      paths.clear();
    },
  };
  return rows === null ? whole : select(whole, rows);
}

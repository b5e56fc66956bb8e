import { memo } from "../../io/reader/cache.ts";
import { DamagedError } from "../../io/reader/chunks.ts";
import { type ByteReader, requireInside } from "../../io/reader/types.ts";
import type { Column } from "./columns.ts";
import type { RowGroup } from "./metadata.ts";
import { type Page, readPageTable } from "./page_table.ts";
import { readPage } from "./pages.ts";
import type { Value } from "./values.ts";

/** How a {@linkcode pictureStore} reaches and keeps pages. */
export interface StoreOptions<G extends RowGroup> {
  /** Works with the reader of a row group's file. */
  use<T>(group: G, work: (reader: ByteReader) => Promise<T>): Promise<T>;
  columnOf(group: G): Column;
  /**
   * Whether the pictures of a row group are read in one go, if two such fit into the cache: asking for each page's header would be
   * slower.
   */
  sequential(group: G): boolean;
  cacheBytes: number;
  maxPageBytes: number;
}

/** Pictures by row group and row. */
export interface PictureStore {
  /** A row's value; it shares its page's memory. */
  value(group: number, row: number): Promise<Value>;
  clear(): void;
}

/**
 * Keeps unpacked pages, up to a size.
 *
 * @param groups Row groups of all files.
 * @param options Access and sizes.
 */
export function pictureStore<G extends RowGroup>(
  groups: readonly G[],
  options: StoreOptions<G>,
): PictureStore {
  const { cacheBytes, maxPageBytes } = options;
  const whole = memo<number, ByteReader>(cacheBytes, (number) => {
    const { start, end } = groups[number].picture;
    if (end - start > maxPageBytes) {
      throw new DamagedError(`a row group of ${end - start} bytes, over the limit of ${maxPageBytes}`);
    }
    return options.use(
      groups[number],
      async (reader) => inMemory(reader.uri, start, await reader.read(start, end - start)),
    );
  }, (reader) => reader.length);
  // A larger one would not stay in the cache, and would come again for each of its pages.
  const inOneGo = (group: G) =>
    options.sequential(group) && group.picture.end - group.picture.start <= cacheBytes / 2;
  const reach = async <T>(number: number, work: (reader: ByteReader) => Promise<T>): Promise<T> =>
    inOneGo(groups[number]) ? await work(await whole(number)) : await options.use(groups[number], work);
  const load = (number: number, page: Page, words: Value[] | null): Promise<Value[]> => {
    const group = groups[number], column = options.columnOf(group);
    return reach(number, (reader) => readPage(reader, page, group.picture, column, maxPageBytes, words));
  };
  const tables = memo(
    16 * 2 ** 20,
    (number: number) =>
      reach(number, (reader) => readPageTable(reader, groups[number].picture, groups[number].rows)),
    (table) => 100 + table.pages.length * 80,
  );
  const dictionaries = memo(
    cacheBytes / 4,
    async (number: number): Promise<Value[] | null> => {
      const { dictionary } = await tables(number);
      return dictionary ? await load(number, dictionary, null) : null;
    },
    weigh,
  );
  const pages = memo(cacheBytes, async (name: string): Promise<Value[]> => {
    const [number, page] = name.split(" ").map(Number);
    const words = await dictionaries(number);
    return await load(number, (await tables(number)).pages[page], words);
  }, weigh);
  return {
    async value(group, row) {
      const table = await tables(group), page = lastAtMost(table.pages, row);
      return (await pages(`${group} ${page}`))[row - table.pages[page].first];
    },
    clear() {
      for (const cache of [whole, tables, dictionaries, pages]) cache.clear();
    },
  };
}

/** Memory of a page's values: they share it, so its extent counts, not only their sizes; a view of a part takes 100 bytes itself. */
function weigh(values: Value[] | null): number {
  const first = values?.find((value) => value instanceof Uint8Array);
  return (values?.length ?? 0) * (first ? 120 : 16) + (first?.buffer.byteLength ?? 0);
}

/** The last of `items`, in order, that begins at or before `row`. */
export function lastAtMost(items: readonly { first: number }[], row: number): number {
  let low = 0, high = items.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (items[middle].first <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Part of a file in memory, at the offsets that it has in the file. */
function inMemory(uri: string, start: number, bytes: Uint8Array<ArrayBuffer>): ByteReader {
  return {
    uri,
    length: bytes.length,
    async read(offset, size) {
      requireInside(uri, bytes.length, offset - start, size);
      return await bytes.subarray(offset - start, offset - start + size);
    },
    close: () => Promise.resolve(),
  };
}

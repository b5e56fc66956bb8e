import { type PageHeader, readOffsetIndex } from "npm:hyparquet@1.31.5";
import { parquetHeader } from "npm:hyparquet@1.31.5/src/column.js";
import { DamagedError } from "../../io/reader/chunks.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import type { Chunk } from "./chunk.ts";
import { endOfStruct, EndsEarlyError } from "./thrift.ts";

/** Headers are a few dozen bytes unless they carry statistics. */
const HEADER_BYTES = 512, MOST_HEADER = 1 << 20;

/** Rows that take next to no bytes still take memory. */
const MOST_ROWS = 2 ** 24;

/** Where a page lies. */
export interface Page {
  /** First byte, the header's. */
  offset: number;
  /** Bytes with the header. */
  size: number;
  /** First row in its row group. */
  first: number;
  /** Rows in it. */
  rows: number;
}

/** The pages of a column in a row group. */
export interface PageTable {
  dictionary: Page | null;
  pages: Page[];
}

/** A page's header and how long it is. */
async function readHeader(
  reader: ByteReader,
  offset: number,
  end: number,
): Promise<{ header: PageHeader; length: number }> {
  for (let size = HEADER_BYTES;; size *= 8) {
    const bytes = await reader.read(offset, Math.min(size, end - offset));
    try {
      return headerOf(bytes);
    } catch (error) {
      if (!(error instanceof EndsEarlyError) || size >= MOST_HEADER || size >= end - offset) throw error;
    }
  }
}

/**
 * A page's header, and its length.
 *
 * @throws {DamagedError} When the header is damaged.
 */
export function headerOf(bytes: Uint8Array): { header: PageHeader; length: number } {
  const length = endOfStruct(bytes);
  let header: PageHeader;
  try {
    header = parquetHeader({ view: new DataView(bytes.buffer, bytes.byteOffset, length), offset: 0 });
  } catch (error) {
    throw new DamagedError(`damaged page header: ${error instanceof Error ? error.message : String(error)}`);
  }
  for (const name of ["compressed_page_size", "uncompressed_page_size"] as const) {
    const size: unknown = header[name];
    if (!(Number.isSafeInteger(size) && Number(size) >= 0)) {
      throw new DamagedError(`damaged page header: ${name} ${size}`);
    }
  }
  return { header, length };
}

/**
 * Rows of a data page, 0 for other pages.
 *
 * @throws {DamagedError} For a number that cannot be.
 */
export function rowsOf(header: PageHeader): number {
  const rows = header.type === "DATA_PAGE"
    ? header.data_page_header?.num_values
    : header.type === "DATA_PAGE_V2"
    ? header.data_page_header_v2?.num_values
    : 0;
  if (rows === undefined || !(rows >= 0 && rows <= MOST_ROWS)) {
    throw new DamagedError(`damaged page header: ${rows} rows in a page`);
  }
  return rows;
}

/**
 * Finds a column's pages: from its index if the file has one, or else by going from header to header.
 *
 * @param reader The file.
 * @param chunk Where the column lies.
 * @param rows Rows of the row group.
 * @throws {DamagedError} When the pages do not lie inside the column or do not hold its rows.
 */
export async function readPageTable(reader: ByteReader, chunk: Chunk, rows: number): Promise<PageTable> {
  const table = chunk.index ? await fromIndex(reader, chunk, rows) : await fromHeaders(reader, chunk, rows);
  const held = table.pages.reduce((sum, page) => sum + page.rows, 0);
  if (held !== rows) throw new DamagedError(`the pages of ${rows} rows hold ${held}`);
  return table;
}

async function fromHeaders(reader: ByteReader, chunk: Chunk, rows: number): Promise<PageTable> {
  const table: PageTable = { dictionary: null, pages: [] };
  let at = chunk.start, first = 0;
  while (first < rows && at < chunk.end) {
    const { header, length } = await readHeader(reader, at, chunk.end);
    const page = { offset: at, size: length + header.compressed_page_size, first, rows: rowsOf(header) };
    at += page.size;
    if (at > chunk.end) throw new DamagedError(`the page at byte ${page.offset} reaches beyond its column`);
    if (header.type === "DICTIONARY_PAGE") table.dictionary ??= page;
    else if (page.rows > 0) table.pages.push(page);
    first += page.rows;
  }
  return table;
}

async function fromIndex(reader: ByteReader, chunk: Chunk, rows: number): Promise<PageTable> {
  const { offset, length } = chunk.index!;
  const bytes = await reader.read(offset, length);
  endOfStruct(bytes);
  let locations: { offset: bigint; compressed_page_size: number; first_row_index: bigint }[];
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    locations = readOffsetIndex({ view, offset: 0 }).page_locations;
  } catch (error) {
    throw new DamagedError(`damaged page index: ${error instanceof Error ? error.message : String(error)}`);
  }
  const firsts = [...locations.map((page) => Number(page.first_row_index)), rows];
  const pages = locations.map((page, i): Page => ({
    offset: Number(page.offset),
    size: page.compressed_page_size,
    first: firsts[i],
    rows: firsts[i + 1] - firsts[i],
  }));
  for (const page of pages) {
    const inside = page.offset >= chunk.start && page.size > 0 && page.offset + page.size <= chunk.end;
    if (!inside || !(page.rows >= 0)) throw new DamagedError("damaged page index: a page outside its column");
  }
  const start = pages[0]?.offset ?? chunk.start;
  const dictionary = start > chunk.start
    ? { offset: chunk.start, size: start - chunk.start, first: 0, rows: 0 }
    : null;
  return { dictionary, pages: pages.filter((page) => page.rows > 0) };
}

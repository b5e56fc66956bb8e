import { type PageHeader, readOffsetIndex } from "npm:hyparquet@1.31.5";
import { parquetHeader } from "npm:hyparquet@1.31.5/src/column.js";
import { deltaBinaryUnpack, deltaLengthByteArray } from "npm:hyparquet@1.31.5/src/delta.js";
import { DamagedError } from "../reader/chunks.ts";
import type { ByteReader } from "../reader/types.ts";
import { unpack } from "./compression.ts";
import type { Chunk, Column } from "./metadata.ts";
import { endOfStruct, EndsEarlyError } from "./thrift.ts";
import { readHybrid, readPlain, type Value } from "./values.ts";

/*
 * hyparquet reads the metadata, pages' headers and what is compressed. Pages are taken apart here, for two reasons: a record
 * costs its own page in place of its whole column chunk, which in files by pyarrow is all of the file; and the library
 * believes what a run of numbers says of its length, so that one flipped byte would fill the memory.
 */

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

function headerOf(bytes: Uint8Array): { header: PageHeader; length: number } {
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

/** Rows of a data page, 0 for other pages. */
function rowsOf(header: PageHeader): number {
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
 * @param chunk The column's place.
 * @param rows Rows of the row group.
 * @throws DamagedError when the pages do not lie inside the column or do not hold its rows.
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

/**
 * Reads and decodes a page. Time and memory are bounded by its size, packed and unpacked.
 *
 * @param reader The file.
 * @param page Its place.
 * @param chunk The column's place, for its codec.
 * @param column The column's type.
 * @param mostBytes Pages that unpack to more are refused.
 * @param dictionary Values that the page's numbers stand for.
 * @returns One value a row; pictures are parts of one memory.
 */
export async function readPage(
  reader: ByteReader,
  page: Page,
  chunk: Chunk,
  column: Column,
  mostBytes: number,
  dictionary: readonly Value[] | null,
): Promise<Value[]> {
  if (page.size > mostBytes) throw tooLarge(page.size, mostBytes);
  const bytes = await reader.read(page.offset, page.size);
  const { header, length } = headerOf(bytes);
  const { compressed_page_size: packedSize, uncompressed_page_size: size } = header;
  if (length + packedSize > bytes.length) throw new DamagedError("a page reaches beyond its place");
  if (size > mostBytes) throw tooLarge(size, mostBytes);
  const packed = bytes.subarray(length, length + packedSize);
  if (header.type === "DICTIONARY_PAGE") {
    const count = header.dictionary_page_header?.num_values ?? 0;
    return readPlain(column.type, unpack(chunk.codec, packed, size), count);
  }
  if (rowsOf(header) !== page.rows) throw new DamagedError("a page holds other rows than its place says");
  const { levels, values, encoding } = parts(header, packed, chunk, column, page.rows);
  const count = levels
    ? levels.reduce((sum, level) => sum + (level === column.levels ? 1 : 0), 0)
    : page.rows;
  const present = decode(encoding, column, values, count, dictionary);
  if (!levels) return present;
  let next = 0;
  return Array.from(levels, (level) => level === column.levels ? present[next++] : null);
}

const tooLarge = (size: number, most: number) =>
  new DamagedError(`a page of ${size} bytes, over the limit of ${most} (maxPageBytes)`);

/** Which rows are null, and the values' bytes unpacked. */
function parts(
  header: PageHeader,
  packed: Uint8Array,
  chunk: Chunk,
  column: Column,
  rows: number,
): { levels: Uint32Array | null; values: Uint8Array; encoding: string } {
  const bits = 32 - Math.clz32(column.levels);
  const second = header.data_page_header_v2;
  if (second) {
    const repetition = second.repetition_levels_byte_length ?? 0;
    const definition = second.definition_levels_byte_length ?? 0, ahead = repetition + definition;
    if (!(repetition >= 0 && definition >= 0 && ahead <= packed.length)) {
      throw new DamagedError("damaged page header: its levels reach beyond the page");
    }
    const rest = packed.subarray(ahead), size = header.uncompressed_page_size - ahead;
    return {
      levels: bits > 0 ? readHybrid(packed.subarray(repetition, ahead), bits, rows) : null,
      values: second.is_compressed === false ? rest : unpack(chunk.codec, rest, Math.max(size, 0)),
      encoding: second.encoding,
    };
  }
  const page = unpack(chunk.codec, packed, header.uncompressed_page_size);
  const encoding = header.data_page_header?.encoding ?? "";
  if (bits === 0) return { levels: null, values: page, encoding };
  const length = page.length >= 4 ? new DataView(page.buffer, page.byteOffset).getUint32(0, true) : Infinity;
  if (4 + length > page.length) throw new DamagedError("a page's levels reach beyond it");
  return {
    levels: readHybrid(page.subarray(4, 4 + length), bits, rows),
    values: page.subarray(4 + length),
    encoding,
  };
}

function decode(
  encoding: string,
  column: Column,
  bytes: Uint8Array,
  count: number,
  dictionary: readonly Value[] | null,
): Value[] {
  if (encoding === "PLAIN") return readPlain(column.type, bytes, count);
  if (encoding.startsWith("DELTA_")) return readDelta(encoding, column, bytes, count);
  if (encoding !== "PLAIN_DICTIONARY" && encoding !== "RLE_DICTIONARY") {
    throw unknown(encoding);
  }
  if (!dictionary) throw new DamagedError("a page refers to a dictionary that is not there");
  if (count === 0) return [];
  if (bytes.length === 0) throw new DamagedError("a page without values");
  const numbers = readHybrid(bytes.subarray(1), bytes[0], count);
  return Array.from(numbers, (number) => {
    if (number >= dictionary.length) throw new DamagedError("a page refers to no value of the dictionary");
    return dictionary[number];
  });
}

const unknown = (encoding: string) =>
  new Error(`values are encoded by ${encoding}, which is not supported; write them plain`);

/** Values whose sizes, or which themselves, are stored as differences. */
function readDelta(encoding: string, column: Column, bytes: Uint8Array, count: number): Value[] {
  if (count === 0) return [];
  // In memory of its own, so that nothing beyond the page can be reached.
  const own = bytes.slice(), reader = { view: new DataView(own.buffer), offset: 0 };
  try {
    if (encoding === "DELTA_LENGTH_BYTE_ARRAY" && column.type === "BYTE_ARRAY") {
      const values: Uint8Array[] = new Array(count);
      deltaLengthByteArray(reader, count, values);
      return values;
    }
    if (encoding === "DELTA_BINARY_PACKED" && column.type !== "BYTE_ARRAY") {
      const values = column.type === "INT32" ? new Int32Array(count) : new BigInt64Array(count);
      deltaBinaryUnpack(reader, count, values);
      return Array.from(values, Number);
    }
  } catch (error) {
    throw new DamagedError(
      `a page of differences is damaged: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  throw unknown(encoding);
}

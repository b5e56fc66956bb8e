import type { PageHeader } from "npm:hyparquet@1.31.5";
import { deltaBinaryUnpack, deltaLengthByteArray } from "npm:hyparquet@1.31.5/src/delta.js";
import { DamagedError } from "../../io/reader/chunks.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { unpack } from "./compression.ts";
import type { Chunk, Column } from "./metadata.ts";
import { headerOf, type Page, rowsOf } from "./page_table.ts";
import { readHybrid, readPlain, type Value } from "./values.ts";

/*
 * hyparquet reads the metadata, pages' headers and what is compressed. Pages are taken apart here, for two reasons: a record
 * costs its own page in place of its whole column chunk, which in files by pyarrow is all of the file; and the library
 * believes what a run of numbers says of its length, so that one flipped byte would fill the memory.
 */

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

import type { PageHeader } from "npm:hyparquet@1.31.5";
import { DamagedError } from "../../io/reader/chunks.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { unpack } from "./compression.ts";
import type { Column } from "./columns.ts";
import { readDeltaBytes, readDeltaLengths, readDeltas } from "./delta.ts";
import { isEncoding } from "./encodings.ts";
import type { Chunk } from "./chunk.ts";
import { headerOf, type Page, rowsOf } from "./page_table.ts";
import { readHybrid, readPlain, readSplit, smallest, type Value } from "./values.ts";

/*
 * hyparquet reads the metadata, pages' headers and what is compressed. Pages are taken apart here, for two reasons: a record
 * costs its own page instead of its whole column chunk, which in files by pyarrow is all of the file; and the library
 * believes what a run of numbers says of its length, so that one flipped byte would fill the memory.
 */

/**
 * Reads and decodes a page. Time and memory are bounded by its size, packed and unpacked.
 *
 * @param reader The file.
 * @param page Where it lies.
 * @param chunk Where the column lies, for its codec.
 * @param column The column's type.
 * @param mostBytes Pages that unpack to more are refused.
 * @param dictionary Values that the page's numbers stand for.
 * @returns One value a row; pictures are parts of one memory.
 * @throws {DamagedError} When the page is damaged, too large, or not what the index says.
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
  if (length + packedSize > bytes.length) throw new DamagedError("a page is longer than the index says");
  if (size > mostBytes) throw tooLarge(size, mostBytes);
  const packed = bytes.subarray(length, length + packedSize);
  if (header.type === "DICTIONARY_PAGE") {
    const count = header.dictionary_page_header?.num_values ?? 0;
    return readPlain(column, unpack(chunk.codec, packed, size), count);
  }
  if (rowsOf(header) !== page.rows) throw new DamagedError("a page holds other rows than the index says");
  const { levels, values, encoding } = parts(header, packed, chunk, column, page.rows);
  const count = levels
    ? levels.reduce((sum, level) => sum + (level === column.levels ? 1 : 0), 0)
    : page.rows;
  const present = decode(encoding, column, values, count, { dictionary, mostBytes });
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
  { dictionary, mostBytes }: { dictionary: readonly Value[] | null; mostBytes: number },
): Value[] {
  // What the metadata lists was checked before; a page that says otherwise is damaged.
  if (!isEncoding(encoding, column.type)) throw new DamagedError(`values are encoded by ${encoding}`);
  if (count === 0) return [];
  switch (encoding) {
    case "PLAIN":
      return readPlain(column, bytes, count);
    case "DELTA_BINARY_PACKED": {
      const bits = column.type === "INT32" ? 32 : 64;
      const { numbers } = readDeltas(bytes, bits, count);
      return numbers.map((number) => smallest(column.unsigned ? BigInt.asUintN(bits, number) : number));
    }
    case "DELTA_LENGTH_BYTE_ARRAY":
      return readDeltaLengths(bytes, count);
    case "DELTA_BYTE_ARRAY":
      return readDeltaBytes(bytes, count, mostBytes);
    case "BYTE_STREAM_SPLIT":
      return readSplit(column, bytes, count);
    case "RLE": {
      // Truths, behind their length.
      if (column.type !== "BOOLEAN" || bytes.length < 4) throw new DamagedError("a page without values");
      return Array.from(readHybrid(bytes.subarray(4), 1, count));
    }
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY":
      return fromDictionary(dictionary, bytes, count);
    default:
      throw new DamagedError(`values are encoded by ${encoding}`);
  }
}

function fromDictionary(dictionary: readonly Value[] | null, bytes: Uint8Array, count: number): Value[] {
  if (!dictionary) throw new DamagedError("a page refers to a dictionary that is not there");
  if (bytes.length === 0) throw new DamagedError("a page without values");
  const numbers = readHybrid(bytes.subarray(1), bytes[0], count);
  return Array.from(numbers, (number) => {
    if (number >= dictionary.length) throw new DamagedError("a page refers to no value of the dictionary");
    return dictionary[number];
  });
}

/** Where a column's values stand in a Parquet file. */
import type { ColumnMetaData, FileMetaData, SchemaTree } from "npm:hyparquet@1.31.5";
import { DamagedError } from "../../io/reader/chunks.ts";
import type { Column } from "./columns.ts";
import { type Codec, isCodec } from "./compression.ts";
import { isEncoding } from "./encodings.ts";

/** A row group of more rows is refused: nobody stores so many pictures together. */
const MOST_ROWS = 2 ** 26;

/** Where a column of a row group lies. */
export interface Chunk {
  codec: Codec;
  /** First byte, the dictionary's where there is one. */
  start: number;
  /** Byte after the last one. */
  end: number;
  /** Where the pages' offsets are listed, if they are. */
  index: { offset: number; length: number } | null;
}

/** The rows of a row group. */
export function rowsOf(group: FileMetaData["row_groups"][number], number: number): number {
  return count(group.num_rows, MOST_ROWS, `rows of row group ${number}`);
}

/**
 * Where a column's values stand in a row group.
 *
 * @param group The row group, and its number.
 * @param leaf The column, and how its values are stored.
 * @param size Bytes of the file.
 * @throws {DamagedError} They are not there.
 * @throws {Error} They are of a kind that is not read.
 */
export function chunkOfLeaf(
  group: FileMetaData["row_groups"][number],
  number: number,
  leaf: SchemaTree,
  kind: Column,
  size: number,
): Chunk {
  const column = group.columns.find((one) => samePath(one.meta_data?.path_in_schema, leaf.path));
  if (!column?.meta_data) throw new DamagedError(`row group ${number} lacks column ${kind.name}`);
  if (column.file_path) throw new Error(`column ${kind.name} is in another file, which is not supported`);
  const codec = requireReadable(column.meta_data, kind);
  return chunkOf(column.meta_data, codec, size, `column ${kind.name} in row group ${number}`, column);
}

/** Compares part by part: a name may have dots. */
function samePath(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a?.length === b.length && b.every((part, i) => part === a[i]);
}

/** The codec of pages that can be read. Throws for others, and for encodings that are not read. */
function requireReadable({ codec, encodings }: ColumnMetaData, column: Column): Codec {
  if (!isCodec(codec)) {
    throw new Error(
      `column ${column.name} is compressed by ${
        codec ?? "a codec of no known number"
      }, which is not supported; write it with snappy or zstd`,
    );
  }
  const wrong = encodings?.findIndex((encoding) => !isEncoding(encoding, column.type)) ?? -1;
  if (wrong < 0) return codec;
  throw new Error(
    `column ${column.name} is encoded by ${
      encodings![wrong] ?? "an encoding of no known number"
    }, which is not ` +
      "supported; write it plain (in pyarrow: use_dictionary=False, without column_encoding)",
  );
}

/** A number of the metadata, 0 … most. */
function count(value: bigint | number | undefined, most: number, what: string): number {
  const number = Number(value);
  if (!(number >= 0 && number <= most)) {
    throw new DamagedError(`damaged Parquet metadata: ${what} is ${value}, of at most ${most}`);
  }
  return number;
}

function chunkOf(
  meta: ColumnMetaData,
  codec: Codec,
  size: number,
  where: string,
  column: { offset_index_offset?: bigint; offset_index_length?: number },
): Chunk {
  const data = count(meta.data_page_offset, size, `the first page of ${where}`);
  // Some writers give 0 for "none".
  const dictionary = count(meta.dictionary_page_offset ?? 0, size, `the dictionary of ${where}`);
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  const length = count(meta.total_compressed_size, size - start, `the length of ${where} from byte ${start}`);
  const offset = Number(column.offset_index_offset ?? 0), indexLength = column.offset_index_length ?? 0;
  const hasIndex = offset > 0 && indexLength > 0 && offset + indexLength <= size;
  return {
    codec,
    start,
    end: start + length,
    index: hasIndex ? { offset, length: indexLength } : null,
  };
}

import { type FileMetaData, parquetMetadata, parquetSchema, type SchemaTree } from "npm:hyparquet@1.31.5";
import { DamagedError } from "../../io/reader/chunks.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import type { PassedOver } from "../../types.ts";
import type { Reading } from "../class_names.ts";
import { type Column, columnOf, findPath, findPicture } from "./columns.ts";
import { findClasses } from "./folder_class.ts";
import { featuresOf } from "./features.ts";
import { IS_EMBEDDING, PARQUET_KEY } from "../embeddings.ts";
import { type Chunk, chunkOfLeaf, rowsOf } from "./chunk.ts";
import { findSplit } from "./split_column.ts";
import { endOfStruct } from "./thrift.ts";

/** Larger metadata is refused. */
const MOST_METADATA = 128 * 2 ** 20;

/** Rows that are stored together. */
export interface RowGroup {
  rows: number;
  picture: Chunk;
  label: Chunk | null;
  /** Where the file says which file a picture is from. */
  path: Chunk | null;
  /** Where it says of which split a row is. */
  split: Chunk | null;
}

/** What is known of a Parquet file of pictures. */
export interface PictureTable {
  rows: number;
  groups: RowGroup[];
  picture: Column;
  label: Column | null;
  /** The part of the picture's struct that names a file. */
  path: Column | null;
  /** The column that names each row's split. */
  split: Column | null;
  /** Class names; empty when the file does not know them. */
  labels: string[];
  /** The class of all rows, where the file's folders state it instead of a column. */
  folder?: Reading;
  /** Columns with a label's name that hold no classes, and others that could have been meant. */
  passedOver: PassedOver[];
}

/** Which columns are meant. Default: found by their types and names. */
export interface WantedColumns {
  /** The pictures' column: its name, or a path into structs such as `sample.image`. */
  column?: string;
  /** The classes' column: its name, or a path into structs such as `meta.class`. */
  label?: string;
  /** Whether classes are wanted. Default true. */
  classes?: boolean;
}

/**
 * Reads and checks a Parquet file's metadata and finds its pictures and their classes ({@linkcode findPicture},
 * {@linkcode findLabel}). How their pages are packed and encoded is looked at too, so that a file which cannot be read is
 * refused now.
 *
 * @param reader The file.
 * @param wanted The columns, where the user says which.
 * @throws {DamagedError} The file is none, damaged or cut short.
 * @throws {Error} It has no pictures, or pages of a kind that is not read.
 */
export async function readPictureTable(
  reader: ByteReader,
  wanted: WantedColumns = {},
): Promise<PictureTable> {
  const metadata = await readMetadata(reader);
  if (hasFeatures(metadata)) throw new Error(IS_EMBEDDING);
  try {
    return pictureTable(metadata, reader, wanted);
  } catch (error) {
    // Whatever the library's structures lack was lacking in the file.
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new DamagedError(`damaged Parquet metadata: ${error.message}`);
    }
    throw error;
  }
}

/** Whether a file's metadata says that `embed` has written it. */
export const hasFeatures = ({ key_value_metadata: notes }: FileMetaData): boolean =>
  notes?.some(({ key }) => key === PARQUET_KEY) ?? false;

/**
 * Reads a Parquet file's metadata.
 *
 * @throws {DamagedError} The file is none, damaged or cut short.
 * @throws {Error} It is encrypted.
 */
export async function readMetadata(reader: ByteReader): Promise<FileMetaData> {
  if (reader.length < 12) throw new DamagedError(`no Parquet file: ${reader.length} bytes`);
  const tail = await reader.read(reader.length - 8, 8);
  const magic = new TextDecoder("latin1").decode(tail.subarray(4));
  if (magic === "PARE") throw new Error("an encrypted Parquet file, which is not supported");
  if (magic !== "PAR1") throw new DamagedError("no Parquet file, or cut short: it does not end with PAR1");
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (length > reader.length - 12 || length > MOST_METADATA) {
    throw new DamagedError(`damaged Parquet file: metadata of ${length} bytes in ${reader.length}`);
  }
  const bytes = new Uint8Array(await reader.read(reader.length - 8 - length, length + 8));
  endOfStruct(bytes.subarray(0, length));
  try {
    return parquetMetadata(bytes, { geoparquet: false });
  } catch (error) {
    throw new DamagedError(
      `damaged Parquet metadata: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function pictureTable(
  metadata: FileMetaData,
  { uri: path, length: size }: ByteReader,
  wanted: WantedColumns,
): PictureTable {
  const root = parquetSchema(metadata), features = featuresOf(metadata);
  const { leaf: pictureLeaf, passedOver } = findPicture(root, features, wanted.column);
  const found = findClasses(root, features, pictureLeaf, wanted, path);
  const picture = columnOf(root, pictureLeaf), label = found.leaf && columnOf(root, found.leaf);
  const pathLeaf = findPath(root, pictureLeaf), paths = pathLeaf && columnOf(root, pathLeaf);
  const splitLeaf = findSplit(root), split = splitLeaf && columnOf(root, splitLeaf);
  const groups = metadata.row_groups.map((group, number): RowGroup => {
    const chunk = (leaf: SchemaTree, kind: Column) => chunkOfLeaf(group, number, leaf, kind, size);
    const rows = rowsOf(group, number);
    return {
      rows,
      picture: chunk(pictureLeaf, picture),
      label: found.leaf && chunk(found.leaf, label!),
      path: pathLeaf && attempt(() => chunk(pathLeaf, paths!)),
      split: splitLeaf && attempt(() => chunk(splitLeaf, split!)),
    };
  });
  const rows = groups.reduce((sum, group) => sum + group.rows, 0);
  if (BigInt(rows) !== metadata.num_rows) {
    throw new DamagedError(`damaged Parquet metadata: ${metadata.num_rows} rows, its groups have ${rows}`);
  }
  const names = found.leaf?.path.length === 1 ? features.get(found.leaf.path[0])?.names : undefined;
  return {
    ...{ rows, groups, picture, label, path: paths, split, labels: names ?? [], folder: found.folder },
    passedOver: [...passedOver, ...found.passedOver],
  };
}

/** A result, or null: what can be done without need not be readable. */
function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

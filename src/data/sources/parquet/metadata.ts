import {
  type ColumnMetaData,
  type FileMetaData,
  parquetMetadata,
  parquetSchema,
  type SchemaTree,
} from "npm:hyparquet@1.31.5";
import { DamagedError } from "../../io/reader/chunks.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { endOfStruct } from "./thrift.ts";

/** Larger metadata is refused. */
const MOST_METADATA = 128 * 2 ** 20;

/** A row group of more rows is refused: nobody stores so many pictures together. */
const MOST_ROWS = 2 ** 26;

/** Columns that are taken for pictures when they hold bytes and nothing else tells. */
const PICTURE_NAMES = ["image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp", "bytes", "content"];
const LABEL_NAMES = ["label", "labels", "cls", "class", "class_id", "fine_label", "target", "category"];

/** Where a column of a row group lies. */
export interface Chunk {
  codec: ColumnMetaData["codec"];
  /** First byte, the dictionary's where there is one. */
  start: number;
  /** Byte after the last one. */
  end: number;
  /** Where the pages' places are listed, if they are. */
  index: { offset: number; length: number } | null;
}

/** Rows that are stored together. */
export interface RowGroup {
  rows: number;
  picture: Chunk;
  label: Chunk | null;
}

/** How a column's values are stored. */
export interface Column {
  name: string;
  type: "BYTE_ARRAY" | "INT32" | "INT64";
  /** Levels that may be null. */
  levels: number;
}

/** What is known of a Parquet file of pictures. */
export interface PictureTable {
  rows: number;
  groups: RowGroup[];
  picture: Column;
  label: Column | null;
  /** Class names; empty when the file does not know them. */
  labels: string[];
}

/**
 * Reads and checks a Parquet file's metadata and finds its pictures: the column that Hugging Face's metadata calls an
 * image, a struct with `bytes`, a column of bytes with a picture's name, or the only column of bytes; and the label's
 * column.
 *
 * @param reader The file.
 * @param column The picture's column, when it has to be another one.
 * @throws DamagedError when the file is none, damaged or cut short; Error when it has no pictures.
 */
export async function readPictureTable(reader: ByteReader, column?: string): Promise<PictureTable> {
  const metadata = await readMetadata(reader);
  try {
    return pictureTable(metadata, reader.length, column);
  } catch (error) {
    // Whatever the library's structures lack was lacking in the file.
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new DamagedError(`damaged Parquet metadata: ${error.message}`);
    }
    throw error;
  }
}

async function readMetadata(reader: ByteReader): Promise<FileMetaData> {
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

function pictureTable(metadata: FileMetaData, size: number, wanted?: string): PictureTable {
  const root = parquetSchema(metadata), features = featuresOf(metadata);
  const pictureLeaf = findPicture(root, features, wanted);
  const labelLeaf = findLabel(root, features);
  const groups = metadata.row_groups.map((group, number): RowGroup => {
    const chunk = (leaf: SchemaTree): Chunk => {
      const path = leaf.path.join(".");
      const column = group.columns.find((one) => one.meta_data?.path_in_schema.join(".") === path);
      if (!column?.meta_data) throw new DamagedError(`row group ${number} lacks column ${path}`);
      if (column.file_path) throw new Error(`column ${path} is in another file, which is not supported`);
      return chunkOf(column.meta_data, size, `row group ${number}`, column);
    };
    const rows = count(group.num_rows, MOST_ROWS, `rows of row group ${number}`);
    return { rows, picture: chunk(pictureLeaf), label: labelLeaf && chunk(labelLeaf) };
  });
  const rows = groups.reduce((sum, group) => sum + group.rows, 0);
  if (BigInt(rows) !== metadata.num_rows) {
    throw new DamagedError(`damaged Parquet metadata: ${metadata.num_rows} rows, its groups have ${rows}`);
  }
  const label = labelLeaf && columnOf(root, labelLeaf);
  return {
    rows,
    groups,
    picture: columnOf(root, pictureLeaf),
    label,
    labels: label ? features.get(label.name)?.names ?? [] : [],
  };
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
    codec: meta.codec,
    start,
    end: start + length,
    index: hasIndex ? { offset, length: indexLength } : null,
  };
}

/** What Hugging Face's metadata says of the columns. */
function featuresOf(metadata: FileMetaData): Map<string, { type: string; names: string[] }> {
  const found = new Map<string, { type: string; names: string[] }>();
  const text = metadata.key_value_metadata?.find((entry) => entry.key === "huggingface")?.value;
  if (!text) return found;
  try {
    const features: unknown = JSON.parse(text)?.info?.features;
    if (typeof features !== "object" || features === null) return found;
    for (const [name, feature] of Object.entries(features)) {
      const names = Array.isArray(feature?.names) ? feature.names.map(String) : [];
      found.set(name, { type: String(feature?._type), names });
    }
  } catch {
    // Without it names are guessed.
  }
  return found;
}

function findPicture(root: SchemaTree, features: Map<string, { type: string }>, wanted?: string): SchemaTree {
  const leafOf = (child: SchemaTree): SchemaTree | undefined =>
    [child, ...child.children.filter((one) => one.element.name === "bytes")]
      .find((one) => one.children.length === 0 && one.element.type === "BYTE_ARRAY");
  const isText = (child: SchemaTree) =>
    child.element.converted_type === "UTF8" || child.element.logical_type?.type === "STRING";
  const { children } = root, name = (child: SchemaTree) => child.element.name;
  const columns = children.map(name).join(", ");
  const candidates = wanted !== undefined ? children.filter((child) => name(child) === wanted) : [
    ...children.filter((child) => features.get(name(child))?.type === "Image"),
    ...children.filter((child) => child.children.some((one) => name(one) === "bytes")),
    ...PICTURE_NAMES.flatMap((known) => children.filter((child) => name(child).toLowerCase() === known)),
    ...only(children.filter((child) => child.children.length === 0 && leafOf(child) && !isText(child))),
  ];
  const leaf = candidates.map(leafOf).find((one) => one !== undefined && !isText(one));
  if (leaf) return leaf;
  throw new Error(
    wanted === undefined
      ? `no column of pictures (a struct with bytes, bytes called image, jpg …, or one column of bytes alone); it has: ${columns}`
      : `column "${wanted}" holds no pictures' bytes; it has: ${columns}`,
  );
}

const only = <T>(items: T[]): T[] => items.length === 1 ? items : [];

function findLabel(root: SchemaTree, features: Map<string, { type: string }>): SchemaTree | null {
  const whole = root.children.filter((child) => /^INT(32|64)$/.test(child.element.type ?? ""));
  return whole.find((child) => features.get(child.element.name)?.type === "ClassLabel") ??
    LABEL_NAMES.map((name) => whole.find((child) => child.element.name.toLowerCase() === name))
      .find((child) => child !== undefined) ??
    null;
}

function columnOf(root: SchemaTree, leaf: SchemaTree): Column {
  let levels = 0, node = root;
  for (const part of leaf.path) {
    node = node.children.find((child) => child.element.name === part)!;
    if (node.element.repetition_type === "REPEATED") {
      throw new Error(`column ${leaf.path.join(".")} holds lists, which are no pictures`);
    }
    if (node.element.repetition_type !== "REQUIRED") levels++;
  }
  const { type } = leaf.element;
  if (type !== "BYTE_ARRAY" && type !== "INT32" && type !== "INT64") {
    throw new Error(`column ${leaf.path.join(".")} is of type ${type}`);
  }
  return { name: leaf.path[0], type, levels };
}

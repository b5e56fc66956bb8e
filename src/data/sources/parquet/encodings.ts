import type { ColumnType } from "./columns.ts";

const NUMBERS: readonly ColumnType[] = ["INT32", "INT64"];
const BYTES: readonly ColumnType[] = ["BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"];

/** Which types each encoding of values is read for. */
const ENCODINGS: Readonly<Record<string, (type: ColumnType) => boolean>> = {
  PLAIN: () => true,
  PLAIN_DICTIONARY: () => true,
  RLE_DICTIONARY: () => true,
  // Of levels, which every column may have; and of truths.
  RLE: () => true,
  BIT_PACKED: () => true,
  DELTA_BINARY_PACKED: (type) => NUMBERS.includes(type),
  DELTA_LENGTH_BYTE_ARRAY: (type) => type === "BYTE_ARRAY",
  DELTA_BYTE_ARRAY: (type) => BYTES.includes(type),
  BYTE_STREAM_SPLIT: (type) => type !== "BOOLEAN" && type !== "BYTE_ARRAY",
};

/** Whether pages of this encoding, as the metadata lists it, are read. */
export function isEncoding(encoding: string | undefined, type: ColumnType): boolean {
  return encoding !== undefined && Object.hasOwn(ENCODINGS, encoding) && ENCODINGS[encoding](type);
}

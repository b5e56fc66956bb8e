/** Classes in a column of a Parquet file: numbers, or texts. */
import { decodeText } from "../../io/foreign_text.ts";
import { DamagedError } from "../../io/reader/chunks.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { type Reading, readStated } from "../class_names.ts";
import type { Column } from "./columns.ts";
import type { Chunk } from "./chunk.ts";
import { readPageTable } from "./page_table.ts";
import { readPage } from "./pages.ts";
import type { Value } from "./values.ts";

/** Larger pages of labels are refused. */
const MOST_BYTES = 2 ** 28;

/** Values whose meaning is kept. */
const MOST_KEPT = 2 ** 16;

/** What a value states. */
function readingOf(value: Value): Reading {
  if (!(value instanceof Uint8Array)) return readStated(value);
  try {
    // Texts of fixed length are filled up with zeros.
    return readStated(decodeText(value, true).replace(/\0+$/, ""));
  } catch {
    return { unclear: "bytes that are no text in UTF-8" };
  }
}

/**
 * Reads the labels of a row group.
 *
 * @param reader Its file.
 * @param chunk Where the labels stand.
 * @param column How.
 * @param rows Rows of the group.
 * @param numberOf Gives what a row states a number, −1 for no class.
 * @returns A number for each row, −1 for none.
 * @throws {DamagedError} A page is damaged; the column is named.
 */
export async function readLabels(
  reader: ByteReader,
  chunk: Chunk,
  column: Column,
  rows: number,
  numberOf: (reading: Reading, row: number) => number,
): Promise<Int32Array> {
  const labels = new Int32Array(rows).fill(-1);
  // Values of a dictionary are the same objects all over.
  const readings = new Map<Value, Reading>();
  const read = (value: Value): Reading => {
    const known = readings.get(value);
    if (known !== undefined) return known;
    const reading = readingOf(value);
    if (readings.size < MOST_KEPT) readings.set(value, reading);
    return reading;
  };
  try {
    const { dictionary, pages } = await readPageTable(reader, chunk, rows);
    const words = dictionary ? await readPage(reader, dictionary, chunk, column, MOST_BYTES, null) : null;
    for (const page of pages) {
      const values = await readPage(reader, page, chunk, column, MOST_BYTES, words);
      values.forEach((value, i) => {
        const row = page.first + i;
        labels[row] = numberOf(read(value), row);
      });
    }
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    throw new DamagedError(`column ${column.name}: ${error.message}`);
  }
  return labels;
}

/** A small Parquet table without pictures, such as a list of them, as texts. */
import { parquetSchema } from "npm:hyparquet@1.31.5";
import type { ByteReader } from "../../io/reader/types.ts";
import { chunkOfLeaf, rowsOf } from "./chunk.ts";
import { columnOf } from "./columns.ts";
import { readLabels } from "./labels.ts";
import { readMetadata } from "./metadata.ts";

/** More rows are no list beside pictures. */
const MOST_ROWS = 20_000_000;

/**
 * Reads the columns of texts, numbers and booleans that are no parts of structs or lists.
 *
 * @param reader The file.
 * @returns Names of columns, and a text for each in each row: empty for null, for long texts and what is no text.
 * @throws {DamagedError} The file is damaged.
 * @throws {Error} It has too many rows, or a kind of page that is not read.
 */
export async function readTexts(reader: ByteReader): Promise<{ header: string[]; rows: string[][] }> {
  const metadata = await readMetadata(reader), root = parquetSchema(metadata);
  if (metadata.num_rows > MOST_ROWS) {
    throw new Error(`${reader.uri}: ${metadata.num_rows} rows are too many for a list`);
  }
  const leaves = root.children.filter(({ children, element }) =>
    children.length === 0 && element.repetition_type !== "REPEATED" && element.type !== "INT96"
  );
  const header = leaves.map(({ element }) => element.name), rows: string[][] = [];
  for (const [number, group] of metadata.row_groups.entries()) {
    const first = rows.length, count = rowsOf(group, number);
    for (let row = 0; row < count; row++) rows.push(header.map(() => ""));
    for (const [at, leaf] of leaves.entries()) {
      const column = columnOf(root, leaf), chunk = chunkOfLeaf(group, number, leaf, column, reader.length);
      await readLabels(reader, chunk, column, count, (reading, row) => {
        if (typeof reading !== "object") rows[first + row][at] = String(reading);
        return 0;
      });
    }
  }
  return { header, rows };
}

/** Lists of pictures as rows of fields: text with spaces, tabs or commas between them, and JSON lines. */
import { decodeText, parseForeignJson } from "../../io/foreign_text.ts";
import { textLines } from "../../io/text_lines.ts";

/** What a list holds. */
export interface Rows {
  /** The names of the columns; null where the list has no title. */
  header: readonly string[] | null;
  rows: readonly (readonly string[])[];
}

/** Names of columns that hold names of pictures, as {@linkcode likeColumn} gives them. */
const NAME_COLUMNS =
  /^((image|img|picture|photo)?(file)?(names?|paths?|ids?|index)|(image|img|picture|photo|x)?files?|images?|imgs?|pictures?|photos?|key)$/;

/** A column's name in small letters, without what stands between words. */
export function likeColumn(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_:-]+/g, "");
}

/** Whether a column is called as one of names of pictures. */
export function isNameColumn(name: string): boolean {
  return NAME_COLUMNS.test(likeColumn(name)) || likeColumn(name).endsWith("filename");
}

/**
 * Reads a list. What is no list gives rows all the same, in which no picture is found.
 *
 * @param ending Its file's, such as `.csv`.
 * @throws {TypeError} The bytes are no text.
 */
export function readRows(bytes: Uint8Array, ending: string): Rows {
  const text = decodeText(bytes, true);
  if (ending === ".jsonl" || ending === ".ndjson") return rowsOfJson(text);
  const split = dividerOf(text, ending);
  const rows = split === " " ? textLines(text).map((line) => line.split(/\s+/)) : cells(text, split);
  const filled = rows.filter((row) => row.some((cell) => cell !== "") && !row[0].startsWith("#"));
  // Some lists begin with how many they name.
  const [first] = filled;
  if (first?.length === 1 && filled[1]?.length > 1 && /^\d+$/.test(first[0])) filled.shift();
  const header = filled[0]?.some(isNameColumn) ? filled.shift()! : null;
  return { header, rows: filled };
}

/** What stands between the fields of a list. */
function dividerOf(text: string, ending: string): string {
  const lines = text.slice(0, 10_000).split(/\r\n|\n|\r/).slice(0, -1).slice(0, 20);
  const head = lines.length > 0 ? lines : [text];
  const in_ = (mark: string) => head.map((line) => line.split(mark).length - 1);
  if (ending === ".tsv" || in_("\t").some((count) => count > 0)) return "\t";
  const semicolons = in_(";"), commas = in_(",");
  if (ending === ".csv") return semicolons[0] > commas[0] ? ";" : ",";
  // Names may have commas; those that divide are as many on each line.
  return commas[0] > 0 && commas.every((count) => count === commas[0]) ? "," : " ";
}

/** The cells of a table, whose texts may stand in quotes with anything in them. */
function cells(text: string, divider: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [], at = 0;
  while (at < text.length) {
    let cell: string;
    if (text[at] === '"') {
      let end = at + 1;
      while (end < text.length && (text[end] !== '"' || text[end + 1] === '"')) {
        end += text[end] === '"' ? 2 : 1;
      }
      cell = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    } else cell = "";
    const from = at;
    while (at < text.length && text[at] !== divider && text[at] !== "\n" && text[at] !== "\r") at++;
    row.push((cell + text.slice(from, at)).trim());
    if (text[at] === divider) {
      at++;
      continue;
    }
    if (text[at] === "\r" && text[at + 1] === "\n") at++;
    at++;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

/** The fields of JSON objects, one a line, that are texts, numbers or booleans. */
function rowsOfJson(text: string): Rows {
  const columns = new Map<string, number>(), rows: string[][] = [];
  for (const line of text.split("\n")) {
    let value: unknown;
    try {
      value = line.trim() === "" ? null : parseForeignJson(line);
    } catch {
      continue;
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
    const row: string[] = [];
    for (const [name, field] of Object.entries(value)) {
      if (!["string", "number", "boolean", "bigint"].includes(typeof field)) continue;
      const at = columns.get(name) ?? columns.size;
      columns.set(name, at);
      row[at] = String(field);
    }
    rows.push(Array.from({ length: columns.size }, (_, i) => row[i] ?? ""));
  }
  return { header: [...columns.keys()], rows };
}

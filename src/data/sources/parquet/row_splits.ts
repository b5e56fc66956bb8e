/** Splits that a column of a Parquet file states, row by row. */
import { numberList } from "../../io/compact_lists.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { SPLIT_COLUMNS } from "../field_names.ts";
import { chooseSplit, splitOf, type SplitQuestion } from "../splits.ts";
import { readLabels } from "./labels.ts";
import type { PictureTable, RowGroup } from "./metadata.ts";

/** A column of more different values is none. */
const MOST_VALUES = 20;

/** Row groups that are read at once. */
const TOGETHER = 8;

/** What is needed to read them. */
export interface RowSplitOptions<G extends RowGroup & { file: number }> {
  tables: readonly PictureTable[];
  groups: readonly G[];
  /** Works with the reader of a file. */
  use<T>(file: number, work: (reader: ByteReader) => Promise<T>): Promise<T>;
  question: RowSplitQuestion;
}

/** Which split is meant. */
export interface RowSplitQuestion extends SplitQuestion {
  /** The error where no column states any. */
  missing?: Error;
}

/**
 * The rows of the split that is meant.
 *
 * @returns Their numbers in the source; null where all are meant, because no column states two splits.
 * @throws {NoSplitError} The wanted split is not there.
 * @throws {Error} Several could be meant.
 */
export async function rowsOfSplit<G extends RowGroup & { file: number }>(
  { tables, groups, use, question }: RowSplitOptions<G>,
): Promise<Uint32Array | null> {
  const { wanted } = question, values = new Map<string, number>();
  if (wanted === "all" || wanted === "none") return null;
  const all = () => {
    if (question.missing) throw question.missing;
    return null;
  };
  const column = tables.find(({ split }) => split !== null)?.split?.name;
  if (column === undefined) return all();
  const numberOf = (stated: unknown) => {
    const value = typeof stated === "string" || typeof stated === "number" ? String(stated) : "";
    const number = values.get(value) ?? values.size;
    if (values.size <= MOST_VALUES) values.set(value, number);
    return number;
  };
  const read = async (group: G): Promise<Int32Array> => {
    const { split } = tables[group.file];
    if (!split || !group.split) return new Int32Array(group.rows).fill(numberOf(null));
    return await use(group.file, (reader) => readLabels(reader, group.split!, split, group.rows, numberOf));
  };
  const numbers: Int32Array[] = [];
  for (let at = 0; at < groups.length && values.size <= MOST_VALUES; at += TOGETHER) {
    numbers.push(...await Promise.all(groups.slice(at, at + TOGETHER).map(read)));
  }
  const names = [...values.keys()], kinds = names.map((name) => splitOf(name) ?? (name === "" ? null : name));
  const known = names.filter((name) => name === "" || splitOf(name) !== null);
  const areSplits = column.toLowerCase() === SPLIT_COLUMNS[0]
    ? known.some((name) => name !== "")
    : known.length === names.length;
  const different = new Set(kinds.filter((kind) => kind !== null)).size;
  if (names.length > MOST_VALUES || !areSplits || (different < 2 && wanted === undefined)) return all();
  const items = kinds.map((split, item) => ({ item, name: names[item] || "null", split }));
  const where = `${question.where}: column ${column}`;
  const chosen = new Set(chooseSplit(items, { ...question, where, what: "value" }));
  const rows = numberList(Uint32Array);
  let at = 0;
  for (const list of numbers) {
    for (const number of list) {
      if (chosen.has(number)) rows.push(at);
      at++;
    }
  }
  return rows.values();
}

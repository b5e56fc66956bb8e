/** What one list states of pictures: which it names, their splits, their classes. */
import { type Reading, readStated } from "../class_names.ts";
import { LABEL_NAMES, SPLIT_COLUMNS } from "../field_names.ts";
import { splitOf } from "../splits.ts";
import type { PictureFinder } from "./finder.ts";
import { splitOfList } from "./names.ts";
import { isNameColumn, likeColumn, type Rows } from "./rows.ts";

/** What a list states. */
export interface Listed {
  /** The pictures that it names, by index; for each of its rows that names some. */
  pictures: number[];
  /** How many names it has, and how many of them are not there. */
  names: number;
  /** The split of each of `pictures`, where a column states it: texts as they stand. */
  splits: string[] | null;
  /** The class of each of `pictures`. */
  classes: Reading[] | null;
  /** The column of the classes, for people. */
  classColumn: string;
  /** The titles of its columns. */
  header: readonly string[];
  /** The pictures by what stands in the column before their names, in a list of two columns. */
  byId: ReadonlyMap<string, readonly number[]> | null;
}

/** Rows that are looked at to find the column of names. */
const LOOKED_AT = 200;

/** Columns of splits beside the usual ones; all values must be words for splits. */
const OTHER_SPLIT_COLUMNS = ["set", "dataset", "evaluationstatus", "evalpartition", "usage"];

/** Columns that say of each picture whether it is of a split. */
const FLAGS: readonly (readonly [name: RegExp, yes: string, no: string])[] = [
  [/^(is)?train(ing)?(image)?$/, "train", "test"],
  [/^(is)?test(ing)?(image)?$/, "test", "train"],
];

/** Splits of a column of numbers, as CelebA's list has them. */
const NUMBERED = ["train", "validation", "test"];

/** A column of more different values is none of splits. */
const MOST_SPLITS = 20;

/**
 * Reads what a list states.
 *
 * @param rows The list.
 * @param finder Finds the pictures.
 * @param name The list's file, which may say what its only other column is.
 * @param label The column of classes that the user named.
 * @returns Null where it names no picture.
 */
export function readTable(
  { header, rows }: Rows,
  finder: PictureFinder,
  name: string,
  label?: string,
): Listed | null {
  // A list of classes names their folders.
  const ofSplit = splitOfList(name) !== null;
  // Small numbers without a title are counted things.
  const find = (text = "") => !header && /^\d{1,3}$/.test(text) ? [] : finder.find(text, ofSplit);
  const column = nameColumn({ header, rows }, find);
  if (column < 0) return null;
  const found = rows.map((row) => find(row[column]));
  const kept = found.flatMap((pictures, row) => pictures.map((picture) => [picture, row] as const));
  const values = (at: number) => rows.map((row) => row[at] ?? "");
  const spread = <T>(list: readonly T[] | null) => list && kept.map(([, row]) => list[row]);
  const splits = header ? splitColumn(header, values) : plainSplits(rows, column, name, values);
  const classes = splits && !header ? null : classColumn({ header, rows }, column, values, label);
  const isIdList = !header && column === 1 && rows.every((row) => row.length === 2);
  return {
    pictures: kept.map(([picture]) => picture),
    names: rows.length,
    splits: spread(splits),
    classes: spread(classes && classes.values.map(classOf)),
    classColumn: classes?.name ?? "",
    header: header ?? [],
    byId: isIdList ? new Map(rows.map((row, i) => [row[0], found[i]])) : null,
  };
}

/**
 * What a list states that names pictures by the numbers of another one, as CUB's does.
 *
 * @returns Null where it does not.
 */
export function readById(
  { header, rows }: Rows,
  byId: NonNullable<Listed["byId"]>,
  name: string,
): Listed | null {
  if (header || rows.length === 0 || !rows.every((row) => row.length === 2 && byId.has(row[0]))) return null;
  const values = rows.map((row) => row[1]);
  const kept = rows.flatMap((row, i) => byId.get(row[0])!.map((picture) => [picture, values[i]] as const));
  const isSplit = splitOf(name) !== null, stated = isSplit ? flagged(values, FLAGS[0]) : null;
  if (isSplit && !stated) return null;
  return {
    pictures: kept.map(([picture]) => picture),
    names: rows.length,
    splits: stated && rows.flatMap((row, i) => byId.get(row[0])!.map(() => stated[i])),
    classes: isSplit ? null : kept.map(([, value]) => classOf(value)),
    classColumn: "",
    header: [],
    byId: null,
  };
}

const classOf = (text: string) => /^\d{1,9}(\.0*)?$/.test(text) ? readStated(Number(text)) : readStated(text);

/** The column in which most names of pictures stand; −1 where none does. */
function nameColumn({ header, rows }: Rows, find: (text?: string) => readonly number[]): number {
  const width = rows.slice(0, LOOKED_AT).reduce((most, row) => Math.max(most, row.length), 0);
  const step = Math.max(1, Math.floor(rows.length / LOOKED_AT));
  let best = -1, most = 0;
  for (let at = 0; at < width; at++) {
    if (header && !isNameColumn(header[at] ?? "")) continue;
    let found = 0;
    for (let row = 0; row < rows.length; row += step) {
      found += find(rows[row][at]).length > 0 ? 1 : 0;
    }
    if (found > most) [best, most] = [at, found];
  }
  return best;
}

/** The split that a titled column states for each row. */
function splitColumn(header: readonly string[], values: (at: number) => string[]): string[] | null {
  const names = header.map(likeColumn), usual: readonly string[] = SPLIT_COLUMNS.map(likeColumn);
  for (const [at, name] of names.entries()) {
    const flag = FLAGS.find(([pattern]) => pattern.test(name));
    const stated = flag
      ? flagged(values(at), flag)
      : usual.includes(name) || OTHER_SPLIT_COLUMNS.includes(name)
      ? splitsOf(values(at), name === usual[0])
      : null;
    if (stated) return stated;
  }
  return null;
}

/** The split of each row of a list without a title: the field beside the name, in a list that is called so. */
function plainSplits(
  rows: Rows["rows"],
  column: number,
  name: string,
  values: (at: number) => string[],
): string[] | null {
  if (!/partition|split/i.test(name) || rows.some((row) => row.length !== 2)) return null;
  return splitsOf(values(1 - column), false);
}

/** Values that are splits; null where they are not. */
function splitsOf(values: readonly string[], isCertain: boolean): string[] | null {
  const different = [...new Set(values)].filter((value) => value !== "");
  if (different.length < 2 || different.length > MOST_SPLITS) return null;
  if (different.every((value) => /^[012]$/.test(value)) && different.includes("0")) {
    return values.map((value) => value === "" ? "" : NUMBERED[Number(value)]);
  }
  const known = different.filter((value) => splitOf(value) !== null);
  if (isCertain ? known.length === 0 : known.length < different.length) return null;
  return values.map((value) => splitOf(value) ?? value);
}

/** Values that say yes or no; null where they are others. */
function flagged(values: readonly string[], [, yes, no]: (typeof FLAGS)[number]): string[] | null {
  const plain = values.map((value) => value.toLowerCase());
  if (!plain.every((value) => /^([01](\.0)?|true|false|)$/.test(value))) return null;
  return plain.map((value) => value === "" ? "" : /^(1|true)/.test(value) ? yes : no);
}

/** The column of classes: by its title; without one the only field beside the name, or numbers that leave no gap. */
function classColumn(
  { header, rows }: Rows,
  column: number,
  values: (at: number) => string[],
  label?: string,
): { name: string; values: string[] } | null {
  if (header) {
    const names = header.map(likeColumn), usual = LABEL_NAMES.map(likeColumn);
    const known = label === undefined
      ? usual.map((name) => names.indexOf(name)).filter((at) => at >= 0 && at !== column)
      : [header.indexOf(label)].filter((at) => at >= 0);
    const columns = known.map((at) => ({ name: header[at], values: values(at) }));
    // Names say more than numbers.
    return columns.find((one) => !one.values.every(isNumber)) ?? columns[0] ?? null;
  }
  const width = rows.reduce((least, row) => Math.min(least, row.length), Infinity);
  const at = column === 0 ? 1 : 0;
  if (width < 2 || column > 1) return null;
  const stated = values(at);
  if (stated.some((value) => value.startsWith("-") || value.includes(","))) return null;
  // Captions have any number of words, and pictures any number of attributes.
  if (rows.some((row) => row.length !== width)) return null;
  return (column === 0 && width === 2) || isClass(stated) ? { name: "", values: stated } : null;
}

const isNumber = (value: string) => /^-?\d+(\.\d*)?$/.test(value);

/** Whether the first of several fields is a class and no edge of a box: a name, or numbers from 0 or 1 without a gap. */
function isClass(values: readonly string[]): boolean {
  const different = new Set(values);
  if (2 * different.size > values.length) return false;
  if (!values.every(isNumber)) return values.every((value) => !isNumber(value));
  const numbers = [...different].map(Number), least = Math.min(...numbers);
  return (least === 0 || least === 1) && Math.max(...numbers) === least + different.size - 1;
}

/** The classes of all files of a Parquet source. */
import { memo } from "../../io/reader/cache.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import type { PassedOver } from "../../types.ts";
import { labeller, type Reading } from "../class_names.ts";
import { joinClasses } from "../match_classes.ts";
import { passedCounter } from "../passed_over.ts";
import { readLabels } from "./labels.ts";
import type { PictureTable, RowGroup } from "./metadata.ts";

/** Row groups whose labels are read at once. */
const TOGETHER = 8;

/** Where a row group stands. */
export interface FileGroup extends RowGroup {
  file: number;
}

/** What is needed to read classes. */
export interface ClassesOptions<G extends FileGroup> {
  /** What the user named. */
  uri: string;
  files: readonly string[];
  tables: readonly PictureTable[];
  groups: readonly G[];
  /** Works with the reader of a file. */
  use<T>(file: number, work: (reader: ByteReader) => Promise<T>): Promise<T>;
  /** A row's name, for messages. */
  keyOf(group: G, row: number): string;
  /** Class names, where the files do not name their classes. */
  labels?: readonly string[];
  /** Whether the user said which column holds the classes. */
  asked: boolean;
}

/** The classes of a source. */
export interface ParquetClasses {
  labels: readonly string[];
  /** The labels of a row group: a number a row, −1 for none. */
  of(group: number): Promise<Int32Array>;
  passedOver(): PassedOver[];
}

/**
 * Finds the classes. Where every file with a label column names its classes in its metadata, labels are read when they are
 * asked for; otherwise now, to know which there are.
 *
 * @throws {Error} The files' classes cannot be told apart, labels cannot be read, or do not fit the given names.
 */
export async function parquetClasses<G extends FileGroup>(
  options: ClassesOptions<G>,
): Promise<ParquetClasses> {
  const { tables } = options;
  const passedOver = tables.flatMap((table, file) =>
    table.passedOver.map((kind) => ({ ...kind, where: options.files[file] }))
  );
  const named = tables.every(({ label, labels, folder }) =>
    folder === undefined && (label === null || labels.length > 0)
  );
  const classes = named ? namedClasses(options) : await statedClasses(options);
  return { ...classes, passedOver: () => [...passedOver, ...classes.passedOver()] };
}

/** Numbers in lists that the files hold. */
function namedClasses<G extends FileGroup>(
  { files, tables, groups, use, keyOf }: ClassesOptions<G>,
): ParquetClasses {
  const lists = files.map((uri, file) => ({ uri, labels: tables[file].label ? tables[file].labels : [] }));
  const { labels, numbers } = joinClasses(lists), passed = passedCounter();
  // Row groups whose labels have been read before: what is none in them is told once.
  const told = new Set<number>();
  const read = async (number: number): Promise<Int32Array> => {
    const group = groups[number], column = tables[group.file].label, own = numbers[group.file];
    if (!column || !group.label) return new Int32Array(group.rows).fill(-1);
    const strays: [row: number, stated: Reading][] = [];
    const found = await use(
      group.file,
      (reader) =>
        readLabels(reader, group.label!, column, group.rows, (stated, row) => {
          if (stated === null) return -1;
          if (typeof stated === "number" && stated < own.length) return own[stated];
          strays.push([row, stated]);
          return -1;
        }),
    );
    const why = `is none of the ${own.length} classes that the file names`;
    for (const [row, stated] of told.has(number) ? [] : strays) {
      passed.add("label", why, `${keyOf(group, row)} (${JSON.stringify(stated)})`);
    }
    told.add(number);
    return found;
  };
  const known = memo<number, Int32Array>(32 * 2 ** 20, read, (labels) => labels.byteLength);
  return { labels, of: known, passedOver: passed.list };
}

/** Numbers or names that the rows state. */
async function statedClasses<G extends FileGroup>(options: ClassesOptions<G>): Promise<ParquetClasses> {
  const { uri, files, tables, groups, use, keyOf, asked } = options;
  const classes = labeller(uri, options.labels, asked), numbers: Int32Array[] = [];
  const read = async (group: G): Promise<Int32Array> => {
    const { label: column, labels: names, folder = null } = tables[group.file];
    if (!column || !group.label) {
      return Int32Array.from({ length: group.rows }, (_, row) => classes.number(folder, keyOf(group, row)));
    }
    return await use(
      group.file,
      (reader) =>
        readLabels(reader, group.label!, column, group.rows, (stated, row) => {
          // Another file of the source names its classes, and so does this one.
          const name = typeof stated === "number" ? names[stated] ?? stated : stated;
          return classes.number(name, keyOf(group, row));
        }),
    ).catch((error) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw reason.includes(files[group.file])
        ? error
        : new Error(`${files[group.file]}: ${reason}`, { cause: error });
    });
  };
  for (let at = 0; at < groups.length; at += TOGETHER) {
    numbers.push(...await Promise.all(groups.slice(at, at + TOGETHER).map(read)));
  }
  const { labels, final } = classes.finish();
  for (const list of numbers) list.forEach((number, row) => list[row] = number < 0 ? -1 : final(number));
  return {
    labels,
    of: (group) => Promise.resolve(numbers[group]),
    passedOver: classes.passedOver,
  };
}

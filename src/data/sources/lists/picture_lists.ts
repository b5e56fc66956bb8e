/** Lists beside pictures: of splits, as Pascal VOC, CUB and Food-101 have them, and of classes, as metadata.csv. */
import { DamagedError } from "../../io/reader/chunks.ts";
import { withFileReader } from "../../io/reader/file.ts";
import { baseOf, folderOf } from "../../io/paths.ts";
import type { PassedOver } from "../../types.ts";
import { labeller } from "../class_names.ts";
import type { Listing } from "../list_folder.ts";
import { readTexts } from "../parquet/texts.ts";
import { isUnreadList, type ListFile, listFilesOf } from "./find_files.ts";
import { type PictureFinder, pictureFinder } from "./finder.ts";
import { isNameColumn, readRows, type Rows } from "./rows.ts";
import { kindsOf, type ReadList, type Statement, statementsOf } from "./statements.ts";
import { readById, readTable } from "./table.ts";

/** A longer file is no list. */
const MOST_BYTES = 2 ** 29;

/** The share of pictures that may stand in several splits, or be of several classes. */
const MOST_ODD = .01;

/** What is asked of lists. */
export interface ListQuestion {
  /** The list, or the folder of lists, that the user named. */
  list?: string;
  /** The column of classes that the user named. */
  label?: string;
  /** Told what was decided. */
  progress(line: string): void;
}

/** What lists say of a folder's pictures. */
export interface PictureLists {
  /** The lists that tell splits apart; null where none do. */
  splits: Statement | null;
  /** The lists that state classes; null where none do. */
  classes: Statement | null;
  /** The columns of tables, where none of them is called as one of classes. */
  columns: string[];
  /** Files that may be lists of splits and are not read. */
  unread: string[];
}

/**
 * Reads the lists in a folder of pictures and beside it.
 *
 * @param root The folder.
 * @param listing What it holds.
 * @param question What the user named.
 * @throws {Error} The list that the user named is not there, or names none of the pictures.
 */
export async function readPictureLists(
  root: string,
  { pictures, lists = [] }: Listing,
  question: ListQuestion,
): Promise<PictureLists> {
  const real = await Deno.realPath(root), around = await listFilesOf(root, lists, real);
  const { list, label } = question, files = around.files.filter(({ name }) => !isUnreadList(name));
  const unread = around.files.flatMap(({ name }) => isUnreadList(name) ? [name] : []);
  if (list !== undefined && !files.some(({ name }) => isAsked(name, list))) {
    const there = files.slice(0, 10).map(({ name }) => name).join(", ");
    throw new Error(
      `${root}: there is no list "${list}"${there ? `; there are ${there}` : " in it or beside it"}`,
    );
  }
  if (files.length === 0 || pictures.length === 0) {
    return { splits: null, classes: null, columns: [], unread };
  }
  const read = await readLists(files, pictureFinder(real, pictures), question);
  const all = statementsOf(read, pictures.length, around, baseOf(real))
    .filter((one) => one.files.some((name) => isAsked(name, list)));
  const about = all.filter(({ found, names }) =>
    list !== undefined || 2 * found >= Math.min(names, pictures.length)
  );
  if (list !== undefined && about.length === 0) {
    throw new Error(`${root}: the list ${list} names none of its pictures`);
  }
  for (const one of all) {
    if (!about.includes(one) && one.splits.length > 0) {
      question.progress(
        `${root}: ${
          namesOf(one)
        } is no list of its splits: of ${one.names} pictures that it names, ${one.found} are here`,
      );
    }
  }
  const classes = bestClasses(root, about, question);
  const columns = classes
    ? []
    : [...new Set(about.flatMap(({ header }) => header))].filter((name) =>
      name !== "" && !isNameColumn(name)
    );
  if (label !== undefined && !classes) {
    throw new Error(
      `${root}: no table in it or beside it states classes in a column "${label}"` +
        (columns.length > 0 ? `; there are the columns ${columns.join(", ")}` : ""),
    );
  }
  return { splits: bestSplits(about, pictures.length, question), classes, columns, unread };
}

/** Whether a list is the one that the user named, or in the folder that was. */
function isAsked(name: string, list: string | undefined): boolean {
  if (list === undefined) return true;
  const plain = (text: string) => text.replace(/^(\.\.?\/)+/, "").replace(/\/+$/, "");
  return plain(name) === plain(list) || plain(name).startsWith(`${plain(list)}/`);
}

async function readLists(
  files: readonly ListFile[],
  finder: PictureFinder,
  { label, progress }: ListQuestion,
): Promise<ReadList[]> {
  const found: ReadList[] = [], others: { name: string; rows: Rows }[] = [];
  for (const { path, name } of files) {
    const rows = await readList(path, progress);
    if (rows === null) continue;
    const listed = readTable(rows, finder, name, label);
    if (listed) found.push({ name, listed });
    else others.push({ name, rows });
  }
  for (const { name, rows } of others) {
    const byId = found.find((one) => one.listed.byId && folderOf(one.name) === folderOf(name))?.listed.byId;
    const listed = byId ? readById(rows, byId, name) : null;
    if (listed) found.push({ name, listed });
  }
  return found;
}

/** What a file holds, if it is a list; one that is none, or cannot be read, lists nothing. */
async function readList(path: string, progress: (line: string) => void): Promise<Rows | null> {
  try {
    return await withFileReader<Rows | null>(path, async (file) => {
      if (path.endsWith(".parquet")) return await readTexts(file);
      if (file.length <= MOST_BYTES) {
        return readRows(await file.read(0, file.length), path.slice(path.lastIndexOf(".")).toLowerCase());
      }
      progress(`${path}: is too large for a list of pictures, and not looked into`);
      return null;
    });
  } catch (error) {
    // What is no text, or damaged, lists nothing; what may not be read could.
    if (!(error instanceof TypeError || error instanceof DamagedError)) {
      progress(`${error instanceof Error ? error.message : error}; whether it lists pictures is not known`);
    }
    return null;
  }
}

/** The lists that say most of the pictures' splits: of as many pictures, those with the plainest names, then the first. */
function bestSplits(all: readonly Statement[], pictures: number, question: ListQuestion): Statement | null {
  const able = all.filter((one) => {
    const kinds = kindsOf(one);
    return one.overlap <= MOST_ODD * one.found && (kinds > 1 || (kinds === 1 && one.found < pictures));
  }).sort((a, b) => b.found - a.found || a.others - b.others);
  if (able.length === 0) return question.list === undefined ? null : all[0] ?? null;
  return able[0];
}

/** The lists that state the classes of most pictures. */
function bestClasses(root: string, all: readonly Statement[], { progress }: ListQuestion): Statement | null {
  const stating = all.filter(({ labelled, differing, found }) =>
    2 * (labelled + differing) >= found && labelled > 0
  )
    .sort((a, b) => b.labelled - a.labelled);
  const best = stating.find(({ differing, found }) => differing <= MOST_ODD * found) ?? null;
  if (!best && stating.length > 0) {
    progress(`${root}: ${namesOf(stating[0])} state several classes of one picture, so that they are none`);
  }
  return best;
}

/** The files of a statement, for people. */
export function namesOf({ files }: Pick<Statement, "files">): string {
  const shown = files.slice(0, 3).join(", ");
  return files.length > 3 ? `${shown} and ${files.length - 3} others` : shown;
}

/** Classes of a folder's pictures. */
export interface ListedClasses {
  labels: readonly string[];
  /** The class of each picture, −1 for none. */
  numbers: Int32Array;
  /** Labels that are no class. */
  passedOver: PassedOver[];
}

/**
 * The classes that lists state.
 *
 * @param root The folder, for messages.
 * @param pictures Its pictures, as many as the statement is of.
 * @param statement The lists.
 * @param folderOf The class that a picture's folder names. Where folders tell the same apart, theirs are the names.
 * @param taken The pictures whose classes are wanted; class names, where the user gave some; and whether the user named the
 * column, so that it counts in any case.
 * @returns Null where the folders' names are the classes.
 */
export function classesOfLists(
  root: string,
  pictures: readonly string[],
  statement: Statement,
  folderOf: (picture: string) => string | null,
  { of, known = [], asked = false }: { of: readonly string[]; known?: readonly string[]; asked?: boolean },
): ListedClasses | null {
  if (!asked && saysTheSame(pictures, statement, folderOf)) return null;
  const classes = labeller(root, known.length > 0 ? known : undefined);
  let at = 0;
  const numbers = Int32Array.from(of, (key) => {
    // Those that were taken stand in the order of all.
    while (pictures[at] !== key) at++;
    return classes.number(statement.classes[at], key);
  });
  const { labels, final } = classes.finish();
  if (labels.length === 0) return null;
  return {
    labels,
    numbers: numbers.map((number) => number < 0 ? -1 : final(number)),
    passedOver: classes.passedOver(),
  };
}

/** Whether each folder is one class, and each class one folder. */
function saysTheSame(
  pictures: readonly string[],
  { classes }: Statement,
  folderOf: (picture: string) => string | null,
): boolean {
  const there = new Map<unknown, string>(), back = new Map<string, unknown>();
  for (const [i, picture] of pictures.entries()) {
    const folder = folderOf(picture), stated = classes[i];
    if (stated === null) continue;
    if (
      folder === null || (there.get(stated) ?? folder) !== folder || (back.get(folder) ?? stated) !== stated
    ) {
      return false;
    }
    there.set(stated, folder);
    back.set(folder, stated);
  }
  return back.size > 1;
}

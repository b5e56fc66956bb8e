import { basename, dirname } from "node:path";
import { plural } from "../../../text/amounts.ts";
import type { StreamSource } from "../../epoch/shuffle.ts";
import { byCodeUnits, join, pathError } from "../../io/paths.ts";
import { textList } from "../../io/compact_lists.ts";
import { readTextLines } from "../../io/text_lines.ts";
import type { PassedOver, Source } from "../../types.ts";
import { NoPicturesError } from "../folder.ts";
import { listFolder } from "../list_folder.ts";
import { passedCounter } from "../passed_over.ts";
import { openTarStream } from "../tar/stream.ts";
import { listedPersons } from "./listed.ts";
import { openNumberedFolders } from "./numbered_folders.ts";
import { type PartName, requireFolder } from "./parts.ts";

/** How {@linkcode openSysu} opens. */
export interface SysuOptions {
  /** Whether `meta/query.txt` and `meta/gallery.txt` say which pictures count. Default true; false takes all there are. */
  lists?: boolean;
  /** Told, a line each, what was decided for the user. */
  progress?: (line: string) => void;
}

/** The folders of SYSU-30k's release. */
const TRAIN = "sysu_train_set_all", TEST = "sysu_test_set_all";

/** `sysu_train_set_all_part3.tar` */
const TRAIN_TAR = /train.*\.tar(\.gz)?$/i;

/** The share of listed pictures that may be missing. */
const MOST_MISSING = .01;

/**
 * Opens a part of SYSU-30k as it is released:
 *
 * - train: `sysu_train_set_all/0000000001/…`, or its tars as they are (`sysu_train_set_all_part1.tar` …). Pictures have
 *   no classes: a folder is not one person.
 * - query, gallery: `sysu_test_set_all/query/000028311/000028311_c2_2.jpg`, and which of them count from `meta/query.txt`
 *   and `meta/gallery.txt`. Classes are the identities; `0000others` have none.
 *
 * @param path The folder that holds these.
 * @param part Which part.
 * @returns A source by index; the tars as a stream.
 * @throws {NoPicturesError} When a folder holds no pictures.
 * @throws {Error} When folders or lists are missing, or lists name pictures that are not there.
 */
export async function openSysu(
  path: string,
  part: PartName,
  options: SysuOptions = {},
): Promise<Source | StreamSource> {
  const root = path.replace(/\/+$/, "") || "/";
  return part === "train" ? await openTrain(root, options) : await openTest(root, part, options);
}

async function openTrain(
  root: string,
  { progress }: SysuOptions,
): Promise<Source | StreamSource> {
  const folder = basename(root) === TRAIN ? root : join(root, TRAIN);
  const tars = (await namesIn(root)).filter((name) => TRAIN_TAR.test(name))
    .sort((a, b) => a.length - b.length || byCodeUnits(a, b)).map((name) => join(root, name));
  if (await isFolder(folder)) {
    if (tars.length > 0) {
      progress?.(`${root}: takes the unpacked folders of ${TRAIN} and leaves out ${tars.length} tars`);
    }
    return await openNumberedFolders(folder);
  }
  if (tars.length === 0) {
    throw new Error(`${root}: holds neither a folder ${TRAIN} nor its tars (${TRAIN}_part1.tar …)`);
  }
  return await openTarStream(tars, { name: root, classes: false });
}

async function openTest(
  root: string,
  part: Exclude<PartName, "train">,
  { lists = true }: SysuOptions,
): Promise<Source> {
  const folder = basename(root) === part
    ? root
    : await firstFolder([join(root, `${TEST}/${part}`), join(root, part)]);
  await requireFolder(folder, `${root}: holds no folder ${TEST}/${part}; unpack ${TEST}.tar there`);
  const { pictures, passedOver } = await listFolder(folder);
  if (pictures.length === 0) throw new NoPicturesError(folder, passedOver);
  const list = lists ? await findList(root, folder, part) : undefined;
  const chosen = list === undefined
    ? { names: pictures, passed: [] }
    : pick(await readNames(list), pictures, { list, folder, part });
  const names = textList();
  for (const name of chosen.names) names.push(name);
  return listedPersons({ uri: folder, folder, names, passedOver: [...chosen.passed, ...passedOver] });
}

const isFolder = (path: string) => Deno.stat(path).then((info) => info.isDirectory, () => false);

/** The first of several folders that is there; none: the first. */
async function firstFolder(paths: readonly string[]): Promise<string> {
  for (const path of paths) if (await isFolder(path)) return path;
  return paths[0];
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    throw pathError(error, folder, "read");
  }
}

/** The list of a part's pictures, in a folder `meta` at the root or beside the part. */
async function findList(root: string, folder: string, part: PartName): Promise<string> {
  const beside = dirname(folder), places = new Set([root, beside, dirname(beside)]);
  for (const place of places) {
    const path = join(place, `meta/${part}.txt`);
    if (await Deno.stat(path).then((info) => info.isFile, () => false)) return path;
  }
  throw new Error(
    `${root}: has no meta/${part}.txt, the list of the pictures that count as ${part} (looked in ${
      [...places].map((place) => join(place, "meta")).join(", ")
    }); put it there, or take all pictures of the folder: #meta=none behind the name`,
  );
}

async function readNames(list: string): Promise<string[]> {
  const names = await readTextLines(list);
  if (names.length === 0) throw new Error(`${list}: names no pictures`);
  return names;
}

/** The pictures that a list names, in its order, and what of list and folder is left out. */
function pick(
  listed: readonly string[],
  pictures: readonly string[],
  { list, folder, part }: { list: string; folder: string; part: PartName },
): { names: string[]; passed: PassedOver[] } {
  const there = new Set(pictures), names: string[] = [], missing: string[] = [], passed = passedCounter();
  for (const name of listed) {
    const path = pathsOf(name, part).find((path) => there.has(path));
    if (path !== undefined) {
      names.push(path);
      there.delete(path);
    } else missing.push(name);
  }
  const known = new Set(names);
  const twice = new Set(missing.filter((name) => pathsOf(name, part).some((path) => known.has(path))));
  const absent = missing.filter((name) => !twice.has(name)), gone = absent.length;
  if (gone > Math.max(names.length > 0 ? 1 : 0, MOST_MISSING * listed.length)) {
    throw new Error(
      `${list}: names ${plural(gone, "picture")} of ${listed.length} that ${folder} does not hold, such as ${
        absent[0]
      }; do they ` +
        "belong together? Unpack the test set again, or correct the list",
    );
  }
  for (const name of twice) passed.add("name", `stands more than once in ${basename(list)}`, name);
  for (const name of absent) passed.add("name", `in ${basename(list)} has no picture`, name);
  for (const path of there) passed.add("picture", `is not in ${basename(list)}`, path);
  return { names, passed: passed.list() };
}

/** Where a listed picture may be: as it is written, or in the folder of its identity. */
function pathsOf(name: string, part: PartName): string[] {
  const path = name.replace(/^(\.\/)+/, ""), inside = path.replace(new RegExp(`^(.*/)?${part}/`), "");
  return [path, inside, `${path.split("_")[0]}/${path}`];
}

import { numberList, requireIndex, textList } from "../../io/compact_lists.ts";
import { byCodeUnits, join, pathError, requirePath } from "../../io/paths.ts";
import { map } from "../../iter.ts";
import type { PassedOver, Source } from "../../types.ts";
import { endingReason } from "../file_kinds.ts";
import { NoPicturesError } from "../folder.ts";
import { passableReason } from "../list_folder.ts";
import { fileKind, type PassedCounter, passedCounter, sumPassed } from "../passed_over.ts";
import { isPictureName } from "../picture_file.ts";
import { namesOfPlaces } from "../places.ts";
import { listedPictures } from "./listed.ts";

/** A source of pictures in folders that stand side by side. */
export interface FolderedSource extends Source {
  /** The folders that hold pictures, in order: the pictures of one are the records `from` … `to` − 1. */
  folders: readonly { name: string; from: number; to: number }[];
}

/** Folders that are listed at once. */
const TOGETHER = 8;

/**
 * Opens folders of pictures that stand side by side, as SYSU-30k's training set: `0000000001/…` to `0000028310/…`. Such a
 * set may hold 30 million pictures, so a picture takes its file name and 8 bytes; folders are named once.
 *
 * @param folder The folder of the folders.
 * @returns A source without classes; folders and pictures are in the order of their names' characters.
 * @throws {NoPicturesError} When there is no picture.
 * @throws {Error} When the folder cannot be read.
 */
export async function openNumberedFolders(folder: string): Promise<FolderedSource> {
  requirePath(folder);
  const beside = passedCounter(), folders = await foldersIn(folder, beside);
  const names = textList(), starts = numberList(Uint32Array);
  let passedOver = beside.list();
  for await (const { pictures, others } of map(folders, (name) => look(folder, name), TOGETHER)) {
    starts.push(names.length);
    for (const picture of pictures) names.push(picture);
    if (others.length > 0) passedOver = sumPassed([passedOver, others]);
  }
  if (names.length === 0) throw new NoPicturesError(folder, passedOver);
  const get = (index: number) => {
    requireIndex(folder, index, names.length);
    return `${folders[folderOf(index, starts)]}/${names.get(index)}`;
  };
  const ranges = folders.map((name, i) => ({
    name,
    from: starts.get(i),
    to: i + 1 < folders.length ? starts.get(i + 1) : names.length,
  }));
  return {
    ...listedPictures({ uri: folder, folder, names: { length: names.length, get }, passedOver }),
    folders: ranges.filter(({ from, to }) => to > from),
  };
}

/** The last folder that starts at or before a picture. Empty folders start where the next one does. */
function folderOf(index: number, starts: { length: number; get(at: number): number }): number {
  let low = 0, high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts.get(middle) <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}

async function foldersIn(folder: string, passed: PassedCounter): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
      if (name.startsWith(".")) continue;
      const linked = isSymlink &&
        await Deno.stat(join(folder, name)).then((info) => info.isDirectory, () => false);
      if (isDirectory || linked) names.push(name);
      else passed.add(fileKind(name), "is in none of the folders", name);
    }
  } catch (error) {
    throw pathError(error, folder, "read");
  }
  return await namesOfPlaces(folder, names);
}

/** The pictures in one folder, and what else is there. */
async function look(root: string, folder: string): Promise<{ pictures: string[]; others: PassedOver[] }> {
  const pictures: string[] = [], passed = passedCounter();
  try {
    for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
      if (isPictureName(name) && !isDirectory && !name.startsWith(".")) pictures.push(name);
      else if (isDirectory) passed.add("folder", "is in a folder of pictures", `${folder}/${name}`);
      else passed.add(fileKind(name), endingReason(fileKind(name)), `${folder}/${name}`);
    }
  } catch (error) {
    const reason = passableReason(error);
    if (reason === null) throw pathError(error, join(root, folder), "read");
    passed.add("folder", reason, folder);
  }
  return { pictures: pictures.sort(byCodeUnits), others: passed.list() };
}

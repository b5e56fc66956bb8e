import { byCodeUnits, join, pathError } from "../io/paths.ts";
import { isOfSystem } from "./file_kinds.ts";
import { isPictureName } from "./picture_file.ts";
import { withPlaces } from "./places.ts";
import { kindsOf, splitsAmong } from "./split_names.ts";
import {
  chooseSplit,
  oncePerSplit,
  type SplitItem,
  splitOf,
  splitOfWord,
  type SplitQuestion,
} from "./splits.ts";

/** Folders of classes are many; splits and what stands beside them are few. So are pictures named as splits by chance. */
export const MANY = 3;

/** Entries that are looked at to find a picture in a folder. */
const LOOKED_AT = 1000;

/**
 * Whether folders are splits or classes.
 *
 * @param where Their folder.
 * @param names Those that hold pictures.
 * @param among Those of them that are named as splits, and which.
 * @param inside The folders in one of them.
 * @param question Told where a decision was close.
 * @throws {Error} Where names alone do not tell.
 */
export function judgeFolders(
  where: string,
  names: readonly string[],
  among: ReadonlyMap<string, string>,
  inside: (name: string) => readonly string[],
  question: SplitQuestion,
): "splits" | "classes" {
  const splits = names.filter((name) => among.has(name)), others = names.filter((name) => !among.has(name));
  if (kindsOf(among) < 2) return "classes";
  if (others.length === 0 || shared(splits.map(inside))) return "splits";
  if (question.wanted !== undefined && question.wanted !== "all") return "splits";
  const place = where === "" ? question.where : where, called = splits.join(", ");
  if (others.length > MANY * splits.length) {
    question.progress(
      `${place}: takes the folders ${called} as classes beside many others; where they are splits, write #split=train ` +
        "behind the name",
    );
    return "classes";
  }
  throw new Error(
    `${place}: holds folders named as splits (${called}) beside other folders of pictures (${
      others.join(", ")
    }). Say what ` +
      "they are: #split=train behind the name for one of them, #split=none where all are classes",
  );
}

/** Whether two of several lists have a name in common. */
function shared(lists: readonly (readonly string[])[]): boolean {
  const names = lists.flatMap((list) => [...new Set(list)]);
  return new Set(names).size < names.length;
}

/**
 * The folders of one split, where a folder holds splits and not classes.
 *
 * It holds splits when two or more of its folders are named as different ones (train and test), and no other folder of it
 * holds pictures or the same classes stand in both. One folder called test among others is a class. Where other folders
 * with pictures stand beside train and test, names alone do not tell, and the user is asked; unless those are many, which
 * makes classes of all.
 *
 * @param path A folder.
 * @param question What is wanted; `none` says that these are classes.
 * @returns Paths of folders below, or null where the folder is one set: it, or a file, is for the caller to open.
 * @throws {Error} When several could be meant, or the wanted one is not there.
 */
export async function splitFolders(path: string, question: SplitQuestion): Promise<string[] | null> {
  if (question.wanted === "none") return null;
  const { folders, pictures } = await lookInto(path);
  const wanted = question.wanted?.split("+") ?? [], among = await splitsBelow(path, folders);
  const found = folders.map((name) => ({
    item: join(path, name),
    name,
    split: (wanted.includes(name) && splitOfWord(name) === undefined ? name : among.get(name)) ?? null,
  }));
  const items = oncePerSplit(await withPlaces(found, path));
  const splits = items.filter(({ split }) => split !== null);
  const kinds = new Set(splits.map(({ split }) => split));
  if (kinds.size === 0 && (wanted.length === 0 || question.wanted === "all")) return null;
  if (wanted.length > 0) return chooseSplit(splits, question);
  if (kinds.size === 1) {
    // A folder with nothing but train in it is one more floor; else it is a class among others.
    return kinds.has("train") && items.length === 1 && pictures === 0 ? [splits[0].item] : null;
  }
  const others = await withPictures(items.filter(({ split }) => split === null), MANY * splits.length + 1);
  const inside = new Map<string, string[]>();
  for (const { item, name } of splits) inside.set(name, (await lookInto(item)).folders);
  const names = [...splits, ...others].map(({ name }) => name);
  if (judgeFolders(path, names, among, (name) => inside.get(name) ?? [], question) === "classes") return null;
  if (pictures > 0) {
    const left = pictures === 1 ? "1 picture" : `${pictures} pictures`;
    question.progress(
      `${path}: ${left} beside the folders of splits ${pictures === 1 ? "is" : "are"} left out`,
    );
  }
  return chooseSplit([...splits, ...others], question);
}

/** The folders that are named as splits; what holds no picture beside them, such as `docs`, says nothing of them. */
async function splitsBelow(path: string, folders: readonly string[]): Promise<Map<string, string>> {
  const all = splitsAmong(folders), alone = splitsAmong(folders.filter((name) => splitOf(name) !== null));
  if (kindsOf(all) > 1 || kindsOf(alone) < 2) return all;
  const others = folders.filter((name) => splitOf(name) === null);
  const items = others.map((name) => ({ item: join(path, name), name, split: null }));
  return (await withPictures(items, 1)).length > 0 ? all : alone;
}

/** A folder's folders, without links that lead back to it, and how many pictures stand beside them. */
async function lookInto(path: string): Promise<{ folders: string[]; pictures: number }> {
  const folders: string[] = [];
  let pictures = 0;
  try {
    if (!(await Deno.stat(path)).isDirectory) return { folders, pictures };
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(path)) {
      if (name.startsWith(".") || isOfSystem(name)) continue;
      const linked = isSymlink &&
        await Deno.stat(join(path, name)).then((info) => info.isDirectory, () => false);
      if (isDirectory || linked && !await leadsBack(path, name)) folders.push(name);
      else if (isPictureName(name)) pictures++;
    }
  } catch (error) {
    throw pathError(error, path, "read");
  }
  return { folders: folders.sort(byCodeUnits), pictures };
}

/** Whether a link leads to the folder that it is in, or to one around it. */
async function leadsBack(path: string, link: string): Promise<boolean> {
  const target = await Deno.realPath(join(path, link));
  return join(await Deno.realPath(path), "").startsWith(join(target, ""));
}

/** The first `most` of these folders that hold a picture at any depth, as far as a quick look tells. */
async function withPictures<T extends SplitItem<string>>(items: readonly T[], most: number): Promise<T[]> {
  const found: T[] = [];
  for (const item of items) {
    if (found.length === most) break;
    if (await holdsPicture(item.item)) found.push(item);
  }
  return found;
}

async function holdsPicture(folder: string): Promise<boolean> {
  const waiting = [folder];
  for (let left = LOOKED_AT; waiting.length > 0;) {
    const next = waiting.pop()!;
    try {
      for await (const { name, isDirectory } of Deno.readDir(next)) {
        if (isPictureName(name)) return true;
        if (isDirectory) waiting.push(join(next, name));
        if (--left <= 0) return false;
      }
    } catch {
      // What cannot be read is named when it is opened.
    }
  }
  return false;
}

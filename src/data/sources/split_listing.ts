import { baseOf, byCodeUnits, folderOf } from "../io/paths.ts";
import { chooseByLists } from "./lists/choose.ts";
import type { Statement } from "./lists/statements.ts";
import { pictureSplits, splitOfPicture } from "./picture_splits.ts";
import { judgeFolders, MANY } from "./split_folders.ts";
import { splitsAmong } from "./split_names.ts";
import { chooseSplit, NoSplitError, type SplitQuestion } from "./splits.ts";

/** Pictures of one split, in their order. */
export interface Chosen {
  pictures: string[];
  /** Those in the same folders, whatever their split: all of them tell what the folders' names mean. */
  among: readonly string[];
}

/**
 * The pictures of one split, where folders below the first floor state splits: `images/train/1.jpg` beside
 * `images/val/2.jpg`, or `cat/train/1.jpg` beside `cat/test/2.jpg`. The rules are those of {@linkcode splitFolders}. Where
 * no folders do, lists or the pictures' own names may.
 *
 * @param pictures Relative paths.
 * @param question What is wanted; `none` says that such folders and names are no splits.
 * @param given Whether the pictures are known to be of one split, so that their own names say nothing; and what lists say.
 * @returns The pictures of the split; all where no names state one.
 * @throws {NoSplitError} The wanted split is not there.
 * @throws {Error} Several could be meant.
 */
export function picturesOfSplit(
  pictures: string[],
  question: SplitQuestion,
  { isSplit = false, lists = null }: { isSplit?: boolean; lists?: Statement | null } = {},
): Chosen {
  const all = { pictures, among: pictures };
  if (question.wanted === "none") return all;
  const children = foldersOf(pictures), splits = new Map<string, string>();
  for (const [parent, names] of children) {
    // The first floor was judged before anything was listed.
    if (parent === "") continue;
    const inside = (name: string) => [...children.get(`${parent}/${name}`) ?? []];
    const among = splitsAmong([...names]);
    const kind = judgeFolders(parent, [...names], among, inside, question);
    if (kind !== "splits") continue;
    for (const [name, split] of among) splits.set(`${parent}/${name}`, split);
  }
  if (splits.size === 0) {
    if (question.wanted === "all") return all;
    const listed = lists && chooseByLists(pictures, lists, question);
    if (listed) return { pictures: listed, among: pictures };
    if (question.wanted === undefined && isSplit) return all;
    return { pictures: picturesNamed(pictures, question), among: pictures };
  }
  const owner = (picture: string): string => {
    for (let end = picture.lastIndexOf("/"); end > 0; end = picture.lastIndexOf("/", end - 1)) {
      if (splits.has(picture.slice(0, end))) return picture.slice(0, end);
    }
    return "";
  };
  const owners = pictures.map(owner), loose = owners.indexOf("");
  const items = [...splits].sort(([a], [b]) => byCodeUnits(a, b))
    .map(([name, split]): { item: string; name: string; split: string | null } => ({
      item: name,
      name,
      split,
    }));
  if (loose >= 0) items.push({ item: "", name: pictures[loose], split: null });
  const chosen = new Set(chooseSplit(items, question));
  const found = pictures.filter((_, i) => chosen.has(owners[i]));
  return { pictures: found, among: found };
}

/** The pictures of one split, where their own names state splits. */
function picturesNamed(pictures: string[], question: SplitQuestion): string[] {
  const { where, wanted, progress } = question, found = pictureSplits();
  for (const name of pictures) found.add(name);
  const examples = [...found.met.values()].join(", ");
  const choose = () => {
    const items = pictures.map((name) => ({ item: name, name, split: splitOfPicture(name) }));
    return chooseSplit(items, { ...question, what: "picture" });
  };
  if (wanted !== undefined) {
    if (found.met.size > 0) return choose();
    throw new NoSplitError(`${where}: holds no folder of split "${wanted}"; no name states a split`);
  }
  if (found.met.size < 2 || !found.related) return pictures;
  if (found.others === 0) return choose();
  if (found.others > MANY * found.stated) {
    progress(
      `${where}: takes pictures named as splits (${examples}) together with many others; where they are splits, write ` +
        "#split=train behind the name",
    );
    return pictures;
  }
  const other = pictures.find((name) => splitOfPicture(name) === null)!;
  throw new Error(
    `${where}: holds pictures named as splits (${examples}) beside others (${other}). Say what they are: #split=train ` +
      "behind the name for those of one split, #split=none where all are one set",
  );
}

/** The folders in each folder, as far as they hold pictures. */
function foldersOf(pictures: readonly string[]): Map<string, Set<string>> {
  const children = new Map<string, Set<string>>(), seen = new Set<string>();
  for (const picture of pictures) {
    let folder = folderOf(picture);
    while (folder !== "" && !seen.has(folder)) {
      seen.add(folder);
      const parent = folderOf(folder);
      children.set(parent, (children.get(parent) ?? new Set()).add(baseOf(folder)));
      folder = parent;
    }
  }
  return children;
}

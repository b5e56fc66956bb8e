import { byCodeUnits } from "../io/paths.ts";
import { pictureSplits, splitOfPicture } from "./picture_splits.ts";
import { judgeFolders, MANY } from "./split_folders.ts";
import { splitsAmong } from "./split_names.ts";
import { chooseSplit, NoSplitError, type SplitQuestion } from "./splits.ts";

/**
 * The pictures of one split, where folders below the first floor state splits: `images/train/1.jpg` beside
 * `images/val/2.jpg`, or `cat/train/1.jpg` beside `cat/test/2.jpg`. The rules are those of {@linkcode splitFolders}. Where
 * no folders do, the pictures' own names may.
 *
 * @param pictures Relative paths.
 * @param question What is wanted; `none` says that such folders and names are no splits.
 * @param isSplit Whether the pictures are known to be of one split, so that their own names say nothing.
 * @returns The pictures of the split, in their order; all where no names state one.
 * @throws {NoSplitError} The wanted split is not there.
 * @throws {Error} Several could be meant.
 */
export function picturesOfSplit(pictures: string[], question: SplitQuestion, isSplit = false): string[] {
  if (question.wanted === "none") return pictures;
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
    if (question.wanted === "all" || (question.wanted === undefined && isSplit)) return pictures;
    return picturesNamed(pictures, question);
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
  return pictures.filter((_, i) => chosen.has(owners[i]));
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
    let folder = picture.slice(0, Math.max(0, picture.lastIndexOf("/")));
    while (folder !== "" && !seen.has(folder)) {
      seen.add(folder);
      const slash = folder.lastIndexOf("/"), parent = folder.slice(0, Math.max(0, slash));
      children.set(parent, (children.get(parent) ?? new Set()).add(folder.slice(slash + 1)));
      folder = parent;
    }
  }
  return children;
}

/** Splits inside of archives and LMDBs, in the names of what they hold: `imagenette2/train/n01440764/1.JPEG`, `train_1.jpg`. */
import { folderOf } from "../io/paths.ts";
import { pictureSplits, splitOfPicture } from "./picture_splits.ts";
import { isSplitFolder } from "./split_names.ts";
import { NoSplitError, splitName, splitOf } from "./splits.ts";

/** Keeps splits inside of one archive or LMDB apart. */
export interface InnerSplits {
  /**
   * Why a file or a key is left out; null where it is meant.
   *
   * @param isPicture Whether it is a picture's. Default true.
   * @param own The split that a record itself states, in JSON or a dict beside its picture; it goes before names.
   * @throws {NoSplitError} It is of a second split, and the user did not say which one is meant.
   */
  whyNot(name: string, isPicture?: boolean, own?: string): string | null;
  /** Whether a split was asked for, and what a record itself says decides whether it is of that one. */
  isOpen(name: string): boolean;
  /** Whether a file or a key that was looked at before is meant. */
  isMeant(name: string): boolean;
  /** What is said where nothing is left; null where nothing was left out. */
  missing(): NoSplitError | null;
}

/** What is asked of splits inside. */
export interface InnerQuestion {
  /** What the user named, for messages. */
  where: string;
  /** The split that the user named: one, several as `train+validation`, `all`, or `none` where such folders are none. */
  wanted?: string;
  /** Whether the name of the archive itself says that it is of that split, so that what states none belongs to it. */
  named: boolean;
  /** Whether that name states a split, so that those of pictures need not. Default false. */
  stated?: boolean;
}

/**
 * Keeps splits apart by names that are met one after another, so that nobody knows beforehand which there are: where the
 * user has named no split, a second one is an error.
 */
export function innerSplits({ where, wanted, named, stated = false }: InnerQuestion): InnerSplits {
  if (wanted === "all" || wanted === "none") {
    return { whyNot: () => null, isOpen: () => false, isMeant: () => true, missing: () => null };
  }
  const asked = wanted?.split("+").map((word) => splitName(word.trim()));
  const met = new Map<string, string>(), pictures = pictureSplits();
  let last = "", split: string | null = null, left = 0, byPicture = !stated;
  /** The split that a folder around it states. */
  const around = (name: string) => {
    // Those of one folder mostly stand side by side.
    const folder = folderOf(name);
    if (folder !== last) {
      last = folder;
      split = splitOfFolder(folder);
    }
    return split;
  };
  const refuse = (what: string, splits: ReadonlyMap<string, string>) => {
    const names = [...splits.keys()].map((one) => `#split=${one}`).join(", ");
    const examples = [...splits].map(([one, at]) => `${one}: ${at}`).join(", ");
    return new NoSplitError(
      `${where}: holds ${what} of several splits (${examples}). Say which one is meant: ${names} behind the name, or ` +
        "#split=all for all together",
    );
  };
  const choose = (split: string | null): string | null => {
    if (split === null) return named ? null : "is of no split";
    return asked!.includes(split) || split === wanted ? null : `is of the split ${split}`;
  };
  const statedIn = (name: string) => around(name) ?? (asked && byPicture ? splitOfPicture(name) : null);
  const judge = (name: string, isPicture: boolean, own?: string): string | null => {
    const outer = own ?? around(name), split = own ?? statedIn(name);
    if (split !== null && !met.has(split)) met.set(split, name);
    if (asked) return choose(split);
    if (met.size > 1) throw refuse(own === undefined ? "folders" : "records", met);
    if (!isPicture || outer !== null || !byPicture) return null;
    if (pictures.add(name) === null || pictures.met.size < 2 || !pictures.related) return null;
    // Where most names before state none, it is chance; and what was so once stays so when shards are read again.
    if (pictures.others <= pictures.stated) throw refuse("pictures", pictures.met);
    byPicture = false;
    return null;
  };
  return {
    whyNot(name, isPicture = true, own) {
      const why = judge(name, isPicture, own);
      if (why !== null) left++;
      return why;
    },
    isOpen: (name) => asked !== undefined && statedIn(name) === null,
    isMeant: (name) => !asked || choose(around(name) ?? (byPicture ? splitOfPicture(name) : null)) === null,
    missing() {
      const there = met.size > 0 ? `there are ${[...met.keys()].join(", ")}` : "no name in it states a split";
      return left === 0 ? null : new NoSplitError(`${where}: holds nothing of split "${wanted}"; ${there}`);
    },
  };
}

/** The split of the outermost folder that is named as one as a whole; below it such a name is a class's. */
function splitOfFolder(folder: string): string | null {
  const found = folder.split("/").find(isSplitFolder);
  return found === undefined ? null : splitOf(found);
}

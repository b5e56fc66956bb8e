/** Splits inside of archives and LMDBs, in the names of what they hold: `imagenette2/train/n01440764/1.JPEG`. */
import { isSplitFolder } from "./split_names.ts";
import { NoSplitError, splitName, splitOf } from "./splits.ts";

/** Keeps splits inside of one archive or LMDB apart. */
export interface InnerSplits {
  /**
   * Why a file or a key is left out; null where it is meant.
   *
   * @throws {NoSplitError} It is of a second split, and the user did not say which one is meant.
   */
  whyNot(name: string): string | null;
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
}

/**
 * Keeps splits apart by names that are met one after another, so that nobody knows beforehand which there are: where the
 * user has named no split, a second one is an error.
 */
export function innerSplits({ where, wanted, named }: InnerQuestion): InnerSplits {
  if (wanted === "all" || wanted === "none") return { whyNot: () => null, missing: () => null };
  const asked = wanted?.split("+").map((word) => splitName(word.trim()));
  const met = new Map<string, string>();
  let last = "", split: string | null = null, left = 0;
  const judge = (name: string): string | null => {
    // Those of one folder mostly stand side by side.
    const folder = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    if (folder !== last) {
      last = folder;
      split = splitOfFolder(folder);
    }
    if (split !== null && !met.has(split)) met.set(split, name);
    if (asked) {
      if (split === null) return named ? null : "is of no split";
      return asked.includes(split) || split === wanted ? null : `is of the split ${split}`;
    }
    if (met.size < 2) return null;
    const names = [...met.keys()];
    throw new NoSplitError(
      `${where}: holds folders of several splits (${
        [...met].map(([one, at]) => `${one}: ${at}`).join(", ")
      }). Say which ` +
        `one is meant: ${
          names.map((one) => `#split=${one}`).join(", ")
        } behind the name, or #split=all for all together`,
    );
  };
  return {
    whyNot(name) {
      const why = judge(name);
      if (why !== null) left++;
      return why;
    },
    missing() {
      const there = met.size > 0 ? `there are ${[...met.keys()].join(", ")}` : "no folder states a split";
      return left === 0 ? null : new NoSplitError(`${where}: holds nothing of split "${wanted}"; ${there}`);
    },
  };
}

/** The split of the outermost folder that is named as one as a whole; below it such a name is a class's. */
function splitOfFolder(folder: string): string | null {
  const found = folder.split("/").find(isSplitFolder);
  return found === undefined ? null : splitOf(found);
}

/** Splits in the names of pictures that stand side by side: `train_0001.jpg` beside `test_0001.jpg`. */
import { baseOf } from "../io/paths.ts";
import { SPLIT_WORDS, splitOf, splitOfWord, wordsOf } from "./splits.ts";

/** What every name of a split has in it; asked of millions of names that have none. */
const SOME_WORD = new RegExp(SPLIT_WORDS.join("|"), "i");

/** Most words that are kept to see whether names have to do with each other; hashes in names have any. */
const MOST_WORDS = 10_000;

/** A picture's own name, without folders and ending. */
function stemOf(name: string): string {
  const base = baseOf(name), dot = base.lastIndexOf(".");
  return dot > 0 ? base.slice(0, dot) : base;
}

/**
 * The split that a picture's own name states: a numbered one with the words of one split (`test_0001.jpg`,
 * `COCO_val2014_000000000042.jpg`).
 *
 * @param name Its folders say nothing here.
 */
export function splitOfPicture(name: string): string | null {
  const stem = stemOf(name);
  if (!SOME_WORD.test(stem) || !/\d/.test(stem)) return null;
  const split = splitOf(stem);
  return split?.includes("+") ? null : split;
}

/** What names of pictures tell together. */
export interface PictureSplits {
  /** One more name; gives the split that it states. */
  add(name: string): string | null;
  /** The first name of each split. */
  readonly met: ReadonlyMap<string, string>;
  /** How many names state a split. */
  readonly stated: number;
  /** How many do not. */
  readonly others: number;
  /** Whether names of different splits have to do with each other: `train_1` and `test_1`, but not `train_station_1`. */
  readonly related: boolean;
}

/** Begins to look at the names of pictures, one after another. */
export function pictureSplits(): PictureSplits {
  const met = new Map<string, string>(), bare = new Set<string>(), words = new Map<string, string>();
  let stated = 0, others = 0, related = false;
  const relate = (name: string, split: string) => {
    const found = wordsOf(stemOf(name)).filter((word) => splitOfWord(word) === undefined).map((word) =>
      word.toLowerCase()
    );
    if (found.length === 0) bare.add(split);
    related ||= bare.size > 1 || found.some((word) => (words.get(word) ?? split) !== split);
    for (const word of found) if (words.size < MOST_WORDS) words.set(word, split);
  };
  return {
    add(name) {
      const split = splitOfPicture(name);
      if (split === null) {
        others++;
        return null;
      }
      stated++;
      if (!met.has(split)) met.set(split, name);
      if (!related) relate(name, split);
      return split;
    },
    met,
    get stated() {
      return stated;
    },
    get others() {
      return others;
    },
    get related() {
      return related;
    },
  };
}

/** Which folders are named as splits, seen beside each other. */
import { SPLIT_SUFFIXES, SPLIT_WORDS, splitOf, splitOfWord, wordsOf } from "./splits.ts";

/** Names of folders that are a split's: `val`, `train2017`, `test_images`, `trainset`, `bedroom_train_lmdb`. */
const WHOLE = new RegExp(
  `^(.*[-_ ])?(${SPLIT_WORDS.join("|")})([-_ ]?\\d{4})?([-_ ]?(${SPLIT_SUFFIXES})|[-_ ](256|512))?$`,
  "i",
);

/** Abbreviations, which mean splits where every folder beside has one: `tr` beside `te`, `imagesTr` beside `imagesTs`. */
const SHORT = new Map([
  ["tr", "train"],
  ["va", "validation"],
  ["vl", "validation"],
  ["te", "test"],
  ["ts", "test"],
]);

/** Whether a folder's name is that of a split as a whole. */
export function isSplitFolder(name: string): boolean {
  return WHOLE.test(name);
}

/** How many different splits there are. */
export function kindsOf(splits: ReadonlyMap<string, string>): number {
  return new Set(splits.values()).size;
}

/**
 * The folders that are named as splits. A name that is a split's as a whole is one by itself. Others are where they stand
 * beside such of another split: `train_0` beside `test_0` and `trainA` beside `testA`, whose other words are the same; and
 * where all folders have a split in their names, `train_part1` beside `val`.
 *
 * @param names Folders that stand side by side.
 * @returns The split of each that is one's; fewer than two different ones tell nothing.
 */
export function splitsAmong(names: readonly string[]): Map<string, string> {
  const whole = mapped(names.filter(isSplitFolder), splitOf);
  if (kindsOf(whole) > 1) return whole;
  const loose = mapped(names, (name) => isSplitFolder(name) ? splitOf(name) : onlySplitOf(name));
  if (loose.size === names.length && areRelated(loose)) return loose;
  const alike = Map.groupBy(loose, ([name]) => otherWords(name).join(" "));
  const pairs = [...alike.values()].map((group) => new Map(group)).filter((group) => kindsOf(group) > 1);
  if (pairs.length > 0) return new Map([...whole, ...pairs.flatMap((group) => [...group])]);
  const short = mapped(names, (name) => shortSplit(name) ?? whole.get(name) ?? null);
  return short.size === names.length && kindsOf(short) > 1 ? short : whole;
}

function mapped(names: readonly string[], splitOf: (name: string) => string | null): Map<string, string> {
  const splits = names.map((name) => [name, splitOf(name)] as const);
  return new Map(splits.filter((entry): entry is readonly [string, string] => entry[1] !== null));
}

/** The split of a name that has one alone. */
function onlySplitOf(name: string): string | null {
  const split = splitOf(name);
  return split?.includes("+") ? null : split;
}

const shortSplit = (name: string) => SHORT.get(wordsOf(name).at(-1)?.toLowerCase() ?? "");

/** The words of a name beside the split, in small letters; numbers are none. */
const otherWords = (name: string) =>
  wordsOf(name).filter((word) => splitOfWord(word) === undefined).map((word) => word.toLowerCase());

/** Whether names of different splits have to do with each other: a word in common, or no other word. */
function areRelated(splits: ReadonlyMap<string, string>): boolean {
  if (kindsOf(splits) < 2) return false;
  const seen = new Map<string, string>();
  for (const [name, split] of splits) {
    const words = otherWords(name);
    if (words.length === 0 || words.some((word) => (seen.get(word) ?? split) !== split)) return true;
    for (const word of words) seen.set(word, split);
  }
  return false;
}

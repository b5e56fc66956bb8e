/** What the name of a list says: of which split it is, and what else. */
import { baseOf } from "../../io/paths.ts";
import { splitOfWord, wordsOf } from "../splits.ts";

/** Training and validation together. */
export const BOTH = "trainval";

/** The words and numbers of a list's name, without its folders and ending; `trainlist` is `train`. */
function partsOf(name: string): string[] {
  const base = baseOf(name).replace(/\.[^.]*$/, ""),
    words = wordsOf(base).map((word) => word.replace(/(?<=.)lists?$/i, ""));
  return [...words, ...base.match(/\d+/g) ?? []];
}

/** The split that a list's own name states: one, or {@linkcode BOTH}; null where it states none, or several. */
export function splitOfList(name: string): string | null {
  const splits = new Set(partsOf(name).flatMap((part) => splitOfWord(part) ?? []));
  if (splits.size === 2 && splits.has("train") && splits.has("validation")) return BOTH;
  return splits.size === 1 ? [...splits][0] : null;
}

/** The words and numbers of a list's name beside its split: `cat` of `cat_train.txt`. */
export function otherParts(name: string): string[] {
  return partsOf(name).filter((part) => splitOfWord(part) === undefined && !/^(lists?|files?)$/i.test(part));
}

/**
 * Splits: the parts of a data set that must not be mixed, training's and those that test what was learned. Names tell them:
 * of files (`train-00000-of-00002.parquet`), of folders (`val2017`), of shards and LMDBs.
 */
import { didYouMean } from "../../text/nearest.ts";
import { baseOf } from "../io/paths.ts";
import { onePerPlace, type Placed } from "./places.ts";

/** Words that name a split, and what it is called here. */
const WORDS: Readonly<Record<string, string>> = {
  train: "train",
  training: "train",
  trn: "train",
  validation: "validation",
  valid: "validation",
  val: "validation",
  dev: "validation",
  minival: "validation",
  test: "test",
  testing: "test",
  tst: "test",
  holdout: "test",
  heldout: "test",
  eval: "test",
  evaluation: "test",
  trainval: "trainval",
};

/** All words that name a split, in small letters. */
export const SPLIT_WORDS: readonly string[] = Object.keys(WORDS);

/** What may follow such a word, of one piece with it or apart: `trainset`, `test_images`. */
export const SPLIT_SUFFIXES = "sets?|data|images?|imgs?|pictures|photos|splits?|lmdb|shards?";

const SUFFIX = new RegExp(`(?:${SPLIT_SUFFIXES})$`);

/** The split that a word means. A name may have any word in it, "constructor" too. */
export function splitOfWord(word: string): string | undefined {
  const lower = word.toLowerCase();
  const found = [lower, lower.replace(SUFFIX, "")].find((one) => Object.hasOwn(WORDS, one));
  return found === undefined ? undefined : WORDS[found];
}

/** The words of a name: its letters, divided where a capital one follows a small one, as in `trainA`. */
export function wordsOf(name: string): string[] {
  return name.split(/[^a-zA-Z]+|(?<=[a-z])(?=[A-Z])/).filter((word) => word !== "");
}

/** The usual name of a split: `validation` for `val`; a name of another kind stays as it is. */
export function splitName(word: string): string {
  return splitOfWord(word) ?? word;
}

/**
 * The split that a file's name states: a word among its letters (`imagenet-train-0001.tar`), or else one of the folders
 * that it is in.
 *
 * @param path Relative to what the user named, so that folders above it say nothing.
 * @returns Such as `train`, `validation`, `test`, `train+validation` where one name has both; null when no name says.
 */
export function splitOf(path: string): string | null {
  for (const part of path.split("/").reverse()) {
    const hive = /^split=(.+)$/i.exec(part)?.[1];
    if (hive) return splitName(hive);
    const words = wordsOf(part).map(splitOfWord);
    const found = [...new Set(words.filter((word) => word !== undefined))].sort();
    if (found.length > 0) return found.join("+");
  }
  return null;
}

/** A part of a data set: a file, a folder. Of one place under several names of a split one counts. */
export interface SplitItem<T> extends Placed {
  item: T;
  /** Its name relative to what the user named. */
  name: string;
  /** Its split; null when its name states none. */
  split: string | null;
  /** Whether the user wrote this name, so that it is meant whatever its split. */
  named?: boolean;
}

/** Splits to learn from; those of training and validation together where none is of training alone. */
const LEARNED: readonly string[] = ["train", "trainval", "train+validation"];

/** A split was asked for that is not there. */
export class NoSplitError extends Error {
  override name = "NoSplitError";
  /** @param known The splits that are there instead. */
  constructor(message: string, readonly known: readonly string[] = []) {
    super(message);
  }
}

/**
 * Items without those that are the place of another one of their split. A split's name says more than none: of `data` and a link
 * to it called `train`, the link counts.
 */
export function oncePerSplit<I extends SplitItem<unknown>>(items: readonly I[]): I[] {
  const kept = new Set([...Map.groupBy(items, ({ split }) => split).values()].flatMap(onePerPlace));
  const splits = new Set(
    items.flatMap(({ split, place }) => split === null || place === undefined ? [] : [place]),
  );
  return items.filter((item) => kept.has(item) && (item.split !== null || !splits.has(item.place ?? "")));
}

/** What is asked of a data set with splits. */
export interface SplitQuestion {
  /** What the user named, for messages. */
  where: string;
  /** What the items are, in the plural. */
  what: string;
  /** The split that the user named: one, several as `train+validation`, or `all`. */
  wanted?: string;
  /** Which one is meant where the user names none. */
  role: "train" | "test";
  /** Told which one was taken. */
  progress(line: string): void;
}

/** Names of files that a split is dealt out to: `unlabeled-00000-of-00004.parquet`. */
const DEALT = /^(.+?)[-_.]\d{3,}-of-\d{3,}\b/;

/**
 * Takes one split of several, so that what tests is not learned: the one the user named; else for training the one that is
 * called train, for testing the only other one. Items of one split, or without any, are all taken.
 *
 * @param items What there is.
 * @param question What is wanted.
 * @returns The items, in their order.
 * @throws {NoSplitError} The wanted split is not there; the message names the choices.
 * @throws {Error} Several could be meant; the message names them.
 */
export function chooseSplit<T>(items: readonly SplitItem<T>[], question: SplitQuestion): T[] {
  // Once more of what was chosen: several splits may be one place.
  return onePerPlace(chosenItems(oncePerSplit(items), question)).map(({ item }) => item);
}

function chosenItems<T>(items: readonly SplitItem<T>[], question: SplitQuestion): SplitItem<T>[] {
  const { where, wanted, role } = question;
  if (wanted === "all" || (wanted === undefined && !items.some(({ split, named }) => split && !named))) {
    return [...items];
  }
  const groups = Map.groupBy(items, (item) => groupOf(item, items));
  const take = (names: readonly string[]) => items.filter((item) => names.includes(groupOf(item, items)));
  if (wanted !== undefined) return take(wantedGroups(wanted, [...groups.keys()], question));
  const loose = items.filter(({ named }) => !named),
    kinds = new Set(loose.map((item) => groupOf(item, items)));
  // Nothing to keep apart: one split, or one called train and files that no split claims.
  if (kinds.size === 1 || [...kinds].every((kind) => kind === "train" || kind === "")) {
    return [...items];
  }
  const learned = LEARNED.find((kind) => kinds.has(kind));
  const tests = [...kinds].filter((kind) => kind !== learned && kind !== "");
  const chosen = role === "train" ? learned ?? "train" : tests.length === 1 ? tests[0] : "test";
  const certain = role === "train" ? learned !== undefined : tests.length === 1;
  if (!certain) throw new Error(`${where}: holds ${list(groups, question)}. ${ask(groups)}`);
  const others = new Map([...groups].filter(([name]) => name !== chosen));
  question.progress(
    `${where}: takes the split ${chosen} (${count(groups.get(chosen)!.length, question)}) and leaves out ` +
      `${list(others, question)}; ${another(others)}`,
  );
  return items.filter((item) => item.named || groupOf(item, items) === chosen);
}

/** The split that an item belongs to; an empty text where nothing says. */
function groupOf<T>({ name, split }: SplitItem<T>, items: readonly SplitItem<T>[]): string {
  if (split !== null) return split;
  // Where one name before -00000-of-00004 is a split, the others are splits as well.
  const dealt = DEALT.exec(baseOf(name))?.[1];
  return dealt && items.some((other) => other.split !== null && DEALT.test(baseOf(other.name))) ? dealt : "";
}

function wantedGroups(wanted: string, groups: readonly string[], question: SplitQuestion): string[] {
  if (groups.includes(wanted)) return [wanted];
  return wanted.split("+").flatMap((word) => {
    const name = splitName(word.trim());
    if (groups.includes(name)) return [name];
    if (groups.includes(word)) return [word];
    const known = groups.filter((group) => group !== "");
    const there = known.length > 0 ? `there are ${known.join(", ")}` : "no name states a split";
    throw new NoSplitError(
      `${question.where}: holds no ${question.what} of split "${word}"${
        didYouMean(word, known) || ";"
      } ${there}`,
      known,
    );
  });
}

function count(number: number, { what }: SplitQuestion): string {
  return `${number} ${number === 1 ? what : `${what}s`}`;
}

function list<T>(groups: ReadonlyMap<string, readonly SplitItem<T>[]>, question: SplitQuestion): string {
  return [...groups].map(([name, items]) =>
    name === ""
      ? `${count(items.length, question)} of no split (${items[0].name})`
      : `${name} (${items.length})`
  ).join(", ");
}

/** How one of the groups is asked for. */
function ask(groups: ReadonlyMap<string, unknown>): string {
  const names = [...groups.keys()].filter((name) => name !== "");
  return `Say which one is meant: ${names.map((name) => `#split=${name}`).join(", ")} behind the name, or ` +
    "#split=all for all together";
}

function another(others: ReadonlyMap<string, unknown>): string {
  const name = [...others.keys()].find((key) => key !== "");
  return `${name ? `#split=${name} behind the name takes another, ` : ""}#split=all takes all`;
}

import { plural } from "../../text/amounts.ts";
import { baseOf } from "../io/paths.ts";
import type { PassedOver } from "../types.ts";

/** Counts by kind what a source passes over. */
export interface PassedCounter {
  /**
   * One more.
   *
   * @param what What it is, in the singular.
   * @param why Why it is no record.
   * @param example Its name; the first of a kind is kept.
   */
  add(what: string, why: string, example: string): void;
  /** What was counted, a line for each kind, in the order in which the kinds came. */
  list(): PassedOver[];
}

/** More kinds than this are counted together: what they are told by may come from file names. */
const MOST_KINDS = 50;

/**
 * An empty counter.
 *
 * @param where The shard, folder or file that is counted in.
 */
export function passedCounter(where?: string): PassedCounter {
  const kinds = new Map<string, PassedOver>();
  return {
    add(what, why, example) {
      const full = kinds.size >= MOST_KINDS && !kinds.has(`${what}\0${why}`);
      if (full) what = "file of another kind";
      const name = `${what}\0${why}`;
      const known = kinds.get(name);
      if (known) known.count++;
      else kinds.set(name, { what, why, count: 1, example, ...(where !== undefined && { where }) });
    },
    list: () => [...kinds.values()].map((kind) => ({ ...kind })),
  };
}

/**
 * Adds up lists of several shards: a line for each kind, whose example and place are the first shard's.
 *
 * @param lists A shard's list each.
 */
export function sumPassed(lists: Iterable<readonly PassedOver[]>): PassedOver[] {
  const kinds = new Map<string, PassedOver>();
  for (const list of lists) {
    for (const one of list) {
      const name = `${one.what}\0${one.why}`, known = kinds.get(name);
      if (known) known.count += one.count;
      else kinds.set(name, { ...one });
    }
  }
  return [...kinds.values()];
}

/** Kinds that a line names; more are counted together. */
const MOST_NAMED = 8;

/** What a file is called in a count of what was passed over: its ending, or `file`. */
export function fileKind(name: string): string {
  const base = baseOf(name), dot = base.lastIndexOf(".");
  // A source of its own, unlike other files that are compressed.
  if (/.\.tar\.gz$/i.test(base)) return ".tar.gz";
  return dot > 0 && dot < base.length - 1 ? base.slice(dot).toLowerCase() : "file";
}

/**
 * What was passed over as one line for people.
 *
 * @returns Such as `15 files passed over: 12 .heic (cannot be decoded), 3 .txt`; null when there is nothing.
 */
export function describePassedOver(list: readonly PassedOver[]): string | null {
  const kinds = sumPassed([list]).sort((a, b) => b.count - a.count), nouns = new Map<string, number>();
  if (kinds.length === 0) return null;
  for (const { what, count } of kinds) {
    const noun = /^[a-z]+$/.test(what) ? what : /^\.|file/.test(what) ? "file" : "other part";
    nouns.set(noun, (nouns.get(noun) ?? 0) + count);
  }
  const sum = [...nouns].map(([noun, count]) => plural(count, noun)).join(" and ");
  const named = kinds.slice(0, MOST_NAMED).map(describeOne);
  const more = kinds.slice(MOST_NAMED).reduce((total, { count }) => total + count, 0);
  if (more > 0) named.push(`${more} others`);
  return `${sum} passed over: ${named.join(", ")}`;
}

function describeOne({ what, why, count, example }: PassedOver): string {
  // An ending says enough of what is simply no picture; what had to be one is named.
  const which = example !== undefined && (count === 1 || !what.startsWith(".")) && why !== "" ? example : "";
  const inside = [why, which && (count > 1 ? `such as ${which}` : which)].filter((text) => text !== "").join(
    ": ",
  );
  const amount = /^[a-z]+$/.test(what) ? plural(count, what) : `${count} ${what}`;
  return `${amount}${inside ? ` (${inside})` : ""}`;
}

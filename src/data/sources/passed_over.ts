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

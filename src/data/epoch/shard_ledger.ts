import type { ShardEnd } from "./shuffle.ts";

/** Pictures that a shard should have given and did not. */
export interface Loss {
  shard: string;
  /** Pictures that came. */
  came: number;
  /** Those that did not, as far as can be told; null where nobody can say yet. */
  lost: number | null;
  reason: string;
}

/** What is new of a loss. */
export interface LossNews extends Loss {
  /** It was not told before. */
  first: boolean;
  /** Pictures more, or fewer, than were told before. */
  more: number;
}

/** A shard's end, in a source alone. */
export type LedgerEntry = Omit<ShardEnd, "part">;

/** Keeps account of what a source's shards gave, epoch after epoch. */
export interface ShardLedger {
  /** Takes note of a shard that was read. Gives what is known only now: of this shard, or of earlier ones. */
  ended(end: LedgerEntry): LossNews[];
  /** The last word on this round's losses: estimates are better when all shards have been read. */
  settled(): LossNews[];
  /** This round's losses of which nobody can say yet how large they are. */
  unknown(): Loss[];
  /** Pictures that all shards together hold, as far as can be told. */
  total(): number | null;
  /** Another round over the shards begins; it does so by itself when all have been read. */
  begin(): void;
}

/** What is known of a source beforehand. */
export interface LedgerOptions {
  /** How many shards it has. */
  shards: number;
  /** Pictures that the user says it holds. */
  promised?: number;
  /** What shards gave when they were read before, in an earlier part of the run. */
  known?: ReadonlyMap<string, number>;
}

/**
 * Opens a ledger. What a lost shard would have held is estimated: by what it gave in an earlier epoch, else by the mean of
 * the shards that came whole, else by an equal part of what the user promised.
 *
 * A shard that is cut short has lost one picture at least. One that gives fewer than in an earlier epoch has lost the
 * difference, though it ended well. One whose end is in doubt has lost pictures if it gave fewer than any that is not.
 */
export function shardLedger({ shards, promised, known }: LedgerOptions): ShardLedger {
  /** What shards gave that ended well, and those among them that ended without a doubt. */
  const gave = mostOf(known), whole = mostOf();
  type Entry = { end: LedgerEntry; told: number | null };
  let round: Entry[] = [], open: Entry[] = [], ends = 0;
  const promisedEach = promised === undefined ? null : promised / shards;
  // Where all are in doubt, it is their writer's way.
  const mean = () => whole.mean() ?? gave.mean();
  const lossOf = ({ shard, records: came, lost, doubt }: LedgerEntry): Loss | null => {
    const before = gave.get(shard);
    if (lost) {
      const size = before ?? mean() ?? promisedEach;
      return {
        shard,
        came,
        lost: size === null ? null : Math.max(1, Math.round(size - came)),
        reason: lost.reason,
      };
    }
    if (before !== undefined && before > came) {
      return { shard, came, lost: before - came, reason: `gave ${came} pictures, and ${before} before` };
    }
    const others = whole.mean(), fewer = others !== null && came < whole.least();
    const size = fewer ? others : doubt?.kind === "odd" && others === null ? promisedEach : null;
    const missing = doubt && size !== null ? Math.round(size - came) : 0;
    return missing > 0 ? { shard, came, lost: missing, reason: doubt!.reason } : null;
  };
  const newsOf = (entry: Entry): LossNews[] => {
    const loss = lossOf(entry.end);
    if (!loss) return [];
    const first = entry.told === null, more = (loss.lost ?? 0) - (entry.told ?? 0);
    entry.told = loss.lost ?? 0;
    return first || more !== 0 ? [{ ...loss, first, more }] : [];
  };
  const begin = () => {
    round = [];
    open = [];
    ends = 0;
  };
  return {
    ended(end) {
      if (ends === shards) begin();
      ends++;
      const { shard, records, lost, doubt } = end, entry: Entry = { end, told: null };
      const news = newsOf(entry);
      if (!lost) gave.set(shard, records);
      if (!lost && !doubt) whole.set(shard, records);
      if (lost || doubt || news.length > 0) round.push(entry);
      const waiting = open;
      open = [];
      for (const one of waiting) news.push(...newsOf(one));
      for (const one of [...waiting, ...(lost ? [entry] : [])]) if (one.told === 0) open.push(one);
      return news;
    },
    settled: () => round.flatMap(newsOf),
    unknown: () => open.flatMap(({ end }) => lossOf(end) ?? []).filter(({ lost }) => lost === null),
    total() {
      const each = mean();
      return each === null ? promised ?? null : Math.round(each * shards);
    },
    begin,
  };
}

/** The most of each name, and their mean. */
function mostOf(known: Iterable<[string, number]> = []) {
  const most = new Map<string, number>();
  let sum = 0, least = Infinity;
  const set = (name: string, count: number) => {
    const before = most.get(name) ?? 0;
    if (most.has(name) && count <= before) return;
    most.set(name, count);
    sum += count - before;
    least = Math.min(least, count);
  };
  for (const [name, count] of known) set(name, count);
  return {
    set,
    get: (name: string) => most.get(name),
    mean: () => most.size === 0 ? null : sum / most.size,
    least: () => least,
  };
}

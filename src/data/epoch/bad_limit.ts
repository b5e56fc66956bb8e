import type { CamePage } from "./came.ts";
import type { Loss, LossNews, ShardLedger } from "./shard_ledger.ts";
import type { BadRecord } from "./epoch.ts";

/** Share of a data set that may be bad or lost before a run fails. */
export const MAX_BAD = 0.01;

/** More of a data set is bad, or lost with its shards, than {@linkcode badWatch} allows. */
export class BadLimitError extends Error {
  override name = "BadLimitError";
  /** What came of records since the last batch, and led to this. */
  page: CamePage = { came: [], shards: [] };
  /** @param lost Whether records were lost with shards: others were bad, each by itself. */
  constructor(message: string, readonly lost: boolean) {
    super(message);
  }
}

/** A source whose bad and lost records are watched. */
export interface Watched {
  uri: string;
  /** Records of an epoch, of this process; null where nobody knows. */
  length: number | null;
  /** Of a stream: what its shards gave. */
  ledger?: ShardLedger;
  /** Its records may come several times in an epoch; a bad one counts once. */
  repeats?: boolean;
}

/** Looks after the bad and lost records of an epoch. */
export interface BadWatch {
  /** Another record of a source, good or bad. */
  seen(part: number): void;
  /** It was bad. */
  bad(part: number, record: BadRecord): void;
  /** Records of a shard are lost. */
  lost(part: number, news: LossNews): void;
  /** The epoch is over, and its losses are settled. */
  end(): void;
}

/**
 * Fails an epoch with too many bad and lost records. Of a data set, and of each source of a mixture, no more than 1 % may be:
 * records that are there and cannot be used, and those that a damaged or missing shard would have held, as
 * {@linkcode shardLedger} estimates them. Records without a picture do not count.
 *
 * It fails as soon as there are more of the whole source, or so many among those seen (at least 100, and four standard
 * deviations above 1 %) that there surely will be; where the length is not known, at the epoch's end. One bad record alone
 * never fails; a shard that is lost does where nobody can say what it held.
 *
 * @param sources What is watched: one data set, or a mixture's sources.
 * @param epoch For messages; null for a pass that is no epoch.
 * @param processes How many processes share the records; a ledger counts for all of them.
 */
export function badWatch(sources: readonly Watched[], epoch: number | null, processes = 1): BadWatch {
  const all = sources.map((source) => sourceWatch(source, epoch, processes));
  return {
    seen: (part) => all[part].seen(),
    bad: (part, record) => all[part].bad(record),
    lost: (part, news) => all[part].lost(news),
    end: () => all.forEach((watch) => watch.end()),
  };
}

function sourceWatch({ uri, length, ledger, repeats }: Watched, epoch: number | null, processes: number) {
  const known = new Set<string>(), losses = new Map<string, Loss>();
  let seen = 0, bad = 0, lost = 0, last: BadRecord | null = null;
  const size = () => {
    const total = ledger?.total() ?? null;
    return length ?? (total === null ? null : total / processes);
  };
  const fail = (of: number): never => {
    throw new BadLimitError(lost > 0 ? lossText(of) : badText(of), lost > 0);
  };
  const badText = (of: number) =>
    `${uri}: ${bad} of the first ${seen} pictures${
      epoch === null ? "" : ` of epoch ${epoch}`
    } are bad, more than ${MAX_BAD * 100} % of ` +
    `${Math.round(of)}; the last is ${last?.key}: ${last?.reason}. Repair or remove them`;
  const lossText = (of: number) =>
    `${uri}: about ${Math.round(lost * processes)} of ${Math.round(of * processes)} pictures are lost` +
    `${bad > 0 ? ` and ${bad} bad` : ""}${epoch === null ? "" : ` in epoch ${epoch}`}, more than ${
      MAX_BAD * 100
    } %: ` +
    `${lossList([...losses.values()])}. Repair or replace these shards, or leave them out`;
  const tooMany = (of: number) => bad + lost > Math.max(1, MAX_BAD * of);
  return {
    seen: () => void seen++,
    bad(record: BadRecord) {
      last = record;
      const name = `${record.source}\0${record.key}`;
      if (repeats && known.size < known.add(name).size) bad = known.size;
      if (!repeats) bad++;
      const expected = MAX_BAD * seen;
      const early = seen >= 100 && bad > expected + 4 * Math.sqrt(expected);
      if ((length !== null && tooMany(length)) || early) fail(length ?? seen);
    },
    lost(news: LossNews) {
      losses.set(news.shard, news);
      lost += news.more / processes;
      const of = size();
      if (lost > 0 && of !== null && tooMany(of)) fail(of);
    },
    end() {
      const unknown = ledger?.unknown() ?? [];
      if (unknown.length > 0) {
        throw new BadLimitError(
          `${uri}: no shard could be read whole, so nobody can say how many pictures are lost: ` +
            `${lossList(unknown)}. Repair or replace these shards, or leave them out`,
          true,
        );
      }
      const of = (lost > 0 ? size() : length) ?? seen + lost;
      if (tooMany(of)) fail(of);
    },
  };
}

/** Shards in a message, the first of them with their reasons. */
export function lossList(losses: readonly Loss[]): string {
  const shown = losses.slice(0, 5).map(({ shard, came, lost, reason }) =>
    `${shard}: ${reason} (${came} pictures came, ${lost === null ? "others are" : `about ${lost} are`} lost)`
  );
  return shown.join("; ") + (losses.length > 5 ? `; and ${losses.length - 5} more` : "");
}

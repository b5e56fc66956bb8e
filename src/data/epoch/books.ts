import { BadRecordError, LostRecordsError } from "../types.ts";
import { BadLimitError, type BadWatch, badWatch } from "./bad_limit.ts";
import { cameCounter, type CamePage } from "./came.ts";
import type { BadRecord, EpochReader, Origin, Step } from "./epoch.ts";
import type { LossNews } from "./shard_ledger.ts";

/** Keeps the books of a stream: what came of each record, for whoever is told, for the limit, and for the batches. */
export interface EpochBooks {
  begin(epoch: number): void;
  /** Enters what came of a place in the order; a good record is read when it is part of a batch. */
  enter(step: Step<unknown>): void;
  /** Good records have gone into a batch. */
  read(from: readonly Origin[]): void;
  /** Records that fill no batch: good ones, and by index those behind the last batch, which nobody has looked at. */
  left(count: number): void;
  /** Ends the epoch. */
  end(): void;
  /** What was entered since the last page, and the bad records so far. */
  page(): CamePage & { bad: number };
}

/** What is done with bad records. */
export interface BooksOptions {
  onBad?: "skip" | "fail";
  onBadRecord?: (bad: BadRecord) => void;
  process?: { index: number; count: number };
  /** Bad records before. */
  bad?: number;
  /** It is a pass of its own, no epoch of a run. */
  alone?: boolean;
  /** Told when there are too many. Default: it is thrown. */
  onLimit?: (error: BadLimitError) => void;
}

/**
 * Opens the books.
 *
 * @param reader Whose steps are entered.
 * @param options What is done with bad records. Entering one throws under `fail`, and when there are too many.
 */
export function epochBooks(
  reader: Pick<EpochReader<unknown>, "parts">,
  options: BooksOptions,
): EpochBooks {
  const { onBad, onBadRecord, onLimit, alone, process = { index: 0, count: 1 } } = options;
  let { bad = 0 } = options;
  const { parts } = reader, counter = cameCounter();
  let epoch = 0, watch: BadWatch | null = null, told = 0;
  const repeats = parts.length > 1;
  /** This process's part of a number. */
  const mine = (count: number) => Math.floor((count + process.count - 1 - process.index) / process.count);

  const limited = (check: () => void) => {
    try {
      check();
    } catch (error) {
      if (!(error instanceof BadLimitError)) throw error;
      if (onLimit) return onLimit(error);
      error.page = counter.take();
      throw error;
    }
  };
  const lose = (part: number, news: LossNews, counted: boolean) => {
    const { shard, reason, first } = news, told = (news.lost ?? 0) - news.more;
    const count = mine(news.lost ?? 0) - mine(told);
    if (!counted) {
      const error = new LostRecordsError(shard, reason);
      if (onBad === "fail") throw error;
      bad += count;
      counter.add({ epoch, part, shard, fate: "lost", count, why: reason });
      if (first) onBadRecord?.({ source: shard, key: error.key, reason, lost: news.lost ?? undefined });
    }
    limited(() => watch!.lost(part, news));
  };
  return {
    begin(number) {
      epoch = number;
      for (const { ledger } of parts) ledger?.begin();
      watch = badWatch(parts.map((part) => ({ ...part, repeats })), alone ? null : epoch, process.count);
    },
    enter(step) {
      if ("shard" in step) {
        const { shard: { part, ...end }, counted } = step;
        if (!counted && !end.lost) counter.shard({ part, shard: end.shard, pictures: end.records });
        for (const news of parts[part].ledger?.ended(end) ?? []) lose(part, news, counted);
        return;
      }
      const { part, shard } = step.from;
      watch!.seen(part);
      if ("sample" in step) return;
      const { source, key, reason, withoutPicture } = step.bad;
      const fate = withoutPicture ? "withoutPicture" : "bad";
      if (fate === "bad" && onBad === "fail") throw new BadRecordError(source, key, reason);
      // What a stream tells of while it is read, all processes are told, and each counts its part.
      const own = step.places === 1 || told++ % process.count === process.index;
      if (own) counter.add({ epoch, part, shard, fate, count: 1, why: reason, key });
      if (fate === "withoutPicture") return;
      if (own) bad++;
      onBadRecord?.(step.bad);
      limited(() => watch!.bad(part, step.bad));
    },
    read: (from) => from.forEach((one) => counter.add({ epoch, ...one, fate: "read", count: 1 })),
    left(count) {
      if (count > 0) counter.add({ epoch, part: 0, fate: "left", count });
    },
    end() {
      parts.forEach(({ ledger }, part) => {
        for (const news of ledger?.settled() ?? []) lose(part, news, false);
      });
      limited(() => watch!.end());
    },
    page: () => ({ bad, ...counter.take() }),
  };
}

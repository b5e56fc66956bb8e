import type { DataAccount } from "../data/epoch/account.ts";
import type { Data } from "../data/open/data.ts";
import { type BadRecord, streamBatches } from "../data/stream.ts";
import type { Batch, Cursor } from "../data/types.ts";
import type { ViewOptions } from "../views/sample.ts";
import type { RunConfig } from "./config/settings.ts";
import { shareOf, type ShareSettings } from "./run/plan.ts";

/** The settings that batches depend on. A whole run configuration is one. */
export type BatchSettings =
  & ShareSettings
  & ViewOptions
  & Pick<
    RunConfig,
    "imageSize" | "seed" | "onBad" | "concurrency" | "workers" | "prefetch" | "shuffleBuffer"
  >
  & Partial<Pick<RunConfig, "epochPictures">>;

/**
 * This process's part of a run's batches, from a place on and without an end.
 *
 * @param place Where the run goes on, how many bad pictures it has met before, and what came of the data until then.
 * @param reserve Batches that the caller has in hand beside the one that it works on.
 * @param onBadRecord Told of each that is met.
 */
export function trainBatches(
  config: BatchSettings,
  source: Data,
  place: { cursor: Cursor; bad: number; account?: DataAccount },
  reserve: number,
  onBadRecord: (record: BadRecord) => void,
): AsyncIterator<Batch, void> {
  const { batchSize, process } = shareOf(config);
  return streamBatches(source, {
    imageSize: config.imageSize,
    batchSize,
    seed: config.seed,
    views: config,
    from: place.cursor,
    onBad: config.onBad,
    onBadRecord,
    bad: place.bad,
    account: place.account,
    epochPictures: config.epochPictures,
    concurrency: config.concurrency,
    workers: config.workers,
    prefetch: config.prefetch,
    // A batch is copied to the device before the next is asked for.
    keep: 2 + reserve,
    process,
    shuffleBuffer: config.shuffleBuffer,
  })[Symbol.asyncIterator]();
}

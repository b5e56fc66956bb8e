import { checkViews, type ViewOptions } from "../views/sample.ts";
import type { DataAccount } from "./epoch/account.ts";
import type { BadRecord } from "./epoch/epoch.ts";
import { type Data, dataLength, dataObjects, dataUri } from "./open/data.ts";
import { parseProcess } from "./epoch/process_share.ts";
import type { Cursor } from "./types.ts";

/** What a stream of batches is made of. */
export interface StreamOptions {
  /** Side of the base pictures in pixels. */
  imageSize: number;
  /** Pictures in a batch. */
  batchSize: number;
  /** Order and views depend on this, the epoch and the picture's index only. */
  seed: number;
  /** How views are drawn. */
  views: ViewOptions;
  /** Whether batches carry the pictures' classes. Default false. */
  withLabels?: boolean;
  /**
   * Whether batches carry the pictures' annotated objects, of a source that has them (`OpenDataOptions.objects`). Default false.
   */
  withObjects?: boolean;
  /** Where to begin: a batch's `next`. Default: the beginning. */
  from?: Cursor;
  /** What to do with a record that is damaged or cannot be decoded, and with a shard that is lost. Default skip. */
  onBad?: "skip" | "fail";
  /**
   * Called once for each bad record of an epoch, and for each shard that is lost, in the stream's order. Not for records by
   * index behind an epoch's last batch: they are left out, whatever they are.
   */
  onBadRecord?: (bad: BadRecord) => void;
  /** Bad records that were counted before `from`; `Batch.bad` goes on from there. Default 0. */
  bad?: number;
  /**
   * Pictures that a stream holds, as far as is known: what a lost shard would have held is estimated by it until other shards
   * have been read. Default, also for 0: nobody knows.
   */
  epochPictures?: number;
  /** What was counted before `from`: shards of a stream that give fewer pictures than they did then have lost some. */
  account?: DataAccount;
  /** Records read and decoded at once. Default, also for 0: sixteen times the cores. */
  concurrency?: number;
  /** Threads that decode. Default, also for 0: as many as cores. */
  workers?: number;
  /**
   * This process's part of the data, for data parallel training: all parts are disjoint and equally long. Also as text,
   * `0/4`; empty: all of it.
   */
  process?: { index: number; count: number } | string;
  /** Records that a stream is shuffled in; sources with random access are shuffled as a whole. Default 1,000. */
  shuffleBuffer?: number;
  /** Bytes of the records in that buffer. Default 256 MiB. */
  shuffleBytes?: number;
  /** Finished batches that may wait. Default 2. */
  prefetch?: number;
  /**
   * How many batches keep their pictures, the newest counted: `base` of older ones is used again for new ones, and may be shared
   * memory. For consumers who are done with a batch soon: no picture is copied then, no memory cleared or collected. Default: all.
   */
  keep?: number;
  /** Larger pictures count as bad. Default as in {@linkcode decodePicture}. */
  maxPixels?: number;
  /**
   * When all base pictures of a source with random access fit in so many bytes, they are kept, and each is decoded once a
   * run instead of once an epoch. Default 256 MiB; 0 keeps none.
   */
  cacheBytes?: number;
}

/** The default of {@linkcode StreamOptions.cacheBytes}. */
export const CACHE_BYTES = 256 * 2 ** 20;

/** Options with the process's part as numbers, and how many records are processed at once. */
export type ReadOptions = StreamOptions & { process?: { index: number; count: number }; concurrency: number };

/**
 * Fills in what was left to defaults, and checks all of it.
 *
 * @throws {TypeError} When there are no options.
 * @throws {RangeError} When an option is out of range or does not suit the data; names it.
 */
export function readOptions(data: Data, given: StreamOptions): ReadOptions {
  if (typeof given !== "object" || given === null) {
    throw new TypeError("a stream needs options: at least imageSize, batchSize, seed and views");
  }
  const { process } = given;
  const options = {
    ...given,
    process: typeof process === "string" ? processFrom(process) : process,
    concurrency: given.concurrency === undefined || given.concurrency === 0
      ? 16 * navigator.hardwareConcurrency
      : given.concurrency,
  };
  checkOptions(data, options);
  return options;
}

const processFrom = (text: string) => text === "" ? undefined : parseProcess(text);

function checkOptions(data: Data, options: ReadOptions): void {
  const { imageSize, batchSize, seed, from, views, process } = options;
  const length = dataLength(data);
  const whole = (name: string, value: number, least: number, most = 2 ** 32 - 1) => {
    if (!(Number.isInteger(value) && value >= least && value <= most)) {
      throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`);
    }
  };
  const number = (name: string, value: number) => {
    if (!(value >= 0)) throw new RangeError(`${name} must be a number from 0 up, not ${value}`);
  };
  whole("batch size", batchSize, 1);
  whole("image size", imageSize, 1, 65535);
  whole("seed", seed, 0);
  whole("concurrency", options.concurrency, 1);
  whole("workers", options.workers ?? 0, 0, 1024);
  whole("prefetch", options.prefetch ?? 1, 1);
  whole("keep", options.keep ?? 1, 1);
  whole("epoch pictures", options.epochPictures ?? 0, 0, Number.MAX_SAFE_INTEGER);
  whole("shuffle buffer", options.shuffleBuffer ?? 1, 1);
  whole("shuffle bytes", options.shuffleBytes ?? 1, 1, Number.MAX_SAFE_INTEGER);
  if (process) {
    whole("the number of processes", process.count, 1);
    whole("the process", process.index, 0, process.count - 1);
  }
  if (options.onBad !== undefined && options.onBad !== "skip" && options.onBad !== "fail") {
    throw new RangeError(`onBad must be "skip" or "fail", not ${JSON.stringify(options.onBad)}`);
  }
  if (from) {
    whole("the cursor's epoch", from.epoch, 0);
    whole("the cursor's position", from.position, 0, length ?? Number.MAX_SAFE_INTEGER);
  }
  number("cache bytes", options.cacheBytes ?? 0);
  number("max pixels", options.maxPixels ?? 0);
  whole("bad records so far", options.bad ?? 0, 0, Number.MAX_SAFE_INTEGER);
  checkViews(views);
  if (views.imageSize !== imageSize) {
    throw new RangeError(`views are drawn for ${views.imageSize} pixels, base pictures have ${imageSize}`);
  }
  if (options.withObjects && !dataObjects(data).objects) {
    throw new RangeError(
      `${
        dataObjects(data).lacking.join(", ")
      }: has no annotated objects; open it with objects, which COCO's format and ` +
        "packs of it have",
    );
  }
  if (length === null) return;
  const mine = Math.floor(length / (process?.count ?? 1));
  if (batchSize <= mine) return;
  if (mine === 0) {
    throw new RangeError(
      length === 0
        ? `${dataUri(data)}: the data set has no picture`
        : `${dataUri(data)}: the data set of ${length} pictures cannot be divided among ${
          process!.count
        } processes`,
    );
  }
  const whose = process && process.count > 1 ? `, of which a process has ${mine}` : "";
  throw new RangeError(
    `${
      dataUri(data)
    }: a batch of ${batchSize} is larger than the data set of ${length} pictures${whose}; take a batch ` +
      `size of at most ${mine}`,
  );
}

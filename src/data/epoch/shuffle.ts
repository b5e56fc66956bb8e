import { randomStream } from "../../random.ts";
import { permutation } from "./permutation.ts";
import { closable } from "../io/reader/closable.ts";
import {
  type BadRecordError,
  type ImageRecord,
  LostRecordsError,
  NoPictureError,
  type PassedOver,
} from "../types.ts";

/** How a shard is read. */
export interface OpenShardOptions {
  /** Breaks off, also while waiting for a server. */
  signal?: AbortSignal;
  /** Told of each bad record, and of a damaged shard, whose rest is then passed over. Default: it is thrown. */
  onBad?: (error: BadRecordError) => void;
  /** Told of a shard that has ended well, but so that more might have followed. */
  onDoubt?: (doubt: ShardDoubt) => void;
}

/** Why a shard that ended well may lack records. What other shards hold tells whether it does. */
export interface ShardDoubt {
  /**
   * `odd`: something else stands behind the last record. `unmarked`: the mark of its end is missing, which says nothing
   * where all shards lack it.
   */
  kind: "odd" | "unmarked";
  reason: string;
}

/** Where records come from when they can only be read in order, shard by shard. */
export interface StreamSource {
  /** What the user named. */
  readonly uri: string;
  /**
   * What opens it again: its kind, its name and its options, as words for `openData` without secrets. Without it: `uri`.
   */
  readonly words?: string;
  /** Class names; empty when the source has no labels or does not know their names. */
  readonly labels: readonly string[];
  /** Names of the shards. */
  readonly shards: readonly string[];
  /** Reads one shard from the front. Stopping early closes files and connections. */
  open(shard: string, options?: OpenShardOptions): AsyncIterable<ImageRecord>;
  /** What has been passed over so far, in the shards that were read. Without it: nothing, or nobody counts. */
  passedOver?(): PassedOver[];
  /** Closes what is still open. Safe to call twice. */
  close(): Promise<void>;
}

/** A shard that has been read as far as it can be. */
export interface ShardEnd {
  /** Which source of a mix it belongs to; 0 for a source alone. */
  part: number;
  shard: string;
  /** Records that came, the bad ones among them. */
  records: number;
  /** Why others did not come. */
  lost?: LostRecordsError;
  /** Why others may be missing. */
  doubt?: ShardDoubt;
}

/** How {@linkcode streamRecords} orders and shares out records. */
export interface StreamRecordsOptions extends Pick<OpenShardOptions, "signal"> {
  /**
   * Told of each bad record, and which source of a mix it is from; without `onShard` also of a shard that is lost. Default:
   * it is thrown.
   */
  onBad?: (error: BadRecordError, part: number) => void;
  /** Told of each shard when it has been read, and so of one that is lost, in whole or in part. */
  onShard?: (end: ShardEnd) => void;
  /** The run's seed. */
  seed: number;
  /** The epoch; each has an order of its own. */
  epoch: number;
  /** Records held to draw from; 1 keeps the shards' own order. Default 1,000. */
  shuffleBuffer?: number;
  /** Bytes of pictures held to draw from; where this is less than `shuffleBuffer` records, it decides. Default 256 MiB. */
  shuffleBytes?: number;
  /** This process's part: records `index`, `index + count`, `index + 2 count` … of the common order. */
  process?: { index: number; count: number };
  /** How many of this process's records to pass over, for a resumed run. Default 0. */
  skip?: number;
  /** Take shards in the listed order. Default false. */
  keepOrder?: boolean;
}

const SHUFFLE_BYTES = 256 * 2 ** 20;

/** A record and the source of a mix that it is from; 0 for a source alone. */
export interface PartRecord {
  record: ImageRecord;
  part: number;
}

/** A record and its place in the epoch's order, the same in every process and every run. */
export interface PlacedRecord extends PartRecord {
  place: number;
}

/**
 * One epoch of a stream-only source: shards in an order permuted by seed and epoch, records drawn from a bounded buffer.
 * The order depends on seed, epoch, the buffer's sizes and the shards alone.
 *
 * Every process reads every shard and keeps its part, so that parts are disjoint and equally long without a count of the
 * records beforehand; up to `count − 1` records at the end of an epoch are left out.
 *
 * @param source Where records come from.
 * @param options Order, part, and where to begin.
 * @throws {RangeError} For impossible options.
 */
export function streamRecords(
  source: StreamSource,
  options: StreamRecordsOptions,
): AsyncGenerator<PlacedRecord, void, void> {
  checkStreamOptions(options);
  const records = async function* (signal: AbortSignal): AsyncGenerator<PartRecord, void, void> {
    for await (const record of orderedRecords(source, { ...options, signal })) yield { record, part: 0 };
  };
  return closable((signal) => deal(records(signal), options), options.signal);
}

/**
 * The whole order of an epoch of a stream-only source, of which {@linkcode streamRecords} gives a process its part.
 *
 * @param source Where records come from.
 * @param options Seed, epoch and the buffer's sizes.
 * @param part Which source of a mix it is, for `onBad` and `onShard`.
 */
export function orderedRecords(
  source: StreamSource,
  options: StreamRecordsOptions,
  part = 0,
): AsyncGenerator<ImageRecord, void, void> {
  return closable((signal) => buffered(shards(source, options, part, signal), options), options.signal);
}

/**
 * Deals records out to processes and passes over those that this process already had.
 *
 * @param records The whole order.
 * @param options Process and skip.
 */
export async function* deal(
  records: AsyncIterable<PartRecord>,
  options: Pick<StreamRecordsOptions, "process" | "skip">,
): AsyncGenerator<PlacedRecord, void, void> {
  const { index, count } = options.process ?? { index: 0, count: 1 }, skip = options.skip ?? 0;
  let place = 0, passed = 0;
  let mine: PlacedRecord | undefined;
  for await (const record of records) {
    if (place % count === index) mine = { ...record, place };
    // Only whole rounds count, so that every process gets the same number.
    if (++place % count === 0 && mine) {
      const ready = mine;
      mine = undefined;
      if (passed++ >= skip) yield ready;
    }
  }
}

/**
 * Checks options.
 *
 * @throws {RangeError} Naming the first that cannot be.
 */
export function checkStreamOptions(options: StreamRecordsOptions): void {
  const { shuffleBuffer = 1000, shuffleBytes = SHUFFLE_BYTES, skip = 0 } = options;
  const { index, count } = options.process ?? { index: 0, count: 1 };
  for (
    const [name, value, least] of [
      ["shuffleBuffer", shuffleBuffer, 1],
      ["shuffleBytes", shuffleBytes, 1],
      ["skip", skip, 0],
      ["process.count", count, 1],
      ["process.index", index, 0],
    ] as const
  ) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(`${name} must be a whole number of at least ${least}, not ${value}`);
    }
  }
  if (index >= count) throw new RangeError(`process ${index} of ${count} does not exist; they count from 0`);
}

async function* shards(
  source: StreamSource,
  options: StreamRecordsOptions,
  part: number,
  signal: AbortSignal,
): AsyncGenerator<ImageRecord, void, void> {
  const { length } = source.shards, { onBad, onShard } = options;
  if (length === 0) return;
  const order = options.keepOrder ? (i: number) => i : permutation(length, options.seed, options.epoch);
  for (let i = 0; i < length; i++) {
    const shard = source.shards[order(i)];
    let records = 0, lost: LostRecordsError | undefined, doubt: ShardDoubt | undefined;
    const told = (error: BadRecordError) => {
      if (error instanceof LostRecordsError && onShard) lost = error;
      else if (!onBad) throw error;
      else {
        if (!(error instanceof LostRecordsError || error instanceof NoPictureError)) records++;
        onBad(error, part);
      }
    };
    const onDoubt = (one: ShardDoubt) => void (doubt = one);
    const reading = { signal, onBad: onBad || onShard ? told : undefined, onDoubt };
    for await (const record of source.open(shard, reading)) {
      records++;
      yield record;
    }
    onShard?.({ part, shard, records, ...(lost && { lost }), ...(doubt && { doubt }) });
  }
}

/** Draws at random from a buffer bounded in records and bytes. */
async function* buffered(
  records: AsyncGenerator<ImageRecord, void, void>,
  { seed, epoch, shuffleBuffer: most = 1000, shuffleBytes: mostBytes = SHUFFLE_BYTES }: StreamRecordsOptions,
): AsyncGenerator<ImageRecord, void, void> {
  const random = randomStream(seed, "shuffle", epoch);
  const held: ImageRecord[] = [];
  let bytes = 0;
  const draw = (): ImageRecord => {
    const record = random.draw(held);
    bytes -= record.bytes.length;
    return record;
  };
  for await (const record of records) {
    held.push(record);
    bytes += record.bytes.length;
    while (held.length >= most || (bytes > mostBytes && held.length > 0)) yield draw();
  }
  while (held.length > 0) yield draw();
}

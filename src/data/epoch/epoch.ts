import { pictureOrigin } from "../origin.ts";
import { map, range } from "../iter.ts";
import { mixRecords } from "./mix_records.ts";
import { dataSources, dataUri, type OpenedData } from "../open/data.ts";
import { type Part, part } from "./process_share.ts";
import { permutation } from "./permutation.ts";
import { closable } from "../io/reader/closable.ts";
import { type ShardLedger, shardLedger } from "./shard_ledger.ts";
import { type PlacedRecord, type ShardEnd, streamRecords } from "./shuffle.ts";
import { type BadRecordError, type Cursor, type ImageRecord, NoPictureError, type Source } from "../types.ts";

/** A record that was skipped. */
export interface BadRecord {
  source: string;
  key: string;
  reason: string;
  /** It has no picture, and is no fault. */
  withoutPicture?: true;
  /** It stands for so many, about: the rest of a shard that is lost. */
  lost?: number;
}

/** Where a record is from: which source of a mixture, 0 for a source alone, and which shard of that. */
export interface Origin {
  part: number;
  shard?: string;
}

/** What comes of one place in an epoch's order. `places`: how far the cursor moves, 0 for what no cursor counts. */
export type Step<T> =
  | { sample: T; from: Origin; places: 1 }
  | { bad: BadRecord; from: Origin; places: 0 | 1 }
  // `counted`: it stands before the cursor, and was counted when that was reached.
  | { shard: ShardEnd; counted: boolean; places: 0 };

/** Reads epochs of a data set in the order that seed and epoch give. */
export interface EpochReader<T> {
  uri: string;
  /** Records of an epoch for this process, or null where nobody knows before its end. */
  length: number | null;
  /** The sources of a mixture, or the one source. Lengths as above. */
  parts: readonly DataPart[];
  /**
   * Reads an epoch from a place on. `held` tells how many samples wait for a batch, so that no more is read of a source
   * with random access than batches are made of.
   */
  read(cursor: Cursor, held: () => number): AsyncGenerator<Step<T>, void, void>;
  /** The cursor after so many places. */
  after(cursor: Cursor): Cursor;
}

/** What an epoch is read by. */
export interface EpochOptions<T> {
  seed: number;
  batchSize: number;
  /** Records in work at once. */
  concurrency: number;
  process?: { index: number; count: number };
  shuffleBuffer?: number;
  shuffleBytes?: number;
  /** Pictures that a stream holds, as far as the user knows. */
  epochPictures?: number;
  /** What shards of a source held when they were read before. */
  knownShards?: (part: number, shards: readonly string[]) => ReadonlyMap<string, number>;
  /** Makes a sample of what `open` gives; a bad record is a result. */
  load: (index: number, open: () => Promise<ImageRecord>, place?: Source["place"]) => Promise<T | BadRecord>;
  /** Told of each sample that was read ahead, by index, and is not wanted: its epoch was left before. */
  drop?: (sample: T) => void;
}

/** Reads by index: each epoch a permutation, of which a process takes its part; a cursor costs nothing. */
export function randomEpochs<T extends object>(source: Source, options: EpochOptions<T>): EpochReader<T> {
  const { seed, batchSize, concurrency, load, drop, process } = options;
  const share: Part = process
    ? part(source.length, process.index, process.count)
    : part(source.length, 0, source.length > 0 ? 1 : 0);
  const n = share.length, parts = dataParts({ access: "random", source });
  return {
    uri: source.uri,
    length: n,
    parts: parts.map(({ uri, length }) => ({ uri, length: length! / (process?.count ?? 1) })),
    async *read({ epoch, position }, held) {
      const order = permutation(source.length, seed, epoch), ahead = new Set<T>();
      const loadAt = async (place: number): Promise<Step<T>> => {
        const index = order(share.place(place)), from = pictureOrigin(source, index);
        const item = await load(index, () => source.get(index), source.place?.bind(source));
        if (!("reason" in item)) ahead.add(item);
        return stepOf(item, from);
      };
      try {
        while (true) {
          // Only as many as still fill whole batches if all are good; more when some were not.
          const wanted = Math.floor((held() + n - position) / batchSize) * batchSize - held();
          if (wanted <= 0) return;
          for await (const step of map(range(position, position + wanted), loadAt, concurrency)) {
            position++;
            if ("sample" in step) ahead.delete(step.sample);
            yield step;
          }
        }
      } finally {
        for (const sample of ahead) drop?.(sample);
      }
    },
    after: ({ epoch, position }) =>
      n - position < batchSize ? { epoch: epoch + 1, position: 0 } : { epoch, position },
  };
}

function stepOf<T extends object>(item: T | BadRecord, from: Origin): Step<T> {
  return "reason" in item ? { bad: item, from, places: 1 } : { sample: item, from, places: 1 };
}

/** A bad record of a source as what is told of it. */
export function badRecordOf(error: BadRecordError): BadRecord {
  const { source, key, reason } = error;
  return { source, key, reason, ...(error instanceof NoPictureError && { withoutPicture: true as const }) };
}

type Streamed = Exclude<OpenedData, { access: "random" }>;

/** A source that data is made of. */
export interface DataPart {
  uri: string;
  /** Records; null where nobody knows before the end. */
  length: number | null;
  /** Of a stream: what its shards gave. */
  ledger?: ShardLedger;
}

/** The sources that data is made of: those of a mixture, or the one; streams with an account of their shards. */
export function dataParts(
  data: OpenedData,
  { epochPictures, knownShards }: Pick<EpochOptions<unknown>, "epochPictures" | "knownShards"> = {},
): DataPart[] {
  if (data.access === "random") {
    const { uri, length, parts = [{ uri, length }] } = data.source;
    return parts.map(({ uri, length }) => ({ uri, length }));
  }
  return dataSources(data).map((source, part) => {
    if ("get" in source) return { uri: source.uri, length: source.length };
    const { uri, shards } = source, known = knownShards?.(part, shards);
    // What the user says of a mixture says little of one of its sources.
    const promised = data.access === "stream" && epochPictures ? epochPictures : undefined;
    return { uri, length: null, ledger: shardLedger({ shards: shards.length, promised, known }) };
  });
}

/** Where a record is from, as it says itself or its error does. */
export function originOf(parts: readonly DataPart[], part: number, source?: string): Origin {
  const { uri, ledger } = parts[part];
  return source === undefined || (!ledger && source === uri) ? { part } : { part, shard: source };
}

/** Reads in order through a shuffle buffer; a cursor is reached by passing over records without decoding. */
export function streamEpochs<T extends object>(data: Streamed, options: EpochOptions<T>): EpochReader<T> {
  const { seed, concurrency, load, process, shuffleBuffer, shuffleBytes } = options;
  const parts = dataParts(data, options);
  type Told = Extract<Step<T>, { places: 0 | 1; bad: BadRecord } | { shard: ShardEnd }>;
  type Item = { record: PlacedRecord } | { told: Told };
  async function* items({ epoch, position }: Cursor, signal: AbortSignal): AsyncGenerator<Item, void, void> {
    // Bad records are told of while others are read; they keep their place before the next good one.
    let told: Told[] = [];
    const reading = {
      seed,
      epoch,
      process,
      shuffleBuffer,
      shuffleBytes,
      signal,
      onBad: (error: BadRecordError, part: number) =>
        void told.push({ bad: badRecordOf(error), from: originOf(parts, part, error.source), places: 0 }),
      onShard: (shard: ShardEnd) => void told.push({ shard, counted: false, places: 0 }),
    };
    const records = data.access === "mixed"
      ? mixRecords(data.parts, { ...reading, concurrency })
      : streamRecords(data.source, reading);
    const takeTold = (counted: boolean): Item[] => {
      const before = told;
      told = [];
      // What stands before the cursor was counted when it was reached; of shards the limit must know all the same.
      if (!counted) return before.map((one) => ({ told: one }));
      return before.flatMap((one) => "shard" in one ? [{ told: { ...one, counted } }] : []);
    };
    let passed = 0;
    try {
      for await (const record of records) {
        const counted = passed++ < position;
        yield* takeTold(counted);
        if (!counted) yield { record };
      }
    } finally {
      // An error may come of a shard that is lost.
      if (!signal.aborted) yield* takeTold(false);
    }
  }
  const step = async (item: Item): Promise<Step<T>> => {
    if ("told" in item) return item.told;
    const { record, place, part } = item.record;
    return stepOf(await load(place, () => Promise.resolve(record)), originOf(parts, part, record.source));
  };
  return {
    uri: dataUri(data),
    length: null,
    parts,
    read: (cursor) => map(closable((signal) => items(cursor, signal)), step, concurrency),
    after: (cursor) => cursor,
  };
}

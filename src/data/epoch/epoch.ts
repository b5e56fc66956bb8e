import { map, range } from "../iter.ts";
import { mixRecords } from "./mix.ts";
import { dataUri } from "../open/data.ts";
import type { OpenedData } from "../open/data.ts";
import { type Part, part } from "./process_share.ts";
import { permutation } from "./permutation.ts";
import { closable } from "../io/reader/closable.ts";
import { type PlacedRecord, streamRecords } from "./shuffle.ts";
import type { BadRecordError, Cursor, ImageRecord, Source } from "../types.ts";

/** A record that was skipped. */
export interface BadRecord {
  source: string;
  key: string;
  reason: string;
}

/** What comes of one place in an epoch's order. `places`: how far the cursor moves, 0 for what no cursor counts. */
export type Step<T> = { sample: T; places: 1 } | { bad: BadRecord; places: 0 | 1 };

/** Reads epochs of a data set in the order that seed and epoch give. */
export interface EpochReader<T> {
  uri: string;
  /** Records of an epoch for this process, or null where nobody knows before its end. */
  length: number | null;
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
  /** Makes a sample of what `open` gives; a bad record is a result. */
  load: (index: number, open: () => Promise<ImageRecord>, place?: Source["place"]) => Promise<T | BadRecord>;
}

/** Reads by index: each epoch a permutation, of which a process takes its part; a cursor costs nothing. */
export function randomEpochs<T extends object>(source: Source, options: EpochOptions<T>): EpochReader<T> {
  const { seed, batchSize, concurrency, load, process } = options;
  const share: Part = process
    ? part(source.length, process.index, process.count)
    : part(source.length, 0, source.length > 0 ? 1 : 0);
  const n = share.length;
  return {
    uri: source.uri,
    length: n,
    async *read({ epoch, position }, held) {
      const order = permutation(source.length, seed, epoch);
      while (true) {
        // Only as many as still fill whole batches if all are good; more when some were not.
        const wanted = Math.floor((held() + n - position) / batchSize) * batchSize - held();
        if (wanted <= 0) return;
        const loadAt = (place: number) => {
          const index = order(share.place(place));
          return load(index, () => source.get(index), source.place?.bind(source));
        };
        for await (const item of map(range(position, position + wanted), loadAt, concurrency)) {
          position++;
          yield stepOf(item);
        }
      }
    },
    after: ({ epoch, position }) =>
      n - position < batchSize ? { epoch: epoch + 1, position: 0 } : { epoch, position },
  };
}

function stepOf<T extends object>(item: T | BadRecord): Step<T> {
  return "reason" in item ? { bad: item, places: 1 } : { sample: item, places: 1 };
}

/** Reads in order through a shuffle buffer; a cursor is reached by passing over records without decoding. */
export function streamEpochs<T extends object>(
  data: Exclude<OpenedData, { access: "random" }>,
  options: EpochOptions<T>,
): EpochReader<T> {
  const { seed, concurrency, load, process, shuffleBuffer, shuffleBytes } = options;
  type Item = { record: PlacedRecord } | { bad: BadRecord };
  async function* items({ epoch, position }: Cursor, signal: AbortSignal): AsyncGenerator<Item, void, void> {
    // Bad records are told of while others are read; they keep their place before the next good one.
    let told: BadRecord[] = [];
    const onBad = ({ source, key, reason }: BadRecordError) => void told.push({ source, key, reason });
    const reading = { seed, epoch, process, shuffleBuffer, shuffleBytes, signal, onBad };
    const records = data.access === "mixed"
      ? mixRecords(data.parts, { ...reading, concurrency })
      : streamRecords(data.source, reading);
    let passed = 0;
    for await (const record of records) {
      const before = told;
      told = [];
      // What stands before the cursor was counted when it was reached.
      if (passed++ < position) continue;
      for (const bad of before) yield { bad };
      yield { record };
    }
    for (const bad of told) yield { bad };
  }
  const step = async (item: Item): Promise<Step<T>> => {
    if ("bad" in item) return { bad: item.bad, places: 0 };
    const { record, place } = item.record;
    return stepOf(await load(place, () => Promise.resolve(record)));
  };
  return {
    uri: dataUri(data),
    length: null,
    read: (cursor) => map(closable((signal) => items(cursor, signal)), step, concurrency),
    after: (cursor) => cursor,
  };
}

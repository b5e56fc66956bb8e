/** From records to decoded samples, epoch after epoch. */
import type { Decoder } from "./decode/decoder.ts";
import { knownShards } from "./epoch/account.ts";
import {
  type BadRecord,
  badRecordOf,
  type EpochOptions,
  type EpochReader,
  randomEpochs,
  streamEpochs,
} from "./epoch/epoch.ts";
import { type Data, dataLength, dataUri, openedOf } from "./open/data.ts";
import { CACHE_BYTES, type ReadOptions } from "./stream_options.ts";
import { BadRecordError, type ImageRecord, PictureError, type Source } from "./types.ts";

/** A decoded record. */
export interface Sample {
  index: number;
  key: string;
  label?: number;
  base: Uint8Array;
  /** True when it stays in memory for the next epochs. */
  kept?: boolean;
}

type Load = EpochOptions<Sample>["load"];

/**
 * Epochs of decoded samples. A data set that fits into the cache stays decoded in memory once it is read.
 *
 * @param data Not closed.
 * @param decoder Makes the base pictures; not closed.
 */
export function sampleReader(
  data: Data,
  options: ReadOptions,
  decoder: Decoder,
): EpochReader<Sample> {
  const opened = openedOf(data), uri = dataUri(data), length = dataLength(data);
  const drop = (sample: Sample) => giveBack(decoder, sample);
  const load: Load = (index, open, place) => {
    // If the source does not list the classes, only the record tells its class.
    const told: Source["place"] = (index) => {
      const where = place?.(index);
      return where && options.withLabels && where.label === undefined ? null : where ?? null;
    };
    return loadSample(uri, index, options.withLabels ? () => numbered(open, uri) : open, told, decoder);
  };
  if (opened.access !== "random") {
    const { account } = options;
    const known = account &&
      ((part: number, shards: readonly string[]) => knownShards(account, part, shards));
    return streamEpochs(opened, { ...options, knownShards: known, load });
  }
  const cacheable = length! * options.imageSize ** 2 * 3 <= (options.cacheBytes ?? CACHE_BYTES);
  if (!cacheable) return randomEpochs(opened.source, { ...options, load, drop });
  const known: Sample[] = new Array(length!);
  return randomEpochs(opened.source, {
    ...options,
    drop,
    load: async (index, open, place) => {
      if (known[index]) return known[index];
      const sample = await load(index, open, place);
      // Bad records are read again each epoch, so that they are counted and named each epoch.
      if ("reason" in sample) return sample;
      const base = sample.base.slice();
      decoder.reuse(sample.base);
      return known[index] = { ...sample, base, kept: true };
    },
  });
}

/** Gives back a sample's memory when nobody needs it any more, unless it stays for the next epochs. */
export function giveBack(decoder: Decoder, { base, kept }: Sample): void {
  if (!kept) decoder.reuse(base);
}

/** A record whose class, if it has one, is a number. */
async function numbered(open: () => Promise<ImageRecord>, uri: string): Promise<ImageRecord> {
  const record = await open();
  if (record.className === undefined) return record;
  throw new Error(
    `${uri}: a picture is of class "${record.className}", and which classes there are is not known before all is read; ` +
      "give their names (labels), or pack the pictures first",
  );
}

/** Reads and decodes one record. A bad record is a result; other errors are thrown. */
async function loadSample(
  uri: string,
  index: number,
  open: () => Promise<ImageRecord>,
  place: Source["place"],
  decoder: Decoder,
): Promise<Sample | BadRecord> {
  let key: string | null = null, source = uri;
  try {
    const where = decoder.reads ? place?.(index) : null;
    if (where) {
      const made = await decoder.baseAt(where.at);
      if (made) return { index, key: where.key ?? made.key ?? "", label: where.label, base: made.base };
    }
    const record = await open();
    key = record.key;
    source = record.source ?? uri;
    return { index, key, label: record.label, base: await decoder.base(record.bytes) };
  } catch (error) {
    if (error instanceof BadRecordError) return badRecordOf(error);
    if (key === null || !(error instanceof PictureError)) throw error;
    return { source, key, reason: error.message };
  }
}

import { contentCounter } from "./content.ts";
import { openDecoder } from "./decode/decoder.ts";
import type { DataAccount } from "./epoch/account.ts";
import { type BadRecord, badRecordOf } from "./epoch/epoch.ts";
import { type OnePass, onePass, type Reached } from "./epoch/one_pass.ts";
import { map } from "./iter.ts";
import { resizedObjects } from "./objects.ts";
import { type Data, dataLabels, dataObjects, dataPassedOver, dataUri, openedOf } from "./open/data.ts";
import { decodePicture, type PictureFormat } from "./picture/decode.ts";
import { BadRecordError, type PassedOver, PictureError, type PictureObjects } from "./types.ts";
import { requireWhole } from "../text/whole.ts";

/** How a data set is looked at. */
export interface ReportOptions {
  /** Side of the base pictures that the pass makes. Default 224. */
  imageSize?: number;
  /** Records to look at. Default: all. */
  count?: number;
  /** Pictures on the contact sheet. Default 64. */
  sheet?: number;
  /** Side of a picture on it. Default 96. */
  sheetSize?: number;
  /** Called now and then. */
  progress?: (done: number) => void;
}

/** What a data set holds. */
export interface DataReport {
  uri: string;
  /** By index in any order, or as a stream. */
  access: "random" | "stream" | "mixed";
  /** Records that were looked at, the bad ones among them, and how many there are where that is known without looking. */
  seen: number;
  total: number | null;
  bad: number;
  /** What came of the records, by source and by shard. */
  account: DataAccount;
  /** Why training stops with this data: more than 1 % of it is bad, or lost with damaged shards. */
  refusal: string | null;
  /** The first bad ones. */
  examples: BadRecord[];
  /** Bytes of the files. */
  bytes: number;
  formats: Partial<Record<PictureFormat, number>>;
  /** Pixels, of a sample of the pictures. */
  width: Sizes | null;
  height: Sizes | null;
  /** Class names and how many pictures each has; pictures without one. */
  labels: { name: string; count: number }[];
  unlabelled: number;
  /** Annotated objects, crowds among them, and the pictures that show any; null where the data set was not opened with objects. */
  objects: { count: number; crowds: number; pictures: number } | null;
  /** What the source passed over: labels that are no class, files that are no pictures. */
  passedOver: PassedOver[];
  /** Of the pass: reading, decoding, resizing to base pictures on all cores. */
  seconds: number;
  /** Base pictures of the contact sheet, `sheetSize` on a side, evenly from the pass. */
  sheet: Uint8Array[];
  sheetSize: number;
  /** The objects of each, in pixels of the sheet's pictures, where there are lists of them. */
  sheetObjects: (PictureObjects | undefined)[];
}

/** Smallest, middle and largest. */
export interface Sizes {
  min: number;
  median: number;
  max: number;
}

/** Bad records that are told of. */
const EXAMPLES = 10;

/** A picture of the sample: its size, and how the sheet shows it. */
interface Shown {
  width: number;
  height: number;
  picture: Uint8Array;
  objects?: PictureObjects;
}

/** A picture in so many is decoded at its full size, to be measured and shown. */
function sampler(most: number) {
  let every = 1, seen = 0;
  const kept: Shown[] = [];
  return {
    /** Whether the next picture is in the sample; the sample stays smaller than twice `most`, evenly spread. */
    wants: () => seen++ % every === 0,
    add(one: Shown) {
      kept.push(one);
      if (kept.length < 2 * most) return;
      for (let i = 0; i < most; i++) kept[i] = kept[2 * i];
      kept.length = most;
      every *= 2;
    },
    kept,
  };
}

/** A record, and whether it belongs to the sample. */
type Chosen = Reached & { shown: boolean };

/** The first records. */
async function* reads(
  pass: OnePass,
  count: number,
  wants: () => boolean,
): AsyncGenerator<Chosen, void, void> {
  if (count <= 0) return;
  let read = 0;
  for await (const record of pass.records()) {
    yield { ...record, shown: wants() };
    if (++read >= count) return;
  }
}

/** Opens what looks at records: all are read and decoded to base pictures, those of the sample are measured and made small too. */
function openLooker(uri: string, imageSize: number, sheetSize: number) {
  const decoder = openDecoder({ size: imageSize }), small = openDecoder({ size: sheetSize, workers: 1 });
  return {
    async look({ read, from, shown, objects: lookUp }: Chosen) {
      let key = "", source = uri;
      try {
        const record = await read();
        key = record.key;
        source = record.source ?? uri;
        decoder.reuse(await decoder.base(record.bytes));
        const objects = lookUp?.();
        if (!shown) return { from, record, objects };
        const { width, height } = await decodePicture(record.bytes), picture = await small.base(record.bytes);
        const moved = objects && { objects: resizedObjects(objects, sheetSize, sheetSize) };
        return { from, record, objects, shown: { width, height, picture, ...moved } };
      } catch (error) {
        if (error instanceof BadRecordError) return { from, bad: badRecordOf(error) };
        if (!(error instanceof PictureError)) throw error;
        return { from, bad: { source, key, reason: error.message } };
      }
    },
    close() {
      decoder.close();
      small.close();
    },
  };
}

function sizesOf(values: number[]): Sizes | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return { min: sorted[0], median: sorted[sorted.length >> 1], max: sorted[sorted.length - 1] };
}

/**
 * Looks at every picture of a data set once: what there is, what is bad, how fast it can be read.
 *
 * @param data What {@linkcode openData} gives. Not closed.
 * @returns The report. Memory does not grow with the data set.
 * @throws {RangeError} When an option is no whole number, or a side is below 1.
 */
export async function reportData(data: Data, options: ReportOptions = {}): Promise<DataReport> {
  const { imageSize = 224, count = Infinity, sheet = 64, sheetSize = 96, progress } = options;
  for (const [name, value] of Object.entries({ count, sheet })) {
    if (value !== Infinity) requireWhole(name, value, 0);
  }
  const opened = openedOf(data), uri = dataUri(data), examples: BadRecord[] = [];
  const sample = sampler(Math.max(1, sheet)), content = contentCounter();
  let looked = 0, refusal: string | null = null;
  const pass = onePass(data, {
    onBadRecord({ source, key, reason }) {
      if (examples.length < EXAMPLES) examples.push({ source, key, reason });
    },
    onLimit: ({ message }) => refusal = message,
  });
  const { look, close } = openLooker(uri, imageSize, sheetSize), start = performance.now();
  try {
    const records = reads(pass, count, sample.wants);
    for await (const result of map(records, look, 4 * navigator.hardwareConcurrency)) {
      looked++;
      progress?.(looked);
      pass.enter(result.from, result.bad);
      if (result.bad) continue;
      content.add(result.record, result.objects);
      if (result.shown) sample.add(result.shown);
    }
    // What comes behind the first few is not known.
    if (looked < count) pass.end();
  } finally {
    close();
  }
  const seconds = (performance.now() - start) / 1000, account = pass.account();
  const { bytes, formats, labels, unlabelled, objects } = content.counted(dataLabels(data));
  const { kept } = sample, step = Math.max(1, kept.length / Math.max(1, sheet));
  const onSheet = Array.from({ length: Math.min(sheet, kept.length) }, (_, i) => kept[Math.floor(i * step)]);
  return {
    uri,
    access: opened.access,
    // What a source that is read in order says of itself, such as a null, does not come here as a record.
    seen: account.read + account.bad + account.withoutPicture,
    total: opened.access === "random" ? opened.source.length : null,
    bad: account.bad,
    account,
    refusal,
    examples,
    bytes,
    formats,
    width: sizesOf(kept.map(({ width }) => width)),
    height: sizesOf(kept.map(({ height }) => height)),
    labels,
    unlabelled,
    objects: dataObjects(data).objects ? objects : null,
    passedOver: dataPassedOver(data),
    seconds,
    ...{ sheet: onSheet.map(({ picture }) => picture), sheetSize },
    sheetObjects: onSheet.map(({ objects }) => objects),
  };
}

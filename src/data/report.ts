import { decodePicture, type PictureFormat, sniff } from "./picture/decode.ts";
import { openDecoder } from "./decode/decoder.ts";
import type { DataAccount } from "./epoch/account.ts";
import { type BadRecord, badRecordOf } from "./epoch/epoch.ts";
import { type OnePass, onePass, type Reached } from "./epoch/one_pass.ts";
import { map } from "./iter.ts";
import { byCodeUnits } from "./io/paths.ts";
import { resizedObjects } from "./objects.ts";
import { type Data, dataLabels, dataObjects, dataPassedOver, dataUri, openedOf } from "./open/data.ts";
import { classColour, outline } from "./picture/drawing.ts";
import { BadRecordError, type PassedOver, PictureError, type PictureObjects } from "./types.ts";

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

/** Counts annotated objects. */
function objectCounter() {
  const counted = { count: 0, crowds: 0, pictures: 0 };
  return {
    add({ classes, crowd }: PictureObjects) {
      counted.count += classes.length;
      counted.crowds += crowd.reduce((sum, is) => sum + is, 0);
      counted.pictures += Number(classes.length > 0);
    },
    counted,
  };
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
 */
export async function reportData(data: Data, options: ReportOptions = {}): Promise<DataReport> {
  const { imageSize = 224, count = Infinity, sheet = 64, sheetSize = 96, progress } = options;
  const opened = openedOf(data), uri = dataUri(data);
  const examples: BadRecord[] = [],
    formats: DataReport["formats"] = {},
    labels = new Map<number | string, number>();
  const sample = sampler(Math.max(1, sheet));
  let seen = 0, bytes = 0, unlabelled = 0, refusal: string | null = null;
  const pass = onePass(data, {
    onBadRecord({ source, key, reason }) {
      if (examples.length < EXAMPLES) examples.push({ source, key, reason });
    },
    onLimit: ({ message }) => refusal = message,
  });
  const decoder = openDecoder({ size: imageSize }), small = openDecoder({ size: sheetSize, workers: 1 });
  const start = performance.now();
  const found = objectCounter();
  const look = async ({ read, from, shown, objects: lookUp }: Reached & { shown: boolean }) => {
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
  };
  try {
    const records = reads(pass, count, sample.wants);
    for await (const result of map(records, look, 4 * navigator.hardwareConcurrency)) {
      seen++;
      progress?.(seen);
      pass.enter(result.from, result.bad);
      if (result.bad) continue;
      const { record, shown, objects } = result, format = sniff(record.bytes)!;
      bytes += record.bytes.length;
      formats[format] = (formats[format] ?? 0) + 1;
      const label = record.label ?? record.className;
      if (label === undefined) unlabelled++;
      else labels.set(label, (labels.get(label) ?? 0) + 1);
      if (objects) found.add(objects);
      if (shown) sample.add(shown);
    }
    // What comes behind the first few is not known.
    if (seen < count) pass.end();
  } finally {
    decoder.close();
    small.close();
  }
  const seconds = (performance.now() - start) / 1000, account = pass.account();
  const names = dataLabels(data), { kept } = sample, step = Math.max(1, kept.length / Math.max(1, sheet));
  const onSheet = Array.from({ length: Math.min(sheet, kept.length) }, (_, i) => kept[Math.floor(i * step)]);
  return {
    uri,
    access: opened.access,
    seen,
    total: opened.access === "random" ? opened.source.length : null,
    bad: account.bad,
    account,
    refusal,
    examples,
    bytes,
    formats,
    width: sizesOf(kept.map(({ width }) => width)),
    height: sizesOf(kept.map(({ height }) => height)),
    labels: [...labels].sort(([a], [b]) => compareLabels(a, b)).map(([label, count]) => ({
      name: typeof label === "number" ? names[label] ?? String(label) : label,
      count,
    })),
    unlabelled,
    objects: dataObjects(data).objects ? found.counted : null,
    passedOver: dataPassedOver(data),
    seconds,
    ...{ sheet: onSheet.map(({ picture }) => picture), sheetSize },
    sheetObjects: onSheet.map(({ objects }) => objects),
  };
}

/** Classes by their numbers, then those that are known by name only. */
function compareLabels(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return byCodeUnits(a, b);
  return typeof a === "number" ? -1 : 1;
}

/** The first records; `shown` where one belongs to the sample. */
async function* reads(
  pass: OnePass,
  count: number,
  wants: () => boolean,
): AsyncGenerator<Reached & { shown: boolean }, void, void> {
  if (count <= 0) return;
  let read = 0;
  for await (const record of pass.records()) {
    yield { ...record, shown: wants() };
    if (++read >= count) return;
  }
}

/**
 * The contact sheet of a report as one picture, in rows; with the boxes of objects in a colour for each class, those of crowds white.
 *
 * @returns RGB bytes; null when there is no picture.
 */
export function contactSheet(
  { sheet, sheetSize: size, sheetObjects = [] }:
    & Pick<DataReport, "sheet" | "sheetSize">
    & Partial<Pick<DataReport, "sheetObjects">>,
): { width: number; height: number; data: Uint8Array } | null {
  if (sheet.length === 0) return null;
  const columns = Math.ceil(Math.sqrt(sheet.length)), rows = Math.ceil(sheet.length / columns), gap = 2;
  const width = columns * (size + gap) - gap, height = rows * (size + gap) - gap;
  const data = new Uint8Array(width * height * 3).fill(255);
  sheet.forEach((picture, i) => {
    const left = (i % columns) * (size + gap), top = Math.floor(i / columns) * (size + gap);
    for (let y = 0; y < size; y++) {
      data.set(picture.subarray(y * size * 3, (y + 1) * size * 3), ((top + y) * width + left) * 3);
    }
    const { boxes, classes, crowd } = sheetObjects[i] ?? { classes: [] };
    classes.forEach((kind, n) => {
      const edges = Array.from({ length: 4 }, (_, k) => boxes![4 * n + k] + (k % 2 === 0 ? left : top));
      outline({ width, height, data }, edges, crowd![n] ? [255, 255, 255] : classColour(kind));
    });
  });
  return { width, height, data };
}

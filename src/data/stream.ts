import { packView } from "../views/pack.ts";
import { sampleView, type ViewOptions } from "../views/sample.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import { decodePicture } from "./decode.ts";
import { map, prefetch, range } from "./iter.ts";
import { permutation } from "./permutation.ts";
import { basePicture } from "./resize.ts";
import { BadRecordError, type Batch, type Cursor, PictureError, type Source } from "./types.ts";

/** Share of a data set that may be bad before a run fails. */
export const MAX_BAD = 0.01;

/** A record that was skipped. */
export interface BadRecord {
  source: string;
  key: string;
  reason: string;
}

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
  /** Where to begin: a batch's `next`. Default: the beginning. */
  from?: Cursor;
  /** What to do with a record that is damaged or cannot be decoded. Default skip. */
  onBad?: "skip" | "fail";
  /** Called once for each bad record of an epoch, in the stream's order. */
  onBadRecord?: (bad: BadRecord) => void;
  /** Bad records that were counted before `from`; `Batch.bad` goes on from there. Default 0. */
  bad?: number;
  /** Records read and decoded at once. Default, also for 0: twice the cores, at least 4. */
  concurrency?: number;
  /** Finished batches that may wait. Default 2. */
  prefetch?: number;
  /** Larger pictures count as bad. Default as in {@linkcode decodePicture}. */
  maxPixels?: number;
  /**
   * When all base pictures fit in so many bytes, they are kept, and each is decoded once a run in place of once an epoch.
   * Default 256 MiB; 0 keeps none.
   */
  cacheBytes?: number;
}

/** The default of {@linkcode StreamOptions.cacheBytes}. */
export const CACHE_BYTES = 256 * 2 ** 20;

/** A decoded record. */
interface Sample {
  index: number;
  key: string;
  base: Uint8Array;
}

/**
 * Streams batches of base pictures and sampled views, epoch after epoch without end.
 *
 * Each epoch has an order of its own; its last pictures that do not fill a batch are left out, as in SPEC §7. Bad
 * records are skipped and their places filled from the rest of the epoch. What is delivered depends only on the source,
 * the seed and the cursor: never on timing or `concurrency`. Going on from any batch's `next` gives the same rest.
 *
 * @param source Records by index. Not closed; keep it open until the iteration has ended.
 * @param options See {@linkcode StreamOptions}.
 * @returns Batches. Stopping early ends all reading before `return()` resolves.
 * @throws RangeError at once for a batch larger than the source or an option out of range; Error while iterating when a
 * record is bad under `fail`, or more than 1 % of the source (and more than one record) is bad.
 * @example A folder of pictures as batches of view pairs.
 * ```ts
 * import { DEFAULT_VIEWS, openSource, streamBatches, unpackView, VIEW_FIELDS } from "../../mod.ts";
 * import assert from "node:assert/strict";
 *
 * // Usually there is one already; here it is made of two tiny pictures.
 * const folder = await Deno.makeTempDir();
 * const gif = await (await fetch("data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=")).bytes();
 * for (const name of ["one.gif", "two.gif"]) await Deno.writeFile(`${folder}/${name}`, gif);
 *
 * const source = await openSource(folder);
 * const views = { ...DEFAULT_VIEWS, imageSize: 64 };
 * for await (const batch of streamBatches(source, { imageSize: 64, batchSize: 2, seed: 0, views })) {
 *   assert.equal(batch.base.length, 2 * 64 * 64 * 3); // The pictures' bytes.
 *   assert.equal(batch.views.length, 2 * 2 * VIEW_FIELDS); // All of view 1, then all of view 2.
 *   const { crop, flip } = unpackView(batch.views, 2 * VIEW_FIELDS); // The first picture's view 2.
 *   assert.ok(crop.left + crop.width <= 64 && typeof flip === "boolean");
 *   if (batch.epoch === 3) break; // The stream has no end of its own.
 * }
 * await source.close();
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function streamBatches(source: Source, options: StreamOptions): AsyncGenerator<Batch, void, void> {
  const concurrency = options.concurrency || Math.max(4, 2 * navigator.hardwareConcurrency);
  checkOptions(source, { ...options, concurrency });
  return prefetch(batches(source, options, concurrency), options.prefetch ?? 2);
}

function checkOptions(source: Source, options: StreamOptions): void {
  const { imageSize, batchSize, seed, from, views } = options;
  const whole = (name: string, value: number, least: number, most = 2 ** 32 - 1) => {
    if (!(Number.isInteger(value) && value >= least && value <= most)) {
      throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`);
    }
  };
  whole("batch size", batchSize, 1);
  whole("image size", imageSize, 1, 65535);
  whole("seed", seed, 0);
  whole("concurrency", options.concurrency ?? 1, 1);
  whole("prefetch", options.prefetch ?? 1, 1);
  if (from) {
    whole("the cursor's epoch", from.epoch, 0);
    whole("the cursor's position", from.position, 0, source.length);
  }
  if (views.imageSize !== imageSize) {
    throw new RangeError(`views are drawn for ${views.imageSize} pixels, base pictures have ${imageSize}`);
  }
  if (batchSize > source.length) {
    throw new RangeError(
      `${source.uri}: a batch of ${batchSize} is larger than the data set of ${source.length} pictures; take a batch ` +
        `size of at most ${source.length}`,
    );
  }
}

async function* batches(
  source: Source,
  options: StreamOptions,
  concurrency: number,
): AsyncGenerator<Batch, void, void> {
  const { batchSize, seed } = options;
  const n = source.length;
  const cacheable = n * options.imageSize ** 2 * 3 <= (options.cacheBytes ?? CACHE_BYTES);
  const known: Sample[] | null = cacheable ? new Array(n) : null;
  const sampleAt = async (index: number) => {
    if (known?.[index]) return known[index];
    const sample = await load(source, index, options);
    // Bad records are read again each epoch, so that they are counted and named each epoch.
    if (known && !("reason" in sample)) known[index] = sample;
    return sample;
  };
  let { epoch, position } = options.from ?? { epoch: 0, position: 0 };
  let bad = options.bad ?? 0;
  for (;; epoch++, position = 0) {
    const order = permutation(n, seed, epoch);
    const watch = badWatch(source, epoch);
    let samples: Sample[] = [], made = position > 0;
    while (true) {
      // Only as many as still fill whole batches if all are good; more when some were not.
      const wanted = Math.floor((samples.length + n - position) / batchSize) * batchSize - samples.length;
      if (wanted <= 0) break;
      const places = range(position, position + wanted);
      for await (const item of map(places, (place) => sampleAt(order(place)), concurrency)) {
        position++;
        watch.seen();
        if ("reason" in item) {
          if (options.onBad === "fail") throw new BadRecordError(item.source, item.key, item.reason);
          bad++;
          options.onBadRecord?.(item);
          watch.bad(item);
          continue;
        }
        samples.push(item);
        if (samples.length < batchSize) continue;
        made = true;
        yield assemble(samples, options, epoch, cursorAfter(epoch, position, n, batchSize), bad);
        samples = [];
      }
    }
    if (!made) throw new Error(`${source.uri}: too few good pictures for one batch of ${batchSize}`);
  }
}

function cursorAfter(epoch: number, position: number, n: number, batchSize: number): Cursor {
  return n - position < batchSize ? { epoch: epoch + 1, position: 0 } : { epoch, position };
}

/**
 * Fails an epoch with too many bad records: as soon as they are more than 1 % of the whole source, or so many among those
 * seen (at least 100, and four standard deviations above 1 %) that they surely will be. One bad record alone never fails.
 */
function badWatch(source: Source, epoch: number) {
  let seen = 0, bad = 0;
  return {
    seen: () => void seen++,
    bad(last: BadRecord) {
      bad++;
      const expected = MAX_BAD * seen;
      const certain = bad > Math.max(1, MAX_BAD * source.length);
      const early = seen >= 100 && bad > expected + 4 * Math.sqrt(expected);
      if (!certain && !early) return;
      throw new Error(
        `${source.uri}: ${bad} of the first ${seen} pictures of epoch ${epoch} are bad, more than ` +
          `${
            MAX_BAD * 100
          } % of ${source.length}; the last is ${last.key}: ${last.reason}. Repair or remove them`,
      );
    },
  };
}

/** Reads and decodes one record. What is wrong with the record is a result; other errors are thrown. */
async function load(source: Source, index: number, options: StreamOptions): Promise<Sample | BadRecord> {
  let key: string | null = null;
  try {
    const record = await source.get(index);
    key = record.key;
    const picture = await decodePicture(record.bytes, { maxPixels: options.maxPixels });
    return { index, key, base: basePicture(picture, options.imageSize) };
  } catch (error) {
    if (error instanceof BadRecordError) return { source: source.uri, key: error.key, reason: error.reason };
    if (key === null || !(error instanceof PictureError)) throw error;
    return { source: source.uri, key, reason: error.message };
  }
}

/** Puts decoded pictures side by side and draws their views. */
function assemble(
  samples: Sample[],
  options: StreamOptions,
  epoch: number,
  next: Cursor,
  bad: number,
): Batch {
  const { imageSize, seed, views: viewOptions } = options;
  const pictureBytes = imageSize * imageSize * 3, count = samples.length;
  const base = new Uint8Array(count * pictureBytes);
  const views = new Float32Array(2 * count * VIEW_FIELDS);
  samples.forEach((sample, i) => {
    base.set(sample.base, i * pictureBytes);
    for (const viewNumber of [0, 1] as const) {
      const view = sampleView(viewOptions, seed, epoch, sample.index, viewNumber);
      packView(view, views, (viewNumber * count + i) * VIEW_FIELDS);
    }
  });
  return {
    epoch,
    indices: samples.map((sample) => sample.index),
    keys: samples.map((sample) => sample.key),
    base,
    views,
    next,
    bad,
  };
}

import { packView } from "../views/pack.ts";
import { drawView } from "../views/sample.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import { epochBooks } from "./epoch/books.ts";
import { type Decoder, openDecoder } from "./decode/decoder.ts";
import type { EpochReader, Origin } from "./epoch/epoch.ts";
import { prefetch } from "./iter.ts";
import { type Data, dataObjects } from "./open/data.ts";
import { resizedObjects } from "./objects.ts";
import { giveBack, type Sample, sampleReader } from "./samples.ts";
import { type ReadOptions, readOptions, type StreamOptions } from "./stream_options.ts";
import type { Batch, Source } from "./types.ts";

export type { BadRecord } from "./epoch/epoch.ts";
export type { StreamOptions } from "./stream_options.ts";

/**
 * Streams batches of base pictures and sampled views, epoch after epoch without end.
 *
 * Each epoch has an order of its own; its last pictures that do not fill a batch are left out, as in docs/spec.md §7.
 * Bad records are skipped and their places filled from the rest of the epoch; so are records without a picture, which
 * are not errors. A batch says what came of the records since the one before. What is delivered depends only on the
 * source, the seed and the cursor: never on timing, `concurrency` or `workers`. Going on from any batch's `next` gives
 * the same rest: at once where records can be read by index, and by passing over records without decoding them in a
 * stream.
 *
 * A picture in a batch is named by its index in the source, and in a stream by its place in the epoch's order.
 *
 * @param data What {@linkcode openData} or {@linkcode openSource} gives. Not closed; keep it open until the iteration
 * has ended.
 * @param given See {@linkcode StreamOptions}.
 * @returns Batches. Stopping early ends all reading before `return()` resolves.
 * @throws {RangeError} At once, for a batch larger than the source or an option out of range.
 * @throws {BadRecordError} While iterating, when a record is bad or a shard is lost, under `fail`.
 * @throws {BadLimitError} While iterating, when more than 1 % of a source, and more than one record, is bad or lost with shards, as
 * {@linkcode badWatch} says.
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
export function streamBatches(data: Data, given: StreamOptions): AsyncGenerator<Batch, void, void> {
  const options = readOptions(data, given);
  const { imageSize: size, maxPixels, workers } = options;
  const batches = async function* () {
    const decoder = openDecoder({ size, maxPixels, workers, group: options.batchSize });
    try {
      const objects = options.withObjects ? dataObjects(data).objects : undefined;
      yield* batchesOf(sampleReader(data, options, decoder), options, decoder, objects);
    } finally {
      decoder.close();
    }
  };
  return prefetch(batches(), options.prefetch ?? 2);
}

/** Batches of the good samples of each epoch, with the books of what came of all records. */
async function* batchesOf(
  reader: EpochReader<Sample>,
  options: ReadOptions,
  decoder: Decoder,
  objects: Source["objects"],
): AsyncGenerator<Batch, void, void> {
  const { batchSize, imageSize } = options;
  const join = joiner(options, decoder), books = epochBooks(reader, options);
  let { epoch, position } = options.from ?? { epoch: 0, position: 0 };
  /** Records of an epoch by index that are still to come. */
  const unread = () => reader.length === null ? 0 : reader.length - position;
  for (;; epoch++, position = 0) {
    books.begin(epoch);
    let samples: Sample[] = [], from: Origin[] = [], made = position > 0, ended = false;
    decoder.align();
    for await (const step of reader.read({ epoch, position }, () => samples.length)) {
      position += step.places;
      books.enter(step);
      if (!("sample" in step)) continue;
      samples.push(step.sample);
      from.push(step.from);
      if (samples.length < batchSize) continue;
      made = true;
      const next = reader.after({ epoch, position });
      books.read(from);
      ended = next.epoch > epoch;
      if (ended) books.left(unread());
      const batch = assemble(samples, join(samples), options, { epoch, next, ...books.page() });
      if (objects) {
        batch.objects = samples.map(({ index }) => resizedObjects(objects(index), imageSize, imageSize));
      }
      [samples, from] = [[], []];
      yield batch;
      // Who resumes from here begins the next epoch: nothing more of this one may be counted.
      if (ended) break;
    }
    if (!ended) books.left(samples.length + unread());
    for (const sample of samples) giveBack(decoder, sample);
    books.end();
    if (!made) throw new Error(`${reader.uri}: too few good pictures for one batch of ${batchSize}`);
  }
}

/** Puts the base pictures of each batch side by side in memory. */
function joiner({ batchSize, imageSize, keep = Infinity, prefetch = 2 }: StreamOptions, decoder: Decoder) {
  const bytes = imageSize ** 2 * 3, handed: Uint8Array[] = [], spare: Uint8Array[] = [];
  return (samples: Sample[]): Uint8Array => {
    const parts = samples.map(({ base }) => base);
    let base = keep === Infinity ? null : decoder.together(parts);
    const inPlace = base !== null;
    base ??= spare.pop() ?? new Uint8Array(batchSize * bytes);
    if (!inPlace) {
      for (let i = 0; i < batchSize; i++) {
        base.set(parts[i], i * bytes);
        giveBack(decoder, samples[i]);
      }
    }
    if (keep === Infinity) return base;
    // Besides those kept: the waiting ones, and the one being delivered.
    if (handed.push(base) > keep + prefetch + 1) {
      const old = handed.shift()!;
      if (old.buffer instanceof SharedArrayBuffer) decoder.reuse(old);
      else spare.push(old);
    }
    return base;
  };
}

/** Draws a batch's views. */
function assemble(
  samples: Sample[],
  base: Uint8Array,
  { seed, views: viewOptions, withLabels }: StreamOptions,
  rest: Pick<Batch, "epoch" | "next" | "bad" | "came" | "shards">,
): Batch {
  const count = samples.length;
  const views = new Float32Array(2 * count * VIEW_FIELDS);
  samples.forEach((sample, i) => {
    for (const viewNumber of [0, 1] as const) {
      const view = drawView(viewOptions, seed, rest.epoch, sample.index, viewNumber);
      packView(view, views, (viewNumber * count + i) * VIEW_FIELDS);
    }
  });
  return {
    ...rest,
    indices: samples.map((sample) => sample.index),
    keys: samples.map((sample) => sample.key),
    ...(withLabels && { labels: Int32Array.from(samples, ({ label = -1 }) => label) }),
    base,
    views,
  };
}

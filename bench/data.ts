/**
 * Pictures per second from files to batches with sampled views, beside the decoder alone and PyTorch's loaders, in turn;
 * how fast shards are read; how soon the first batch of a large source comes.
 *
 * The peers render their views on the CPU, because that is how they are used; ours are rendered inside the step.
 */
import { setTimeout as delay } from "node:timers/promises";
import { task } from "../src/cli/command.ts";
import { onOff, whole } from "../src/cli/kinds.ts";
import { decodePicture } from "../src/data/picture/decode.ts";
import { openDecoder } from "../src/data/decode/decoder.ts";
import { openPreparer, type Preparer } from "../src/data/decode/preparer.ts";
import { map, range } from "../src/data/iter.ts";
import { openData, openSource } from "../src/data/open/open_data.ts";
import { type Preparation, preparePicture } from "../src/data/picture/preparation.ts";
import { basePicture } from "../src/data/picture/resize.ts";
import { streamBatches, type StreamOptions } from "../src/data/stream.ts";
import type { Source } from "../src/data/types.ts";
import { DEFAULT_VIEWS } from "../src/views/sample.ts";
import { benchPictures, manyRecords } from "./data_pictures.ts";
import { startLoader } from "./data_peer.ts";
import { decoderAlone } from "./decoder_alone.ts";
import { type Comparison, inTurn, report } from "./measure.ts";

/** Side of the base pictures. */
const SIZE = 224;
const cores = navigator.hardwareConcurrency;

function streamOptions(batchSize: number, size = SIZE): StreamOptions {
  // Nothing is cached, so that every picture is decoded every time; batches are given up as the trainer does.
  const views = { ...DEFAULT_VIEWS, imageSize: size };
  return { imageSize: size, batchSize, seed: 0, views, cacheBytes: 0, keep: 2 };
}

/** A stream that stays open between measurements, as a trainer keeps it. */
function openStream(source: Source, batch: number) {
  const stream = streamBatches(source, streamOptions(batch));
  return {
    /** Takes at least so many images; gives images per second. Batches that were waiting are taken before, and made again after. */
    async run(images: number): Promise<number> {
      for (let ready = 0; ready < 3; ready++) await stream.next();
      const start = performance.now();
      let count = 0;
      while (count < images) {
        await stream.next();
        count += batch;
      }
      const rate = 1000 * count / (performance.now() - start);
      await delay(4 * 1000 * batch / rate);
      return rate;
    },
    close: () => stream.return(),
  };
}

/** Reads every record of a source, again and again up to so many bytes; gives GB per second. */
async function scan(source: Source, least = 5e8): Promise<number> {
  const start = performance.now();
  let bytes = 0;
  const read = async (index: number) => (await source.get(index)).bytes.length;
  while (bytes < least) {
    for await (const length of map(range(0, source.length), read, 16 * cores)) bytes += length;
  }
  return bytes / 1e6 / (performance.now() - start);
}

/** Prepares at least so many pictures for evaluation; gives pictures per second. */
async function prepareAll(preparer: Preparer, files: readonly Uint8Array[], images: number): Promise<number> {
  const start = performance.now(), numbers = range(0, images);
  for await (
    const made of map(numbers, (i) => preparer.make(files[i % files.length]), preparer.concurrency)
  ) {
    preparer.reuse(made);
  }
  return 1000 * images / (performance.now() - start);
}

/** On all cores beside one thread, in turn. */
async function evaluationRow(
  rounds: number,
  files: readonly Uint8Array[],
  images: number,
): Promise<Comparison> {
  const how: Preparation = { kind: "middle", size: SIZE };
  const many = openPreparer(how, Infinity), one = openPreparer((picture) => preparePicture(picture, how), 1);
  for (const preparer of [many, one]) await prepareAll(preparer, files, Math.ceil(images / 4));
  const row = {
    name: "data/evaluation",
    unit: "images/s",
    note: "resized on the calling thread",
    ...await inTurn(rounds, () => prepareAll(many, files, images), () => prepareAll(one, files, images)),
  };
  many.close();
  one.close();
  return row;
}

/** How many levels base pictures are off a decode in full and PIL's resize, on average. */
async function difference(files: readonly Uint8Array[]): Promise<number> {
  const decoder = openDecoder({ size: SIZE });
  let sum = 0;
  for (const file of files) {
    const base = await decoder.base(file), exact = basePicture(await decodePicture(file), SIZE);
    sum += exact.reduce((sum, level, i) => sum + Math.abs(level - base[i]), 0) / exact.length;
    decoder.reuse(base);
  }
  decoder.close();
  return sum / files.length;
}

/** How long the peer's workers may take to fill their queue again, in milliseconds. */
const PEER_RESTS = 3000;

export const benchTask = task({
  name: "bench data",
  summary:
    "Pictures per second of the stream, beside PyTorch's loaders; reading of shards; the first batch of a large source.",
  options: {
    pictures: { kind: whole(1), help: "photographs that are made", default: 1000 },
    images: { kind: whole(1), help: "pictures in a measurement", default: 1000 },
    batch: { kind: whole(1), help: "pictures in a batch", default: 64 },
    rounds: { kind: whole(1), help: "how often each side is measured", default: 5 },
    records: { kind: whole(1), help: "of the large source", default: 1_000_000 },
    alone: { kind: onOff, help: "without PyTorch" },
    json: { kind: onOff, help: "print one JSON object a line" },
  },
}, async ({ pictures, images, batch, rounds, records, alone: byItself, json }, { print, progress }) => {
  const say = (line: string) => progress.line(line);
  const made = await benchPictures(pictures, say);
  say(
    `${made.count} JPEGs of 500 × 375, ${
      (made.bytes / made.count / 1024).toFixed(0)
    } KiB each; ${cores} cores`,
  );
  const rows: Comparison[] = [], folder = await openSource(made.folder);
  const files = await Array.fromAsync(range(0, folder.length), async (i) => (await folder.get(i)).bytes);

  const levels = await difference(files.slice(0, 100));
  rows.push({ name: "data/base/difference", unit: "levels", ours: levels, peer: null, ratio: null });

  let stream = openStream(folder, batch);
  const alone = decoderAlone(files as Uint8Array<ArrayBuffer>[], SIZE, cores);
  await stream.run(images);
  await alone.run(images);
  rows.push({
    name: "data/stream/decoder",
    unit: "images/s",
    note: "libjpeg-turbo alone, all cores",
    ...await inTurn(rounds, () => stream.run(4 * images), () => alone.run(4 * images)),
  });
  await stream.close();
  alone.close();

  rows.push(await evaluationRow(rounds, files, images));

  for (const kind of ["dataloader", "webdataset"] as const) {
    const path = kind === "dataloader" ? made.folder : made.tar;
    const data = await openData(path);
    if (data.access !== "random") throw new Error(`${path} is no source with random access`);
    const peer = byItself ? "left out" : await startLoader(kind, path, { workers: cores, batch });
    stream = openStream(data.source, batch);
    await stream.run(images);
    const result = typeof peer === "string"
      ? await inTurn(rounds, () => stream.run(2 * images))
      : await inTurn(rounds, () => stream.run(2 * images), async () => {
        const figure = await peer.run(Math.ceil(images / 2));
        // Its workers go on making batches ahead; our turn comes when they rest.
        await delay(PEER_RESTS);
        return figure;
      });
    const note = typeof peer === "string" ? peer : peer.about;
    rows.push({ name: `data/stream/${kind}`, unit: "images/s", note, ...result });
    await stream.close();
    await data.source.close();
    if (typeof peer !== "string") await peer.close();
  }
  await folder.close();

  const shards = await openSource(made.shards), raw = await openSource(made.raw);
  await scan(shards);
  rows.push({ name: "data/lmdb/scan", unit: "GB/s", ...await inTurn(rounds, () => scan(shards)) });
  await scan(raw);
  rows.push({ name: "data/raw/scan", unit: "GB/s", ...await inTurn(rounds, () => scan(raw)) });
  stream = openStream(raw, batch);
  await stream.run(2 * batch);
  rows.push({
    name: "data/raw/stream",
    unit: "images/s",
    ...await inTurn(rounds, () => stream.run(10 * images)),
  });
  await stream.close();
  await shards.close();
  await raw.close();

  const many = await manyRecords(records, say);
  const firstBatch = async () => {
    const start = performance.now(), source = await openSource(many);
    const batches = streamBatches(source, streamOptions(batch));
    await batches.next();
    const seconds = (performance.now() - start) / 1000;
    await batches.return();
    await source.close();
    return seconds;
  };
  rows.push({ name: `data/first-batch/${records}`, unit: "s", ...await inTurn(rounds, firstBatch) });
  report(rows, json, print);
});

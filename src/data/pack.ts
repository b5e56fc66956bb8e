import { decodePicture, sniff } from "./picture/decode.ts";
import { openDecoder } from "./decode/decoder.ts";
import { type Destination, newFolder, openDestination } from "../files/destination.ts";
import { type BadRecord, badRecordOf, type Origin } from "./epoch/epoch.ts";
import { onePass, type Reached } from "./epoch/one_pass.ts";
import { map } from "./iter.ts";
import { PARTIAL_ENDING, SHARD_ENDING } from "./sources/shards/read.ts";
import type { ShardWriter } from "./sources/shards/write.ts";
import { type Data, dataLabels, dataLength, dataPassedOver, dataUri } from "./open/data.ts";
import { publishFile } from "../files/publish.ts";
import { join } from "./io/paths.ts";
import { encodePpm } from "./picture/ppm.ts";
import { resize } from "./picture/resize.ts";
import { growingClasses } from "./sources/growing_classes.ts";
import { SHARD_VERSION } from "./sources/shards/format.ts";
import { BadRecordError, type ImageRecord, LOST_KEY, type PassedOver, PictureError } from "./types.ts";

/** How pictures are packed. */
export interface PackOptions {
  /** Bytes of pictures in a shard before the next is begun. Default 1 GiB. */
  shardSize?: number;
  /** How a picture is checked before it is packed: decoded, or only its first bytes. Default decode. */
  check?: "decode" | "sniff";
  /** Pictures read and checked at once. Default: the number of cores, at least 2. */
  concurrency?: number;
  /** Larger pictures are made smaller, their longer side so many pixels, and stored as JPEG. Default: left as they are. */
  maxSide?: number;
  /** Quality of those JPEGs, 1 … 100. Default 90. */
  quality?: number;
  /** Stores the decoded base pictures of this side (docs/spec.md §1.1), instead of the files. Default: the files. */
  raw?: number;
  /** Larger pictures are bad. Default as in {@linkcode decodePicture}. */
  maxPixels?: number;
  /** Called after each picture. */
  progress?: (progress: PackProgress) => void;
  /** Stops the work; what was written is removed. */
  signal?: AbortSignal;
}

/** How far packing has come. */
export interface PackProgress {
  done: number;
  /** Null for a stream. */
  total: number | null;
  /** Bytes packed. */
  bytes: number;
  bad: number;
  shards: number;
}

/** What was packed, and what was not; report.json beside the shards holds the same. */
export interface PackReport {
  version: number;
  source: string;
  /** What was stored of a picture. */
  pictures: string;
  records: number;
  bytes: number;
  shards: number;
  labels: string[];
  /** Pictures left out, by name; a shard that is lost stands for the pictures in it. */
  bad: { key: string; reason: string }[];
  /** Records without a picture, such as nulls in a table. */
  withoutPicture: number;
  /** What the source passed over: labels that are no class, files that are no pictures. */
  passedOver: PassedOver[];
}

/**
 * Packs a data set's pictures into shards, their bytes as they are unless the options say otherwise.
 *
 * All is written to a hidden folder beside `dest`, under names that are never read, synced, and renamed at the end: after
 * an interruption, whenever it comes, `dest` does not exist. The next pack to the same place removes what is left.
 *
 * @param data Pictures: what {@linkcode openData} or {@linkcode openSource} gives; not closed.
 * @param dest A folder that must not exist.
 * @param options Shard size, checks, progress.
 * @returns What was packed and which pictures are bad; those are not packed.
 * @throws {InUseError} Another process packs into `dest`.
 * @throws {Error} `dest` exists or cannot be written, no picture is good, or the signal's reason.
 * @throws {BadLimitError} More than 1 % of the pictures are lost with damaged shards, as {@linkcode badWatch} says.
 */
export async function pack(data: Data, dest: string, options: PackOptions = {}): Promise<PackReport> {
  const { shardSize = 2 ** 30 } = options;
  if (!(shardSize >= 1 && shardSize <= 2 ** 40)) {
    throw new RangeError(`shard size must be 1 byte to 1 TiB, not ${shardSize}`);
  }
  checkSizes(options);
  const destination = await openDestination(newFolder(dest));
  try {
    return await packInto(destination, data, options);
  } finally {
    await destination.close();
  }
}

/** As {@linkcode pack}, into a folder that is published at the end. */
async function packInto(destination: Destination, data: Data, options: PackOptions): Promise<PackReport> {
  const { shardSize = 2 ** 30, concurrency = Math.max(2, navigator.hardwareConcurrency), signal } = options;
  const { folder } = destination;
  const { writeShard } = await import("./sources/shards/write.ts");
  const uri = dataUri(data), total = dataLength(data);
  const report: PackReport = {
    version: SHARD_VERSION,
    source: uri,
    pictures: describePictures(options),
    records: 0,
    bytes: 0,
    shards: 0,
    labels: [],
    bad: [],
    withoutPicture: 0,
    passedOver: [],
  };
  const nameOf = (shard: number) => `shard-${String(shard).padStart(5, "0")}${SHARD_ENDING}`;
  let writer: ShardWriter | null = null;
  const classes = growingClasses(dataLabels(data));
  const finish = async (last: boolean) => {
    report.labels = classes.labels();
    await writer!.finish({
      format: "semantic-ae shard",
      version: SHARD_VERSION,
      source: uri,
      shard: report.shards - 1,
      last,
      labels: report.labels,
    });
    writer = null;
  };
  const pass = onePass(data, {
    onBadRecord: ({ source, key, reason }) =>
      report.bad.push({ key: key === LOST_KEY ? `${source}: ${key}` : key, reason }),
    // Bad pictures are left out and listed, however many there are. Those lost with a shard cannot be named.
    onLimit(error) {
      if (error.lost) throw error;
    },
  });
  const loader = openLoader(options);
  try {
    let done = 0;
    for await (const { from, result } of map(pass.records(), loader.load, concurrency)) {
      signal?.throwIfAborted();
      pass.enter(from, "reason" in result ? result : undefined);
      if (!("reason" in result)) {
        if (writer && writer.bytes > 0 && writer.bytes + result.bytes.length > shardSize) await finish(false);
        writer ??= writeShard(
          join(folder, nameOf(report.shards++) + PARTIAL_ENDING),
          Math.max(shardSize, result.bytes.length),
        );
        writer.add({ ...result, label: classes.number(result) });
        report.records++;
        report.bytes += result.bytes.length;
      }
      options.progress?.({
        done: ++done,
        total,
        bytes: report.bytes,
        bad: report.bad.length,
        shards: report.shards,
      });
    }
    pass.end();
    if (!writer) {
      const { key, reason } = report.bad[0] ?? { key: "nothing", reason: "the source is empty" };
      throw new Error(
        `${uri}: no picture to pack; ${report.bad.length} are bad, the first: ${key}: ${reason}`,
      );
    }
    await finish(true);
    report.withoutPicture = pass.account().withoutPicture;
    report.passedOver = [...dataPassedOver(data), ...classes.passedOver()];
    await publishFile(join(folder, "report.json"), JSON.stringify(report, null, 2) + "\n");
    for (let shard = 0; shard < report.shards; shard++) {
      const finished = join(folder, nameOf(shard));
      await Deno.rename(finished + PARTIAL_ENDING, finished);
    }
    await destination.publish();
    return report;
  } catch (error) {
    await (writer as ShardWriter | null)?.abandon().catch(() => {});
    throw error;
  } finally {
    loader.close();
  }
}

function checkSizes({ maxSide, quality, raw }: PackOptions): void {
  const whole = (name: string, value: number | undefined, most: number) => {
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return;
    throw new RangeError(`${name} must be a whole number from 1 to ${most}, not ${value}`);
  };
  whole("max side", maxSide, 65535);
  whole("quality", quality, 100);
  whole("raw", raw, 65535);
  if (raw !== undefined && maxSide !== undefined) throw new RangeError("raw and max side exclude each other");
  if (quality !== undefined && maxSide === undefined) {
    throw new RangeError("quality is for pictures that are made smaller: give max side too");
  }
}

function describePictures({ maxSide, quality = 90, raw }: PackOptions): string {
  if (raw !== undefined) return `decoded, ${raw} × ${raw}`;
  return maxSide === undefined
    ? "as they were"
    : `at most ${maxSide} pixels, smaller ones as JPEG ${quality}`;
}

/** Checks whether records are pictures, and makes what is stored. */
function openLoader(options: PackOptions) {
  const { maxSide, quality = 90, raw, maxPixels } = options;
  const decoder = raw === undefined ? null : openDecoder({ size: raw, maxPixels });
  const stored = async (bytes: Uint8Array): Promise<Uint8Array> => {
    if (decoder) {
      const data = await decoder.base(bytes), file = encodePpm({ width: raw!, height: raw!, data });
      decoder.reuse(data);
      return file;
    }
    if (maxSide === undefined && options.check === "sniff") {
      if (sniff(bytes) === null) throw new PictureError("no picture in a known format");
      return bytes;
    }
    const picture = await decodePicture(bytes, { maxPixels });
    const longer = Math.max(picture.width, picture.height);
    if (maxSide === undefined || longer <= maxSide) return bytes;
    const side = (pixels: number) => Math.max(1, Math.round(pixels * maxSide / longer));
    const { encodeJpeg } = await import("./picture/sharp.ts");
    return await encodeJpeg(resize(picture, side(picture.width), side(picture.height), "bicubic"), quality);
  };
  return {
    async load({ read, from }: Reached): Promise<{ from: Origin; result: ImageRecord | BadRecord }> {
      let key = "", source = "";
      try {
        const record = await read();
        ({ key, source = "" } = record);
        return { from, result: { ...record, bytes: await stored(record.bytes) } };
      } catch (error) {
        if (error instanceof BadRecordError) return { from, result: badRecordOf(error) };
        if (error instanceof PictureError) return { from, result: { source, key, reason: error.message } };
        // Any other error is not the fault of one picture.
        throw error;
      }
    },
    close: () => decoder?.close(),
  };
}

import { type Destination, newFolder, openDestination } from "../files/destination.ts";
import { publishFile } from "../files/publish.ts";
import { onePass } from "./epoch/one_pass.ts";
import { join } from "./io/paths.ts";
import { map } from "./iter.ts";
import { type Data, dataLabels, dataLength, dataObjects, dataPassedOver, dataUri } from "./open/data.ts";
import { checkSizes, describePictures, openLoader, type StoreOptions } from "./pack_loader.ts";
import { growingClasses } from "./sources/growing_classes.ts";
import { OBJECTS_VERSION, PARTIAL_ENDING, SHARD_ENDING, SHARD_VERSION } from "./sources/shards/format.ts";
import type { ShardWriter } from "./sources/shards/write.ts";
import { type ImageRecord, LOST_KEY, type PassedOver, type PictureObjects } from "./types.ts";

/** How pictures are packed. */
export interface PackOptions extends StoreOptions {
  /** Bytes of pictures in a shard before the next is begun. Default 1 GiB. */
  shardSize?: number;
  /** Pictures read and checked at once. Default: the number of cores, at least 2. */
  concurrency?: number;
  /** Keeps the annotated objects of a source that was opened with them. Default true. */
  objects?: boolean;
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
  /** Annotated objects that were packed; null where the pictures have no lists of them. */
  objects: number | null;
  /** Sources of a mixture that know no objects, for which those of the others were left out. */
  withoutObjects: string[];
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
 * Annotated objects are packed with their pictures where all sources have been opened with them; boxes follow pictures that are made
 * smaller. Such shards are of version 2, others of version 1, which older programs read.
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

/** A report of nothing yet. */
function emptyReport(data: Data, options: PackOptions): PackReport {
  const { objects, having, lacking } = dataObjects(data), keep = options.objects !== false;
  const withObjects = keep && objects !== undefined;
  return {
    version: withObjects ? OBJECTS_VERSION : SHARD_VERSION,
    source: dataUri(data),
    pictures: describePictures(options),
    records: 0,
    bytes: 0,
    shards: 0,
    labels: [],
    objects: withObjects ? 0 : null,
    withoutObjects: keep && having.length > 0 ? lacking : [],
    bad: [],
    withoutPicture: 0,
    passedOver: [],
  };
}

/** Objects of a shard wait in memory until its end: with so many bytes of them, the next shard is begun. */
const MOST_OBJECT_BYTES = 64 * 2 ** 20;

/** Writes records to shards, one after another, and counts them in the report. */
async function shardSeries(folder: string, shardSize: number, report: PackReport, labels: () => string[]) {
  const { writeShard } = await import("./sources/shards/write.ts");
  const nameOf = (shard: number) => `shard-${String(shard).padStart(5, "0")}${SHARD_ENDING}`;
  let writer: ShardWriter | null = null;
  const finish = async (last: boolean) => {
    report.labels = labels();
    await writer!.finish({
      ...{ format: "semantic-ae shard", version: report.version, source: report.source },
      ...{ shard: report.shards - 1, last, labels: report.labels },
    });
    writer = null;
  };
  return {
    async add(record: ImageRecord, objects: PictureObjects | undefined): Promise<void> {
      const { length } = record.bytes;
      const full = writer && writer.bytes > 0 &&
        (writer.bytes + length > shardSize || writer.objectBytes > MOST_OBJECT_BYTES);
      if (full) await finish(false);
      const path = () => join(folder, nameOf(report.shards++) + PARTIAL_ENDING);
      writer ??= writeShard(path(), Math.max(shardSize, length), report.objects !== null);
      writer.add(record, objects);
      report.records++;
      report.bytes += length;
      if (objects) report.objects! += objects.classes.length;
    },
    /** Ends the last shard. */
    end: () => finish(true),
    /** Gives all shards the names by which they are read. */
    async rename(): Promise<void> {
      for (let shard = 0; shard < report.shards; shard++) {
        const finished = join(folder, nameOf(shard));
        await Deno.rename(finished + PARTIAL_ENDING, finished);
      }
    },
    abandon: async () => await writer?.abandon().catch(() => {}),
  };
}

/** As {@linkcode pack}, into a folder that is published at the end. */
async function packInto(destination: Destination, data: Data, options: PackOptions): Promise<PackReport> {
  const { shardSize = 2 ** 30, concurrency = Math.max(2, navigator.hardwareConcurrency), signal } = options;
  const total = dataLength(data), report = emptyReport(data, options);
  const classes = growingClasses(dataLabels(data));
  const shards = await shardSeries(destination.folder, shardSize, report, classes.labels);
  const pass = onePass(data, {
    onBadRecord: ({ source, key, reason }) =>
      report.bad.push({ key: key === LOST_KEY ? `${source}: ${key}` : key, reason }),
    // Bad pictures are left out and listed, however many there are. Those lost with a shard cannot be named.
    onLimit(error) {
      if (error.lost) throw error;
    },
  });
  const loader = openLoader(options, report.objects !== null);
  try {
    let done = 0;
    for await (const { from, result, objects } of map(pass.records(), loader.load, concurrency)) {
      signal?.throwIfAborted();
      const bad = "reason" in result;
      pass.enter(from, bad ? result : undefined);
      if (!bad) await shards.add({ ...result, label: classes.number(result) }, objects);
      options.progress?.({
        ...{ done: ++done, total, bytes: report.bytes },
        ...{ bad: report.bad.length, shards: report.shards },
      });
    }
    pass.end();
    if (report.records === 0) {
      const { key, reason } = report.bad[0] ?? { key: "nothing", reason: "the source is empty" };
      throw new Error(
        `${report.source}: no picture to pack; ${report.bad.length} are bad, the first: ${key}: ${reason}`,
      );
    }
    await shards.end();
    report.withoutPicture = pass.account().withoutPicture;
    report.passedOver = [...dataPassedOver(data), ...classes.passedOver()];
    await publishFile(join(destination.folder, "report.json"), JSON.stringify(report, null, 2) + "\n");
    await shards.rename();
    await destination.publish();
    return report;
  } catch (error) {
    await shards.abandon();
    throw error;
  } finally {
    loader.close();
  }
}

import { readingAhead } from "../../io/read_ahead.ts";
import { filePool } from "../../io/file_pool.ts";
import { requireIndex } from "../../io/compact_lists.ts";
import { findRecord, lastRecord } from "../lmdb/leaves.ts";
import { HEADER_BYTES, type LmdbHeader, readLmdbHeader } from "../lmdb/format.ts";
import { byCodeUnits, join, pathError } from "../../io/paths.ts";
import { DamagedError } from "../../io/reader/chunks.ts";
import { withFileReader } from "../../io/reader/file.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { type Extents, recordExtents } from "./extents.ts";
import {
  decodeManifest,
  decodeRecord,
  hasObjects,
  isManifestKey,
  type Manifest,
  nameEnd,
  nameOf,
  objectsKey,
  withoutChecksum,
} from "./format.ts";
import { decodeObjects } from "./objects.ts";
import { joinClasses, sameClasses } from "../match_classes.ts";
import { BadRecordError, type ImageRecord, type PictureObjects, type Source } from "../../types.ts";

/** Ending of a finished shard. */
export const SHARD_ENDING = ".lmdb";
/** Ending of a shard that is being written; never read. */
export const PARTIAL_ENDING = ".partial";

interface Shard {
  path: string;
  header: LmdbHeader;
  manifest: Manifest;
  /** The file. */
  reader: ByteReader;
  /** Number of its first record in the source. */
  first: number;
  /** From the shard's label numbers to the source's. */
  labels: number[];
  /** The annotated objects of its pictures, where they are wanted and there are some. */
  objects?: (index: number) => PictureObjects;
  /** Read when the shard is first used: a set of many shards opens at once. */
  extents?: Extents;
}

/** Checks a shard's meta pages and manifest; of the rest it reads at most the annotated objects. */
async function inspect(
  path: string,
  withObjects: boolean,
): Promise<Pick<Shard, "header" | "manifest" | "objects">> {
  if (path.endsWith(PARTIAL_ENDING)) {
    throw new Error(`${path}: an unfinished shard, left by a pack that was interrupted; pack again`);
  }
  try {
    return await withFileReader(path, async (file) => {
      const start = await file.read(0, Math.min(file.length, HEADER_BYTES));
      const header = readLmdbHeader(start, file.length);
      if (header.layout.version === 1) {
        throw new Error(
          "an LMDB file of data version 1, as Python's lmdb writes, and no shard of semantic-ae; to read its pictures " +
            "name the file itself",
        );
      }
      const last = await lastRecord(file, header, header);
      if (!last || !isManifestKey(last.key)) {
        throw new Error(
          "an LMDB file without a shard's manifest: unfinished, or not written by `deno task pack`",
        );
      }
      const manifest = decodeManifest(await file.read(last.extent.offset, last.extent.size));
      const records = header.entries - 1 - Number(hasObjects(manifest));
      if (manifest.count !== records) {
        throw new Error(`damaged shard: ${records} records instead of ${manifest.count}`);
      }
      const objects = withObjects && hasObjects(manifest)
        ? await readObjects(file, header, manifest)
        : undefined;
      return { header, manifest, objects };
    });
  } catch (error) {
    if (error instanceof DamagedError || (error instanceof Error && error.constructor === Error)) {
      throw error.message.startsWith(path) ? error : new Error(`${path}: ${error.message}`, { cause: error });
    }
    throw pathError(error, path, "read");
  }
}

/** Reads the annotated objects of a shard's pictures. */
async function readObjects(file: ByteReader, header: LmdbHeader, manifest: Manifest) {
  const found = await findRecord(file, header, header, objectsKey());
  if (!found) throw new DamagedError("damaged shard: its boxes are missing");
  const bytes = withoutChecksum(await file.read(found.extent.offset, found.extent.size));
  if (!bytes) throw new DamagedError("damaged shard: its boxes do not fit their checksum");
  const { count: pictures, objects = 0, labels } = manifest;
  return decodeObjects(bytes, { pictures, objects, classCount: labels.length });
}

/**
 * Refuses a set of which some shards have annotated objects and others have none.
 *
 * @returns Whether all have them.
 */
function allHaveObjects(uri: string, shards: readonly Shard[]): boolean {
  const without = shards.find(({ manifest }) => !hasObjects(manifest));
  const having = shards.find(({ objects }) => objects);
  if (without && having) {
    throw new Error(`${uri}: ${having.path} has boxes and ${without.path} has none; pack all of it again`);
  }
  return having !== undefined;
}

/** Walks a shard's index once and remembers where the values are. */
const extentsOf = ({ path, header, manifest }: Shard): Promise<Extents> =>
  withFileReader(path, (file) => recordExtents(file, header, manifest.count));

/** Refuses a set of shards that is not whole: from shard 0 on, none missing, the last one there. */
function checkSet(folder: string, manifests: Manifest[]): void {
  const numbers = manifests.map((manifest) => manifest.shard);
  const missing = numbers.findIndex((number, i) => number !== i);
  if (missing >= 0) {
    throw new Error(
      `${folder}: shard ${missing} is missing (found: ${
        numbers.join(", ")
      }); copy it again, or name one shard's file ` +
        "to use it alone",
    );
  }
  if (!manifests.at(-1)?.last) {
    throw new Error(
      `${folder}: shards after number ${numbers.length - 1} are missing; copy them or pack again`,
    );
  }
}

/** The classes of all shards; each shard is told the numbers that its own have among them. */
function labelsOf(shards: readonly Shard[]): readonly string[] {
  const lists = shards.map(({ path, manifest }) => ({ uri: path, labels: manifest.labels }));
  const longest = lists.reduce<readonly string[]>(
    (most, { labels }) => labels.length > most.length ? labels : most,
    [],
  );
  // A shard of a stream knows the classes that have come so far, so its list is the beginning of a later one's.
  const growing = lists.every(({ labels }) => sameClasses(labels, longest.slice(0, labels.length)));
  const { labels, numbers } = growing
    ? { labels: longest, numbers: lists.map(({ labels }) => labels.map((_, number) => number)) }
    : joinClasses(lists);
  shards.forEach((shard, i) => shard.labels = numbers[i]);
  return labels;
}

/**
 * Opens shards that `pack` wrote: one shard's file, or a folder of them.
 *
 * Files are read by our own code instead of LMDB's, which maps a file and ends the process where it is damaged. Every
 * record is checked against its checksum.
 *
 * @param uri A shard's path or the folder's.
 * @param paths The shard files. Default: `uri` itself.
 * @param withObjects Whether annotated objects are wanted, of shards that have them: about 37 bytes are kept of each. Default false.
 * @returns A source with random access.
 * @throws {Error} When a file is missing, cut short, damaged in its header, of another format or version, or when a set
 * is not whole.
 */
export async function openShards(
  uri: string,
  paths?: readonly string[],
  withObjects = false,
): Promise<Source> {
  const pool = filePool();
  const shards: Shard[] = [];
  let length = 0, labels: readonly string[], objectsKnown: boolean;
  try {
    for (const path of [...paths ?? [uri]].sort(byCodeUnits)) {
      const inspected = await inspect(path, withObjects), { header } = inspected;
      const reader = readingAhead({
        uri: path,
        length: (header.lastPage + 1) * header.pageSize,
        read: (offset, length) => pool.read(path, offset, length),
        close: () => Promise.resolve(),
      });
      shards.push({ path, ...inspected, reader, first: 0, labels: [] });
    }
    if (paths) {
      shards.sort((a, b) => a.manifest.shard - b.manifest.shard);
      checkSet(uri, shards.map((shard) => shard.manifest));
    }
    labels = labelsOf(shards);
    objectsKnown = allHaveObjects(uri, shards);
  } catch (error) {
    await pool.close();
    throw error;
  }
  for (const shard of shards) {
    shard.first = length;
    length += shard.manifest.count;
  }

  const reading = new Map<Shard, Promise<Extents>>();
  /** A record's shard, where its value lies and, until its own name is known, a name for it. */
  async function find(index: number) {
    requireIndex(uri, index, length);
    const shard = shards.findLast((shard) => shard.first <= index)!;
    const local = index - shard.first, name = `${shard.path}#${local}`;
    if (!shard.extents) {
      if (!reading.has(shard)) reading.set(shard, extentsOf(shard));
      try {
        shard.extents = await reading.get(shard)!;
      } catch (error) {
        throw new BadRecordError(uri, name, error instanceof Error ? error.message : String(error));
      }
    }
    return { shard, name, offset: shard.extents.offsets[local], size: shard.extents.sizes[local] };
  }

  return {
    uri,
    length,
    labels,
    async get(index) {
      const { shard, name, offset, size } = await find(index);
      const value = await shard.reader.read(offset, size);
      let record: ImageRecord;
      try {
        record = decodeRecord(value);
      } catch (error) {
        throw new BadRecordError(uri, name, error instanceof Error ? error.message : String(error));
      }
      if (record.label !== undefined) record.label = shard.labels[record.label];
      return record;
    },
    async key(index) {
      const { shard, name, offset, size } = await find(index);
      let start = await pool.read(shard.path, offset, Math.min(size, 512));
      if (nameEnd(start) > start.length) {
        start = await pool.read(shard.path, offset, Math.min(size, nameEnd(start)));
      }
      try {
        return nameOf(start);
      } catch {
        return name;
      }
    },
    place(index) {
      const shard = shards.findLast((shard) => shard.first <= index);
      if (!shard?.extents || index < 0 || index >= length) return null;
      const local = index - shard.first, { offsets, sizes } = shard.extents;
      return { at: { path: shard.path, offset: offsets[local], length: sizes[local] } };
    },
    ...(objectsKnown && {
      objects(index: number) {
        requireIndex(uri, index, length);
        const shard = shards.findLast((shard) => shard.first <= index)!;
        const found = shard.objects!(index - shard.first);
        return { ...found, classes: found.classes.map((label) => shard.labels[label]) };
      },
    }),
    origin: (index) => ({ part: 0, shard: shards.findLast(({ first }) => first <= index)?.path }),
    async close() {
      for (const { reader } of shards) await reader.close();
      await pool.close();
    },
  };
}

/** The finished shards in a folder, sorted; empty when there are none. */
export async function listShards(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.endsWith(SHARD_ENDING) && !entry.isDirectory) names.push(entry.name);
  }
  return names.sort(byCodeUnits).map((name) => join(folder, name));
}

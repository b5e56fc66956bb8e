import { readingAhead } from "../../io/read_ahead.ts";
import { type FilePool, filePool } from "../../io/file_pool.ts";
import { requireIndex } from "../../io/compact_lists.ts";
import { byCodeUnits, join } from "../../io/paths.ts";
import { withFileReader } from "../../io/reader/file.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { type Extents, recordExtents } from "./extents.ts";
import { namesOfPlaces } from "../places.ts";
import { decodeRecord, nameEnd, nameOf, SHARD_ENDING } from "./format.ts";
import { type InspectedShard, inspectShard } from "./inspect.ts";
import { allHaveObjects, checkSet, joinShardLabels } from "./shard_set.ts";
import { BadRecordError, type ImageRecord, type Source } from "../../types.ts";

interface Shard extends InspectedShard {
  /** The file. */
  reader: ByteReader;
  /** Number of its first record in the source. */
  first: number;
  /** From the shard's label numbers to the source's. */
  labels: number[];
  /** Read when the shard is first used: a set of many shards opens at once. */
  reading?: Promise<Extents>;
  /** Once they have been read. */
  extents?: Extents;
}

/** Shards one behind the other, as the source numbers their records and classes. */
function placed(found: readonly InspectedShard[], numbers: readonly number[][], pool: FilePool): Shard[] {
  let length = 0;
  return found.map((shard, i) => {
    const { path, header, manifest } = shard, first = length;
    length += manifest.count;
    const reader = readingAhead({
      uri: path,
      length: (header.lastPage + 1) * header.pageSize,
      read: (offset, length) => pool.read(path, offset, length),
      close: () => Promise.resolve(),
    });
    return { ...shard, reader, first, labels: numbers[i] };
  });
}

/** Walks a shard's index once and remembers where the values are. */
async function extentsOf(shard: Shard): Promise<Extents> {
  const { path, header, manifest } = shard;
  shard.reading ??= withFileReader(path, (file) => recordExtents(file, header, manifest.count));
  return shard.extents = await shard.reading;
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
  const found: InspectedShard[] = [];
  for (const path of [...paths ?? [uri]].sort(byCodeUnits)) found.push(await inspectShard(path, withObjects));
  if (paths) {
    found.sort((a, b) => a.manifest.shard - b.manifest.shard);
    checkSet(uri, found.map((shard) => shard.manifest));
  }
  return sourceOf(uri, found);
}

/** A source of the records of shards, in the shards' order. */
function sourceOf(uri: string, found: readonly InspectedShard[]): Source {
  const { labels, numbers } = joinShardLabels(found), objectsKnown = allHaveObjects(uri, found);
  const pool = filePool(), shards = placed(found, numbers, pool);
  const length = shards.reduce((sum, { manifest }) => sum + manifest.count, 0);
  const holder = (index: number) => shards.findLast(({ first }) => first <= index);

  /** A record's shard, where its value lies and, until its own name is known, a name for it. */
  async function find(index: number) {
    requireIndex(uri, index, length);
    const shard = holder(index)!, local = index - shard.first, name = `${shard.path}#${local}`;
    try {
      const { offsets, sizes } = shard.extents ?? await extentsOf(shard);
      return { shard, name, offset: offsets[local], size: sizes[local] };
    } catch (error) {
      throw new BadRecordError(uri, name, error instanceof Error ? error.message : String(error));
    }
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
      const shard = holder(index);
      if (!shard?.extents || index < 0 || index >= length) return null;
      const local = index - shard.first, { offsets, sizes } = shard.extents;
      return { at: { path: shard.path, offset: offsets[local], length: sizes[local] } };
    },
    ...(objectsKnown && {
      objects(index: number) {
        requireIndex(uri, index, length);
        const shard = holder(index)!, found = shard.objects!(index - shard.first);
        return { ...found, classes: found.classes.map((label) => shard.labels[label]) };
      },
    }),
    origin: (index) => ({ part: 0, shard: holder(index)?.path }),
    async close() {
      for (const { reader } of shards) await reader.close();
      await pool.close();
    },
  };
}

/** The finished shards in a folder, each once, sorted; empty when there are none. */
export async function listShards(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.endsWith(SHARD_ENDING) && !entry.isDirectory) names.push(entry.name);
  }
  return (await namesOfPlaces(folder, names)).map((name) => join(folder, name));
}

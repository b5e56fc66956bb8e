import { pathError } from "../../io/paths.ts";
import { DamagedError } from "../../io/reader/chunks.ts";
import { withFileReader } from "../../io/reader/file.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import type { PictureObjects } from "../../types.ts";
import { HEADER_BYTES, type LmdbHeader, readLmdbHeader } from "../lmdb/format.ts";
import { findRecord, lastRecord } from "../lmdb/leaves.ts";
import {
  decodeManifest,
  hasObjects,
  isManifestKey,
  type Manifest,
  objectsKey,
  PARTIAL_ENDING,
  withoutChecksum,
} from "./format.ts";
import { decodeObjects } from "./objects.ts";

/** A shard whose meta pages and manifest have been checked. */
export interface InspectedShard {
  path: string;
  header: LmdbHeader;
  manifest: Manifest;
  /** The annotated objects of its pictures, where they are wanted and there are some. */
  objects?: (index: number) => PictureObjects;
}

/**
 * Checks a shard's meta pages and manifest; of the rest it reads at most the annotated objects.
 *
 * @param path The shard's file.
 * @param withObjects Whether annotated objects are wanted.
 * @throws {Error} That names the file: it is missing, unfinished, cut short, damaged, or no shard.
 */
export async function inspectShard(path: string, withObjects: boolean): Promise<InspectedShard> {
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
      return { path, header, manifest, objects };
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

/**
 * Writes one shard with npm:lmdb, so any LMDB of data version 2 can open it. The one file that names this package, and
 * loaded only to pack: reading needs no native code.
 *
 * npm:lmdb depends on msgpackr, which this program never calls, and that on msgpackr-extract, whose newest version asks
 * for platform packages that some registries lack. The two imports before it pin versions that install anywhere; they
 * are here, not in an import map, so that they hold for whoever imports this program by path.
 */
import "npm:msgpackr-extract@3.0.4";
import "npm:msgpackr@1.11.5";
import { open, type RootDatabase } from "npm:lmdb@3.5.6";
import { pathError } from "../../../files/path_error.ts";
import {
  encodeManifest,
  encodeRecord,
  type Manifest,
  manifestKey,
  objectsKey,
  recordKey,
  withChecksum,
} from "./format.ts";
import { objectsTable } from "./objects.ts";
import type { ImageRecord, PictureObjects } from "../../types.ts";

/** Bytes that are gathered before they are written: one transaction. */
const TRANSACTION_BYTES = 16 << 20;

/** Bytes that must fit on the disk before a shard is begun. */
const ROOM_BYTES = 64 << 10;

/**
 * Makes sure that there is room. LMDB ends the process with a segmentation fault where only a part of its first pages can
 * be written.
 *
 * @throws {Error} When there is none; says what to do.
 */
function checkRoom(path: string): void {
  const probe = `${path}-room`;
  try {
    Deno.writeFileSync(probe, new Uint8Array(ROOM_BYTES), { createNew: true });
  } catch (error) {
    throw pathError(error, path, "write");
  } finally {
    try {
      Deno.removeSync(probe);
    } catch {
      // It could not even be made.
    }
  }
}

/**
 * Why a write has failed, in the system's own words: LMDB calls what could be written in part only an error of input and
 * output. Writes on at the file's end, so the shard is lost, as it is anyway.
 */
function failedWrite(error: unknown, path: string, bytes: number): Error {
  try {
    const file = Deno.openSync(path, { append: true }), zeros = new Uint8Array(1 << 20);
    try {
      for (let left = 2 * bytes + zeros.length; left > 0; left -= zeros.length) writeAll(file, zeros);
    } finally {
      file.close();
    }
  } catch (reason) {
    return pathError(reason, path, "write");
  }
  return pathError(error, path, "write");
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

/** A shard that is being written. */
export interface ShardWriter {
  /** Records so far. */
  readonly count: number;
  /** Bytes of values so far, those of the objects included. */
  readonly bytes: number;
  /** Bytes of the objects, which are held in memory until the end. */
  readonly objectBytes: number;
  /** Appends a record, with its annotated objects where the shard is one of those. */
  add(record: ImageRecord, objects?: PictureObjects): void;
  /** Writes the objects and the manifest and closes the file; whoever publishes it syncs it. */
  finish(manifest: Omit<Manifest, "count" | "objects">): Promise<void>;
  /** Closes the file as it is, without a manifest: it will not be read as a shard. */
  abandon(): Promise<void>;
}

/**
 * Starts a shard.
 *
 * @param path A file that does not exist.
 * @param capacity The most bytes that it will hold.
 * @param withObjects Whether all of its records come with their annotated objects. Default false.
 * @throws {Error} When it cannot be written, now or with one of the writer's calls: a full disk, a limit of sizes.
 */
export function writeShard(path: string, capacity: number, withObjects = false): ShardWriter {
  checkRoom(path);
  const database: RootDatabase<Uint8Array, Uint8Array> = open({
    path,
    noSubdir: true,
    encoding: "binary",
    keyEncoding: "binary",
    compression: false,
    maxDbs: 0,
    maxReaders: 1,
    // Address space, not disk: small values share pages and leave gaps.
    mapSize: 2 * capacity + 2 ** 30,
    // The file is synced once, when it is published, and has no readers before.
    noSync: true,
    noMetaSync: true,
    overlappingSync: false,
  });
  const table = withObjects ? objectsTable() : null;
  let count = 0, bytes = 0, waiting: [Uint8Array, Uint8Array][] = [], waitingBytes = 0;

  const put = (key: Uint8Array, value: Uint8Array) => {
    waiting.push([key, value]);
    waitingBytes += value.length;
    bytes += value.length;
    if (waitingBytes >= TRANSACTION_BYTES) flush();
  };
  const flush = () => {
    try {
      database.transactionSync(() => {
        for (const [key, value] of waiting) database.putSync(key, value);
      });
    } catch (error) {
      throw failedWrite(error, path, waitingBytes);
    }
    waiting = [];
    waitingBytes = 0;
  };
  const close = async () => {
    await database.close();
    // The library resets its read transaction by a timer of 0 ms, which close() leaves behind; ours fires after it.
    await new Promise((resolve) => setTimeout(resolve, 2));
    await Deno.remove(`${path}-lock`).catch(() => {});
  };

  return {
    get count() {
      return count;
    },
    get bytes() {
      return bytes + (table?.bytes ?? 0);
    },
    get objectBytes() {
      return table?.bytes ?? 0;
    },
    add(record, objects) {
      if ((objects === undefined) !== (table === null)) {
        throw new Error(`${record.key}: either all pictures of a shard have a list of objects, or none has`);
      }
      put(recordKey(count), encodeRecord(record));
      if (objects) table!.add(objects);
      count++;
    },
    async finish(manifest) {
      if (table) {
        const { classCount } = table, listed = manifest.labels.length;
        if (classCount > listed) {
          throw new Error(
            `${path}: an object is of class number ${classCount - 1}, but ${listed} classes are listed`,
          );
        }
        put(objectsKey(), withChecksum(table.encode()));
      }
      put(manifestKey(), encodeManifest({ ...manifest, count, ...(table && { objects: table.objects }) }));
      flush();
      await close();
    },
    abandon: close,
  };
}

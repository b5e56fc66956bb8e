/**
 * Our shard format: one LMDB file (data version 2) with
 * - records under 4-byte big-endian keys 0, 1, 2 …: crc32 of the rest (u32), label (i32, −1 for none), length of the
 *   name (u16), the name in UTF-8, the picture's file as it was. Numbers are little-endian.
 * - in version 2 the annotated objects of its pictures under the key "boxes": crc32 of the rest (u32), safetensors (objects.ts).
 * - a manifest under the key "manifest": crc32 of the rest (u32), JSON. It is written last, so a shard without it is
 *   unfinished.
 *
 * `version` is the manifest's first promise: whatever changes later, a reader finds it and can say what it is. Pictures without
 * objects are written as version 1, which all readers know.
 */
import { crc32 } from "node:zlib";
import { isCount } from "../../../files/json_values.ts";
import type { ImageRecord } from "../../types.ts";

/** The shard format of pictures alone. */
export const SHARD_VERSION = 1;
/** The shard format of pictures with their annotated objects, and the newest that this program reads. */
export const OBJECTS_VERSION = 2;

/** Ending of a finished shard. */
export const SHARD_ENDING = ".lmdb";
/** Ending of a shard that is being written; never read. */
export const PARTIAL_ENDING = ".partial";

/** What a shard says of itself. */
export interface Manifest {
  format: "semantic-ae shard";
  version: number;
  /** What was packed, as the user named it. */
  source: string;
  /** Number of this shard in its set, from 0. */
  shard: number;
  /** True for the set's last shard. */
  last: boolean;
  /** Records in this shard. */
  count: number;
  /** Class names of the whole set. */
  labels: string[];
  /** Annotated objects in this shard; of version 2 alone. */
  objects?: number;
}

const encoder = new TextEncoder();
// What begins as a mark of byte order is a part of a name.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const RECORD_HEADER = 10;
// Behind all records in the order of keys, and the manifest last.
const OBJECTS_KEY = encoder.encode("boxes"), MANIFEST_KEY = encoder.encode("manifest");

/** The key of record `index`. */
export function recordKey(index: number): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index);
  return key;
}

/** The key of the annotated objects. */
export function objectsKey(): Uint8Array<ArrayBuffer> {
  return OBJECTS_KEY.slice();
}

/** The key of the manifest. */
export function manifestKey(): Uint8Array<ArrayBuffer> {
  return MANIFEST_KEY.slice();
}

/** True when `key` is record `index`'s. */
export function isRecordKey(key: Uint8Array, index: number): boolean {
  return key.length === 4 && (key[0] * 0x1000000 + (key[1] << 16) + (key[2] << 8) + key[3]) === index;
}

/** True when `key` is the manifest's. */
export function isManifestKey(key: Uint8Array): boolean {
  return key.length === MANIFEST_KEY.length && key.every((byte, i) => byte === MANIFEST_KEY[i]);
}

/** Bytes of a record's value. */
export function recordSize(key: string, bytes: number): number {
  return RECORD_HEADER + encoder.encode(key).length + bytes;
}

/**
 * A picture as a shard's value.
 *
 * @throws {Error} For a name of more than 65,535 bytes.
 */
export function encodeRecord(record: ImageRecord): Uint8Array<ArrayBuffer> {
  const name = encoder.encode(record.key);
  if (name.length > 0xffff) {
    throw new Error(`${record.key.slice(0, 80)}…: a name of ${name.length} bytes is too long`);
  }
  const value = new Uint8Array(RECORD_HEADER + name.length + record.bytes.length);
  const data = new DataView(value.buffer);
  data.setInt32(4, record.label ?? -1, true);
  data.setUint16(8, name.length, true);
  value.set(name, RECORD_HEADER);
  value.set(record.bytes, RECORD_HEADER + name.length);
  data.setUint32(0, crc32(value.subarray(4)), true);
  return value;
}

/**
 * The picture in a shard's value.
 *
 * @throws {Error} When the checksum is wrong or the value cannot be a record.
 */
export function decodeRecord(value: Uint8Array): ImageRecord {
  if (value.length < RECORD_HEADER) throw new Error(`damaged: a record of ${value.length} bytes cannot be`);
  const data = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (crc32(value.subarray(4)) !== data.getUint32(0, true)) {
    throw new Error("damaged: its bytes do not fit its checksum");
  }
  const label = data.getInt32(4, true), from = RECORD_HEADER + data.getUint16(8, true);
  const record: ImageRecord = { key: nameOf(value), bytes: value.subarray(from) };
  if (label >= 0) record.label = label;
  return record;
}

/** Bytes from a value's beginning that hold its name, as far as `start` tells. */
export function nameEnd(start: Uint8Array): number {
  return RECORD_HEADER + (start.length < RECORD_HEADER ? 0 : start[8] + 256 * start[9]);
}

/** The name in a value's beginning; not checked against the checksum. */
export function nameOf(start: Uint8Array): string {
  return decoder.decode(start.subarray(RECORD_HEADER, nameEnd(start)));
}

/** Bytes behind their checksum. */
export function withChecksum(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(4 + bytes.length);
  value.set(bytes, 4);
  new DataView(value.buffer).setUint32(0, crc32(bytes), true);
  return value;
}

/** The bytes behind a checksum; null where they do not fit it. */
export function withoutChecksum(value: Uint8Array): Uint8Array | null {
  if (value.length < 4) return null;
  const bytes = value.subarray(4), data = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return crc32(bytes) === data.getUint32(0, true) ? bytes : null;
}

/** A manifest as a shard's value. */
export function encodeManifest(manifest: Manifest): Uint8Array<ArrayBuffer> {
  return withChecksum(encoder.encode(JSON.stringify(manifest)));
}

/**
 * The manifest in a shard's value.
 *
 * @throws {Error} When it is damaged, of a newer version, or not ours.
 */
export function decodeManifest(value: Uint8Array): Manifest {
  const json = withoutChecksum(value);
  if (!json) throw new Error("damaged shard: its manifest does not fit its checksum");
  const manifest = JSON.parse(decoder.decode(json)) as Manifest;
  if (manifest.format !== "semantic-ae shard") {
    throw new Error("no shard of semantic-ae: its manifest is another's");
  }
  const { version, shard, last, count, labels, objects } = manifest;
  if (version !== SHARD_VERSION && version !== OBJECTS_VERSION) {
    throw new Error(
      `shard format version ${version}, but this program reads versions ${SHARD_VERSION} to ${OBJECTS_VERSION}; ` +
        (version > OBJECTS_VERSION ? "update semantic-ae" : "pack the pictures again"),
    );
  }
  const right = isCount(shard) && typeof last === "boolean" && isCount(count) && Array.isArray(labels);
  if (!right || isCount(objects) !== hasObjects(manifest)) {
    throw new Error(`damaged shard: its manifest lacks what version ${version} promises`);
  }
  return manifest;
}

/** Whether a shard holds annotated objects. */
export function hasObjects({ version }: Pick<Manifest, "version">): boolean {
  return version >= OBJECTS_VERSION;
}

import { snappyUncompress } from "npm:hyparquet@1.31.5";
import { decompressLz4, decompressLz4Raw } from "npm:hyparquet-compressors@1.1.2";
import type { Buffer } from "node:buffer";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { DamagedError } from "../../io/reader/chunks.ts";

/** A byte of these formats stands for at most so many; a page that claims more lies, and gets no memory. */
const MOST_SNAPPY = 22, MOST_LZ4 = 255;

const CODECS = ["UNCOMPRESSED", "SNAPPY", "LZ4", "LZ4_RAW", "GZIP", "ZSTD", "BROTLI"] as const;
/** How pages are packed. */
export type Codec = (typeof CODECS)[number];

/** Whether pages of this codec can be unpacked. */
export function isCodec(codec: string | undefined): codec is Codec {
  return (CODECS as readonly (string | undefined)[]).includes(codec);
}

/**
 * Unpacks a page. Never gives, or takes memory for, more than `length` bytes.
 *
 * @param codec The column's codec.
 * @param packed The page as stored.
 * @param length Bytes that it has to have afterwards.
 * @throws {DamagedError} It is damaged, or gives another number of bytes.
 */
export function unpack(codec: Codec, packed: Uint8Array, length: number): Uint8Array {
  // A page of nulls alone has no values.
  if (length === 0 && packed.length === 0) return packed;
  let out: Uint8Array;
  try {
    out = unpackAny(codec, packed, length);
  } catch (error) {
    throw new DamagedError(
      `a ${codec} page cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (out.length !== length) {
    throw new DamagedError(`a ${codec} page unpacks to ${out.length} bytes instead of ${length}`);
  }
  return out;
}

function unpackAny(codec: Codec, packed: Uint8Array, length: number): Uint8Array {
  const limit = { maxOutputLength: Math.max(length, 1) };
  switch (codec) {
    case "UNCOMPRESSED":
      return packed;
    case "SNAPPY":
      return snappy(packed, length);
    case "LZ4":
      // Its decoder takes the one byte that stands for nothing, in a dictionary of no words, for damage.
      return length === 0 ? new Uint8Array() : decompressLz4(packed, atMost(packed, length, MOST_LZ4));
    case "LZ4_RAW":
      if (length === 0) return new Uint8Array();
      return decompressLz4Raw(packed, atMost(packed, length, MOST_LZ4));
    case "GZIP":
      return plain(gunzipSync(packed, limit));
    case "ZSTD":
      return plain(zstdDecompressSync(packed, limit));
    case "BROTLI":
      return plain(brotliDecompressSync(packed, limit));
    default:
      return codec satisfies never;
  }
}

function snappy(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(atMost(packed, length, MOST_SNAPPY));
  snappyUncompress(packed, out);
  return out;
}

function atMost(packed: Uint8Array, length: number, ratio: number): number {
  if (length > 64 + packed.length * ratio) {
    throw new Error(`${packed.length} bytes cannot be ${length} unpacked`);
  }
  return length;
}

const plain = (out: Buffer) => new Uint8Array(out.buffer, out.byteOffset, out.byteLength);

import type { Buffer } from "node:buffer";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { DamagedError } from "../reader/chunks.ts";

/**
 * Unpacks a page. Never gives, or takes memory for, more than `length` bytes.
 *
 * @param codec The column's codec.
 * @param packed The page as stored.
 * @param length Bytes that it has to have afterwards.
 * @throws DamagedError when it gives another number of bytes, Error for a codec that is not known.
 */
export function unpack(codec: string, packed: Uint8Array, length: number): Uint8Array {
  const out = unpackAny(codec, packed, length);
  if (out.length !== length) {
    throw new DamagedError(`a ${codec} page unpacks to ${out.length} bytes in place of ${length}`);
  }
  return out;
}

function unpackAny(codec: string, packed: Uint8Array, length: number): Uint8Array {
  switch (codec) {
    case "UNCOMPRESSED":
      return packed;
    case "SNAPPY":
      return unsnap(packed, length);
    case "LZ4_RAW":
      return unlz4(packed, length);
    case "GZIP":
      return byZlib(codec, () => gunzipSync(packed, { maxOutputLength: Math.max(length, 1) }));
    case "ZSTD":
      return byZlib(codec, () => zstdDecompressSync(packed, { maxOutputLength: Math.max(length, 1) }));
    case "BROTLI":
      return byZlib(codec, () => brotliDecompressSync(packed, { maxOutputLength: Math.max(length, 1) }));
    default:
      throw new Error(
        `pages are compressed by ${codec}, which is not supported; write them with snappy or zstd`,
      );
  }
}

function byZlib(codec: string, work: () => Buffer): Uint8Array {
  try {
    const out = work();
    return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  } catch (error) {
    throw new DamagedError(
      `a ${codec} page cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const broken = (codec: string) => new DamagedError(`a ${codec} page cannot be unpacked: damaged`);

/** Copies inside `out`, byte by byte where source and target overlap. */
function repeat(out: Uint8Array, to: number, back: number, count: number, codec: string): void {
  if (back < 1 || back > to || to + count > out.length) throw broken(codec);
  if (back >= count) out.copyWithin(to, to - back, to - back + count);
  else for (let i = 0; i < count; i++) out[to + i] = out[to - back + i];
}

/** Snappy's block format. */
function unsnap(packed: Uint8Array, length: number): Uint8Array {
  let at = 0, stated = 0;
  for (let i = 0;; i++) {
    if (i === 5 || at >= packed.length) throw broken("SNAPPY");
    const byte = packed[at++];
    stated += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  if (stated !== length) throw broken("SNAPPY");
  const out = new Uint8Array(length);
  let to = 0;
  while (at < packed.length) {
    const tag = packed[at++], kind = tag & 3;
    if (kind === 0) {
      let count = tag >> 2;
      if (count >= 60) {
        const extra = count - 59;
        count = 0;
        for (let i = 0; i < extra; i++) count += (packed[at++] ?? NaN) * 2 ** (8 * i);
      }
      count++;
      if (!(at + count <= packed.length && to + count <= length)) throw broken("SNAPPY");
      out.set(packed.subarray(at, at + count), to);
      at += count;
      to += count;
      continue;
    }
    const extra = kind === 3 ? 4 : kind;
    if (at + extra > packed.length) throw broken("SNAPPY");
    let back = kind === 1 ? (tag >> 5) * 256 : 0;
    for (let i = 0; i < extra; i++) back += packed[at++] * 2 ** (8 * i);
    const count = kind === 1 ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1;
    repeat(out, to, back, count, "SNAPPY");
    to += count;
  }
  return to === length ? out : out.subarray(0, to);
}

/** LZ4's block format. */
function unlz4(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0, to = 0;
  const more = (count: number): number => {
    if (count < 15) return count;
    for (;;) {
      if (at >= packed.length) throw broken("LZ4_RAW");
      const byte = packed[at++];
      count += byte;
      if (byte < 255) return count;
    }
  };
  while (at < packed.length) {
    const token = packed[at++];
    const literals = more(token >> 4);
    if (at + literals > packed.length || to + literals > length) throw broken("LZ4_RAW");
    out.set(packed.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    // The last sequence has literals only.
    if (at === packed.length) break;
    if (at + 2 > packed.length) throw broken("LZ4_RAW");
    const back = packed[at] + packed[at + 1] * 256;
    at += 2;
    const count = more(token & 15) + 4;
    repeat(out, to, back, count, "LZ4_RAW");
    to += count;
  }
  return to === length ? out : out.subarray(0, to);
}

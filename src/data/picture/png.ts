import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";
import type { Picture } from "../types.ts";

/** The first bytes of a PNG file. */
export const SIGNATURE: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** A part of a PNG file: length, type, content, checksum of type and content. */
export function pngChunk(type: string, content: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + content.length), view = new DataView(out.buffer);
  view.setUint32(0, content.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(content, 8);
  view.setUint32(8 + content.length, crc32(out.subarray(4, 8 + content.length)));
  return out;
}

/** Encodes RGB bytes as a PNG file without loss. */
export function encodePng({ width, height, data }: Picture): Uint8Array {
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2], 8); // 8 bits, RGB; the rest is 0: deflate, filters by line, not interlaced.
  const lines = new Uint8Array(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    lines.set(data.subarray(y * width * 3, (y + 1) * width * 3), y * (1 + width * 3) + 1);
  }
  const parts = [
    Uint8Array.from(SIGNATURE),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(lines)),
    pngChunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(Buffer.concat(parts));
}

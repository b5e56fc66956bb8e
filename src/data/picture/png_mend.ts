/** PNG files whose pixels are all there although something else is not. */
import { Buffer } from "node:buffer";
import { constants, crc32, deflateSync, inflateSync } from "node:zlib";
import { pngChunk, SIGNATURE } from "./png.ts";
import { letters } from "./sniff.ts";

/** Samples of a pixel by the header's colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Where each pass of an interlaced picture begins and how far apart its pixels are: x, y, step in x, step in y. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/** Chunks that say what pixels look like. Others are left out. */
const KEPT = ["PLTE", "tRNS", "eXIf"];

/**
 * Writes a PNG anew whose end is missing, or whose checksum of pixels is wrong, if all of its pixels can be unpacked.
 * Browsers and Pillow show such files.
 *
 * @param bytes The file, which a strict decoder has refused.
 * @param maxPixels Larger ones are not looked at.
 * @returns A file without the fault; null where pixels are missing or damaged.
 */
export function mendPng(bytes: Uint8Array, maxPixels: number): Uint8Array | null {
  const header = chunkAt(bytes, 8);
  if (header?.type !== "IHDR" || !header.good || header.content.length !== 13) return null;
  const size = rawSize(header.content, maxPixels);
  if (size === null) return null;
  const kept = [pngChunk("IHDR", header.content)], parts: Uint8Array[] = [];
  for (let chunk = chunkAt(bytes, header.end); chunk; chunk = chunkAt(bytes, chunk.end)) {
    if (chunk.type === "IDAT") parts.push(chunk.content);
    else if (chunk.type === "IEND") break;
    else if (chunk.good && KEPT.includes(chunk.type)) kept.push(pngChunk(chunk.type, chunk.content));
  }
  let raw: Uint8Array;
  try {
    raw = inflateSync(Buffer.concat(parts), {
      finishFlush: constants.Z_SYNC_FLUSH,
      // Some writers leave more behind the last row.
      maxOutputLength: size + 65_536,
    });
  } catch {
    return null;
  }
  if (raw.length < size) return null;
  const pixels = pngChunk("IDAT", deflateSync(raw.subarray(0, size), { level: 1 }));
  const file = [Uint8Array.from(SIGNATURE), ...kept, pixels, pngChunk("IEND", new Uint8Array())];
  return new Uint8Array(Buffer.concat(file));
}

/** A PNG's chunk that begins at byte `at`, as far as the file goes; null where none begins. */
export function chunkAt(bytes: Uint8Array, at: number) {
  if (at + 8 > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = at + 12 + view.getUint32(at);
  const type = letters(bytes, at + 4, at + 8);
  const good = end <= bytes.length && crc32(bytes.subarray(at + 4, end - 4)) === view.getUint32(end - 4);
  return { type, content: bytes.subarray(at + 8, Math.min(end - 4, bytes.length)), good, end };
}

/** Bytes of the unpacked rows, each behind the number of its filter; null for what is no PNG's header. */
function rawSize(header: Uint8Array, maxPixels: number): number | null {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const width = view.getUint32(0), height = view.getUint32(4), samples = SAMPLES[header[9]];
  if (samples === undefined || width * height === 0 || width * height > maxPixels) return null;
  const bits = samples * header[8];
  const rows = (columns: number, lines: number) =>
    columns > 0 ? lines * (1 + Math.ceil(columns * bits / 8)) : 0;
  if (header[12] === 0) return rows(width, height);
  return PASSES.reduce(
    (sum, [x, y, dx, dy]) =>
      sum + rows(Math.max(0, Math.ceil((width - x) / dx)), Math.max(0, Math.ceil((height - y) / dy))),
    0,
  );
}

import { type Picture, PictureError } from "../types.ts";
import { refuseLarge } from "./limits.ts";

/** Encodes RGB bytes as they are, behind a line of text: the format that shards of decoded pictures hold. */
export function encodePpm({ width, height, data }: Picture): Uint8Array {
  const header = new TextEncoder().encode(`P6\n${width} ${height}\n255\n`);
  const out = new Uint8Array(header.length + data.length);
  out.set(header);
  out.set(data, header.length);
  return out;
}

/** Reads numbers among white space and comments. */
function reader(bytes: Uint8Array, start: number) {
  let at = start;
  const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
  const skip = () => {
    for (; at < bytes.length; at++) {
      if (bytes[at] === 0x23) { while (at < bytes.length && bytes[at] !== 0x0a && bytes[at] !== 0x0d) at++; }
      else if (!isSpace(bytes[at])) return;
    }
  };
  const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
  return {
    get at() {
      return at;
    },
    /** A number: of at most 15 digits, which no picture has, or of one where bits may stand without space between them. */
    number(most = 15): number {
      skip();
      let value = 0, digits = 0;
      for (; at < bytes.length && digits < most && isDigit(bytes[at]); at++, digits++) {
        value = 10 * value + bytes[at] - 0x30;
      }
      if (digits === 0) {
        throw new PictureError(
          at >= bytes.length ? "a PPM cut short" : "a PPM with a damaged header or pixels",
        );
      }
      return value;
    },
  };
}

/**
 * Reads the Netpbm formats: PPM, PGM and PBM, as binary or as text (P1 to P6). More than 8 bits are brought to 8.
 *
 * @param bytes The file; what follows the picture is passed over.
 * @param maxPixels Larger pictures are refused before memory is taken for them.
 * @returns A picture; of a binary PPM of 8 bits in the file's own memory, nothing is copied.
 * @throws {PictureError} It is damaged, cut short or too large.
 */
export function decodePpm(bytes: Uint8Array, maxPixels: number): Picture {
  const kind = bytes[1] - 0x30,
    bitmap = kind === 1 || kind === 4,
    channels = kind === 3 || kind === 6 ? 3 : 1;
  const text = reader(bytes, 2),
    width = text.number(),
    height = text.number(),
    most = bitmap ? 1 : text.number();
  if (width === 0 || height === 0) throw new PictureError(`a PPM of ${width} × ${height} pixels`);
  if (most === 0 || most > 65535) throw new PictureError(`a PPM whose largest value is ${most}`);
  refuseLarge({ width, height }, maxPixels);
  const count = width * height * channels, start = text.at + 1, size = most > 255 ? 2 : 1;
  // As text a value takes a digit and, but for bits, a space.
  const needed = kind < 4
    ? (bitmap ? count : 2 * count - 1)
    : bitmap
    ? Math.ceil(width / 8) * height
    : count * size;
  if (bytes.length < start + needed) {
    throw new PictureError(
      `a PPM of ${width} × ${height} needs ${needed} bytes of pixels and has ${
        Math.max(0, bytes.length - start)
      }`,
    );
  }
  if (kind === 6 && most === 255) return { width, height, data: bytes.subarray(start, start + count) };
  const value = kind < 4 ? () => text.number(bitmap ? 1 : 6) : bitmap
    ? (i: number) => {
      const x = i % width, row = (i - x) / width;
      return bytes[start + row * Math.ceil(width / 8) + (x >> 3)] >> (7 - x % 8) & 1;
    }
    : size === 1
    ? (i: number) => bytes[start + i]
    : (i: number) => 256 * bytes[start + 2 * i] + bytes[start + 2 * i + 1];
  // Of a bitmap, 1 is black.
  const level = (stated: number) =>
    bitmap ? (stated ? 0 : 255) : Math.round(Math.min(stated, most) * 255 / most);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < count; i++) {
    if (channels === 3) data[i] = level(value(i));
    else data.fill(level(value(i)), 3 * i, 3 * i + 3);
  }
  return { width, height, data };
}

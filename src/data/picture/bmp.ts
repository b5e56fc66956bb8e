/**
 * Windows and OS/2 bitmaps. npm:sharp's libvips cannot read them, and the packages that can do so trust the header;
 * here every number is checked before it is used.
 */
import { type Picture, PictureError } from "../types.ts";
import { refuseLarge } from "./limits.ts";

/** What the headers say. */
interface Header {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  compression: number;
  /** Where pixels begin. */
  start: number;
  /** Where the palette begins, bytes of one of its colours, and their number. */
  palette: number;
  colourBytes: 3 | 4;
  colours: number;
  /** Which bits of a pixel are red, green, blue and alpha, for 16 and 32 bits. */
  masks: [red: number, green: number, blue: number, alpha: number];
}

const PLAIN = 0, RLE8 = 1, RLE4 = 2, FIELDS = 3, ALPHA_FIELDS = 6;

const cut = () => new PictureError("a BMP cut short");

/** Numbers of the headers, none of which may be taken from behind the file's end. */
function numbers(bytes: Uint8Array) {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const within = (at: number, length: number) => {
    if (at + length > bytes.length) throw cut();
    return at;
  };
  return {
    u16: (at: number) => data.getUint16(within(at, 2), true),
    u32: (at: number) => data.getUint32(within(at, 4), true),
    i32: (at: number) => data.getInt32(within(at, 4), true),
  };
}

function readHeader(bytes: Uint8Array): Header {
  const { u16, u32, i32 } = numbers(bytes), start = u32(10), size = u32(14);
  if (size === 12) {
    const bits = u16(24), masks: Header["masks"] = [0, 0, 0, 0];
    return checked({
      width: u16(18),
      height: u16(20),
      topDown: false,
      bits,
      compression: PLAIN,
      start,
      palette: 26,
      colourBytes: 3,
      colours: bits <= 8 ? 2 ** bits : 0,
      masks,
    });
  }
  if (size < 16 || size > 256) throw new PictureError(`a BMP with a header of ${size} bytes`);
  if (14 + size > bytes.length) throw cut();
  const at = (offset: number) => offset + 4 <= 14 + size ? u32(offset) : 0;
  const height = i32(22), bits = u16(28), compression = at(30);
  const fields = compression === FIELDS || compression === ALPHA_FIELDS;
  if (fields && size < 40) {
    throw new PictureError(`a BMP of bit fields with a header of ${size} bytes, which has none`);
  }
  // With the smallest header that has masks they stand behind it, with larger ones in it.
  const behind = fields && size < 52 ? (compression === FIELDS ? 12 : 16) : 0;
  if (14 + size + behind > bytes.length) throw cut();
  const first = behind > 0 ? 14 + size : 54;
  const mask = (i: number) => i < 3 || size >= 56 || behind === 16 ? u32(first + 4 * i) : 0;
  const masks: Header["masks"] = fields
    ? [mask(0), mask(1), mask(2), mask(3)]
    : bits === 16
    ? [0x7c00, 0x3e0, 0x1f, 0]
    : [0xff0000, 0xff00, 0xff, 0];
  const colours = bits <= 8 ? Math.min(at(46) || 2 ** bits, 2 ** bits) : 0;
  return checked({
    width: i32(18),
    height: Math.abs(height),
    topDown: height < 0,
    bits,
    compression,
    start,
    palette: 14 + size + behind,
    colourBytes: 4,
    colours,
    masks,
  });
}

function checked(header: Header): Header {
  const { width, height, bits, compression } = header;
  if (width <= 0 || height <= 0) throw new PictureError(`a BMP of ${width} × ${height} pixels`);
  const known = compression === PLAIN
    ? [1, 2, 4, 8, 16, 24, 32]
    : compression === RLE8
    ? [8]
    : compression === RLE4
    ? [4]
    : compression === FIELDS || compression === ALPHA_FIELDS
    ? [16, 32]
    : [];
  if (!known.includes(bits)) {
    throw new PictureError(`a BMP of ${bits} bits a pixel in compression ${compression}, which is not read`);
  }
  return header;
}

/**
 * Decodes a BMP: 1 to 32 bits, palettes, run lengths, bit fields; alpha composited on white.
 *
 * @param bytes The file.
 * @param maxPixels Larger pictures are refused before memory is taken for them.
 * @returns RGB bytes.
 * @throws {PictureError} It is damaged, cut short, too large, or of a kind that nobody writes any more.
 */
export function decodeBmp(bytes: Uint8Array, maxPixels: number): Picture {
  const header = readHeader(bytes), { width, height, bits, compression } = header;
  refuseLarge(header, maxPixels);
  const out = new Uint8Array(width * height * 3);
  if (compression === RLE8 || compression === RLE4) {
    const indices = unpackRuns(bytes, header);
    const colour = palette(bytes, header);
    for (let i = 0; i < indices.length; i++) out.set(colour[indices[i]], 3 * i);
    return { width, height, data: out };
  }
  const stride = Math.ceil(bits * width / 32) * 4;
  if (header.start + stride * (height - 1) + Math.ceil(bits * width / 8) > bytes.length) throw cut();
  const row = bits <= 8
    ? indexedRow(bytes, header)
    : bits === 24
    ? plainRow(bytes, header)
    : fieldsRow(bytes, header);
  for (let y = 0; y < height; y++) {
    row(
      header.start + stride * (header.topDown ? y : height - 1 - y),
      out.subarray(3 * width * y, 3 * width * (y + 1)),
    );
  }
  return { width, height, data: out };
}

/** Colours by index; what the palette lacks is black. */
function palette(bytes: Uint8Array, { palette: from, colourBytes, colours, bits }: Header): Uint8Array[] {
  return Array.from({ length: 2 ** bits }, (_, i) => {
    const at = from + i * colourBytes;
    return i < colours && at + 3 <= bytes.length
      ? Uint8Array.of(bytes[at + 2], bytes[at + 1], bytes[at])
      : new Uint8Array(3);
  });
}

type Row = (from: number, out: Uint8Array) => void;

function indexedRow(bytes: Uint8Array, header: Header): Row {
  const { width, bits } = header, colour = palette(bytes, header), perByte = 8 / bits, most = 2 ** bits - 1;
  return (from, out) => {
    for (let x = 0; x < width; x++) {
      const byte = bytes[from + Math.floor(x / perByte)], shift = 8 - bits - bits * (x % perByte);
      out.set(colour[byte >> shift & most], 3 * x);
    }
  };
}

function plainRow(bytes: Uint8Array, { width }: Header): Row {
  return (from, out) => {
    for (let at = 0; at < 3 * width; at += 3) {
      out[at] = bytes[from + at + 2];
      out[at + 1] = bytes[from + at + 1];
      out[at + 2] = bytes[from + at];
    }
  };
}

function fieldsRow(bytes: Uint8Array, { width, height, bits, masks, start }: Header): Row {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), size = bits / 8;
  const pixel = (at: number) => size === 2 ? data.getUint16(at, true) : data.getUint32(at, true);
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask), most = mask >>> shift;
    return (value: number) => most === 0 ? 0 : Math.round(((value & mask) >>> shift) * 255 / most);
  });
  const [red, green, blue, alpha] = channels;
  // Many programs leave alpha at zero throughout and mean a picture without it.
  const stride = Math.ceil(bits * width / 32) * 4;
  let clear = masks[3] !== 0;
  for (let y = 0; clear && y < height; y++) {
    for (let x = 0; clear && x < width; x++) clear = alpha(pixel(start + y * stride + x * size)) === 0;
  }
  const opaque = masks[3] === 0 || clear;
  return (from, out) => {
    for (let x = 0; x < width; x++) {
      const value = pixel(from + x * size), a = opaque ? 255 : alpha(value);
      const onWhite = (channel: number) => Math.round((channel * a + 255 * (255 - a)) / 255);
      out[3 * x] = onWhite(red(value));
      out[3 * x + 1] = onWhite(green(value));
      out[3 * x + 2] = onWhite(blue(value));
    }
  };
}

/** Palette indices of a run-length bitmap, the top row first; pixels that no run reaches are 0. */
function unpackRuns(bytes: Uint8Array, { width, height, start, compression, topDown }: Header): Uint8Array {
  const out = new Uint8Array(width * height), nibbles = compression === RLE4;
  let at = start, x = 0, y = 0;
  const put = (index: number) => {
    if (x < width && y < height) out[(topDown ? y : height - 1 - y) * width + x] = index;
    x++;
  };
  const indexIn = (byte: number, i: number) => !nibbles ? byte : i % 2 === 0 ? byte >> 4 : byte & 15;
  while (y < height) {
    if (at + 2 > bytes.length) throw cut();
    const count = bytes[at++], code = bytes[at++];
    if (count > 0) {
      for (let i = 0; i < count; i++) put(indexIn(code, i));
    } else if (code === 0) {
      x = 0;
      y++;
    } else if (code === 1) break;
    else if (code === 2) {
      if (at + 2 > bytes.length) throw cut();
      x += bytes[at++];
      y += bytes[at++];
    } else {
      const length = nibbles ? Math.ceil(code / 2) : code;
      if (at + length > bytes.length) throw cut();
      for (let i = 0; i < code; i++) put(indexIn(bytes[at + (nibbles ? i >> 1 : i)], i));
      at += length + length % 2;
    }
  }
  return out;
}

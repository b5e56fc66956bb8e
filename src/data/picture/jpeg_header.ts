import { PictureError } from "../types.ts";

/** What is needed of a JPEG before it is decoded. */
export interface JpegHeader {
  width: number;
  height: number;
  /** 1 grey, 3 colour, 4 CMYK. */
  components: number;
  /** Bits of a sample; 8 but for rare files. */
  precision: number;
  /** True where the picture comes in several scans. */
  progressive: boolean;
  /** EXIF orientation 1 … 8; 1 where there is none. */
  orientation: number;
  /** Where numbers of it stand in the file, of two bytes each. */
  orientations: readonly number[];
  /** Where the frame header's marker stands in the file. */
  frame: number;
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Markers without a segment: TEM, RST0 … RST7, SOI, EOI. */
const isBare = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9);

/** Segments that nobody needs for the pixels: APP0 … APP15, JPG0 … JPG13, COM. */
const isPassedOver = (marker: number) => marker >= 0xe0 && marker <= 0xfe;

/**
 * The next marker, as libjpeg finds it: bytes that are none and bytes that fill up are passed over.
 *
 * @returns Where its second byte stands; the file's length where none comes.
 */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at)) {
    while (bytes[at] === 0xff) at++;
    // FF 00 is a byte of data.
    if (bytes[at] !== 0 && at < bytes.length) return at;
  }
  return bytes.length;
}

/**
 * Reads a JPEG's segments up to its frame header, without decoding.
 *
 * @param bytes The file, beginning with FF D8.
 * @returns Size, components and orientation.
 * @throws {PictureError} The segments are damaged or no frame header comes.
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const data = view(bytes);
  const orientations: number[] = [];
  let orientation = 1;
  for (let from = 2;;) {
    const at = nextMarker(bytes, from), marker = bytes[at];
    if (marker === undefined || marker === 0xda || marker === 0xd9) break;
    from = at + 1;
    if (isBare(marker)) continue;
    const length = at + 3 <= bytes.length ? data.getUint16(at + 1) : Infinity, body = at + 3;
    const end = at + 1 + length;
    if (end > bytes.length) throw new PictureError("JPEG cut short in its header");
    if (length < 2 && !isPassedOver(marker)) {
      throw new PictureError(`damaged JPEG: a segment of ${length} bytes at byte ${at - 1}`);
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      if (length < 8) throw new PictureError("damaged JPEG: frame header too short");
      return {
        precision: bytes[body],
        height: data.getUint16(body + 1),
        width: data.getUint16(body + 3),
        components: bytes[body + 5],
        progressive: (marker & 3) === 2,
        orientation,
        orientations,
        frame: at - 1,
      };
    }
    const found = marker === 0xe1 ? exifOrientation(bytes.subarray(body, end)) : null;
    if (found) {
      orientation = found.value;
      orientations.push(body + found.at);
    }
    // A length too short to count itself is passed over all the same.
    from = Math.max(end, body);
  }
  throw new PictureError("JPEG cut short: no frame header");
}

/** Frames whose scans come one after another, not one above another: baseline, extended, lossless; and by arithmetic coding. */
const SEQUENTIAL = [0xc0, 0xc1, 0xc3, 0xc9, 0xcb];

/** Whether a frame's samples come once, in order. */
export function isSequential(file: Uint8Array, header: JpegHeader): boolean {
  return SEQUENTIAL.includes(file[header.frame + 1]);
}

/** The first scan: how many components it has, and where its data begins; null where none comes. */
export function firstScan(
  bytes: Uint8Array,
  header: JpegHeader,
): { components: number; data: number } | null {
  for (let at = nextMarker(bytes, header.frame); at + 3 < bytes.length;) {
    const end = at + 1 + (isBare(bytes[at]) ? 0 : bytes[at + 1] * 256 + bytes[at + 2]);
    if (bytes[at] === 0xda) return { components: bytes[at + 3], data: end };
    at = nextMarker(bytes, Math.max(end, at + 1));
  }
  return null;
}

/**
 * Whether a JPEG's data goes on to a marker, which the end marker should be. Decoders show one whose data does not, but for
 * what is missing; that is no picture here, as in Pillow. What stands behind the end does not count.
 */
export function reachesEnd(bytes: Uint8Array, header: JpegHeader): boolean {
  const scan = firstScan(bytes, header);
  if (!scan) return false;
  // In one scan are all samples: no matter which marker ends it, as nothing more is needed. Others go on to the end marker.
  const alone = isSequential(bytes, header) && scan.components === header.components;
  for (let at = nextMarker(bytes, scan.data); at < bytes.length;) {
    const marker = bytes[at];
    if (marker === 0xd9 || (alone && !isBare(marker))) return true;
    const length = isBare(marker) || at + 3 > bytes.length ? 0 : bytes[at + 1] * 256 + bytes[at + 2];
    at = nextMarker(bytes, at + 1 + length);
  }
  return false;
}

/** A picture with more scans is made to take time: each goes through all of its pixels. */
export const MOST_SCANS = 500;

/** Whether a progressive JPEG has more than {@linkcode MOST_SCANS} scans. Counts their markers, without decoding. */
export function hasManyScans(bytes: Uint8Array): boolean {
  let scans = 0;
  for (let at = bytes.indexOf(0xff); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === 0xda && ++scans > MOST_SCANS) return true;
  }
  return false;
}

/** True for what libjpeg-turbo brings to RGB: 8 bits, grey or colour. */
export function isPlain(header: JpegHeader): boolean {
  return header.precision === 8 && (header.components === 1 || header.components === 3) &&
    header.width > 0 && header.height > 0;
}

/** The orientation in an APP1 segment and where it stands there, or null where it holds none. Damage in metadata is no reason to lose a picture. */
function exifOrientation(segment: Uint8Array): { value: number; at: number } | null {
  const header = [0x45, 0x78, 0x69, 0x66, 0, 0];
  if (segment.length < 20 || header.some((byte, i) => segment[i] !== byte)) return null;
  const tiff = segment.subarray(6), data = view(tiff);
  const order = data.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return null;
  const little = order === 0x4949;
  const directory = data.getUint32(4, little);
  if (directory + 2 > tiff.length) return null;
  const entries = data.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.length) return null;
    if (data.getUint16(entry, little) !== 0x0112) continue;
    // Some writers take four bytes for it; the two that count are the last of these, or the first.
    const isLong = data.getUint16(entry + 2, little) === 4, at = entry + (isLong && !little ? 10 : 8);
    const value = data.getUint16(at, little);
    return value >= 1 && value <= 8 ? { value, at: 6 + at } : null;
  }
  return null;
}

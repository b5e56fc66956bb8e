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
  /** Where the frame header's marker stands in the file. */
  frame: number;
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Reads a JPEG's segments up to its frame header, without decoding.
 *
 * @param bytes The file, beginning with FF D8.
 * @returns Size, components and orientation.
 * @throws {PictureError} When the segments are damaged or no frame header comes.
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const data = view(bytes);
  let orientation = 1;
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) throw new PictureError(`damaged JPEG: no marker at byte ${at}`);
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    const length = data.getUint16(at + 2), body = at + 4, end = at + 2 + length;
    if (length < 2 || end > bytes.length) throw new PictureError("JPEG cut short in its header");
    if (marker === 0xda || marker === 0xd9) break;
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
        frame: at,
      };
    }
    if (marker === 0xe1) orientation = exifOrientation(bytes.subarray(body, end)) ?? orientation;
    at = end;
  }
  throw new PictureError("JPEG cut short: no frame header");
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

/** The orientation in an APP1 segment, or null where it holds none. Damage in metadata is no reason to lose a picture. */
function exifOrientation(segment: Uint8Array): number | null {
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
    const value = data.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : null;
  }
  return null;
}

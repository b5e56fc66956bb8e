import { type Picture, PictureError } from "../types.ts";

/** Tags of a TIFF that tell how its colours are stored, and what they are without them. */
const TAGS = {
  bits: 258,
  compression: 259,
  photometric: 262,
  samples: 277,
  extra: 338,
  format: 339,
  subsampling: 530,
} as const;

/** Of PhotometricInterpretation: grey from white to black and from black to white, luma and chroma. */
const GREYS = [0, 1], YCBCR = 6;
/** Of SampleFormat: floating-point numbers. */
const FLOAT = 3;
/** Most values a pixel that libvips reads. */
const MOST_SAMPLES = 5;
/** Of Compression: both kinds of JPEG, whose decoder brings colours to RGB. */
const JPEG = [6, 7];
/** Those that change colours or may do so, without a word on which: also JPEG 2000, LERC, JPEG of raw files, WebP, JPEG XL. */
const LOSSY = [...JPEG, 33003, 33004, 33005, 34712, 34887, 34892, 50001, 50002, 52546];

/** Bytes of a TIFF's numbers and entries; a BigTIFF has wider ones. */
const CLASSIC = { header: 8, count: 2, entry: 12, value: 8 },
  BIG = { header: 16, count: 8, entry: 20, value: 12 };

/** The type of numbers of two bytes. */
const SHORT = 3;

/** The first value of a tag of the first picture, and the one behind it; undefined where it is not there. */
function tag(bytes: Uint8Array, wanted: number): [number, number] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), little = bytes[0] === 0x49;
  const big = bytes[2] === 0x2b || bytes[3] === 0x2b, { header, count, entry, value } = big ? BIG : CLASSIC;
  if (bytes.length < header) return undefined;
  const directory = big ? Number(view.getBigUint64(8, little)) : view.getUint32(4, little);
  if (directory + count > bytes.length) return undefined;
  const entries = big ? Number(view.getBigUint64(directory, little)) : view.getUint16(directory, little);
  for (let i = 0, at = directory + count; i < entries && at + entry <= bytes.length; i++, at += entry) {
    if (view.getUint16(at, little) !== wanted) continue;
    let from = at + value;
    const amount = big ? Number(view.getBigUint64(at + 4, little)) : view.getUint32(at + 4, little);
    // More values than fit stand elsewhere.
    if (view.getUint16(at + 2, little) === SHORT && 2 * amount > entry - value) {
      from = big ? Number(view.getBigUint64(from, little)) : view.getUint32(from, little);
    }
    if (from + 4 > bytes.length) return undefined;
    return [view.getUint16(from, little), view.getUint16(from + 2, little)];
  }
  return undefined;
}

/**
 * Whether a TIFF holds luma and chroma that libvips takes for red, green and blue: it converts those of JPEG only.
 *
 * @throws {PictureError} They are stored with fewer chroma samples, which is not supported.
 */
export function isRawYcbcr(bytes: Uint8Array): boolean {
  const [photometric] = tag(bytes, TAGS.photometric) ?? [],
    [compression] = tag(bytes, TAGS.compression) ?? [1];
  if (photometric !== YCBCR || JPEG.includes(compression)) return false;
  const [across, down] = tag(bytes, TAGS.subsampling) ?? [2, 2];
  if (across === 1 && down === 1) return true;
  throw new PictureError("a TIFF of subsampled YCbCr that is not JPEG, which is not supported");
}

/**
 * Whether what a TIFF's pixels have besides their colour is nobody knows what, such as infrared light, and so no
 * transparency.
 */
export function isExtraUnknown(bytes: Uint8Array): boolean {
  return tag(bytes, TAGS.extra)?.[0] === 0;
}

/**
 * Refuses a TIFF whose pixels have more values than colours have, and nobody knows which of them are red, green and blue.
 *
 * @throws {PictureError} It is one.
 */
export function refuseBands(bytes: Uint8Array): void {
  const [samples] = tag(bytes, TAGS.samples) ?? [1], [photometric] = tag(bytes, TAGS.photometric) ?? [];
  if (samples <= 2 || (samples <= MOST_SAMPLES && !GREYS.includes(photometric ?? -1))) return;
  throw new PictureError(
    `a TIFF of ${samples} bands, of which none says which are red, green and blue; write three of them as RGB`,
  );
}

/** How a TIFF's values are stored, where those are wider than 16 bits: `float` also in 16 bits; null for usual ones. */
export function wideKind(bytes: Uint8Array): "float" | "whole" | null {
  const [format] = tag(bytes, TAGS.format) ?? [1], [bits] = tag(bytes, TAGS.bits) ?? [1];
  if (format === FLOAT) return "float";
  return bits > 16 ? "whole" : null;
}

/** Values of pixels as they are stored. */
export interface WidePixels {
  width: number;
  height: number;
  /** Values a pixel: 1 for grey, 3 for colours, 4 with opacity behind them. */
  channels: number;
  data: Float32Array;
}

/**
 * Brings wide values to bytes. Floating-point ones up to 1 are shares of full light; others are of the least of 255, 65,535
 * and 2³² − 1 that none exceeds. What is below 0 or no number becomes black.
 *
 * @param kind What {@linkcode wideKind} says.
 */
export function fromWide({ width, height, channels, data }: WidePixels, kind: "float" | "whole"): Picture {
  const colours = channels < 3 ? 1 : 3, opacity = channels === 2 || channels === 4 ? channels - 1 : -1;
  let most = 0;
  for (let at = 0; at < data.length; at++) {
    if (at % channels < colours && data[at] > most && data[at] < Infinity) most = data[at];
  }
  const scales = kind === "float" ? [1, 255, 65_535] : [255, 65_535];
  const full = scales.find((scale) => most <= scale) ?? Math.max(most, 2 ** 32 - 1);
  const out = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += channels) {
    const shown = opacity < 0 ? 1 : Math.max(0, Math.min(1, data[from + opacity] / full));
    for (let colour = 0; colour < 3; colour++) {
      const light = Math.max(0, Math.min(1, data[from + (colours === 1 ? 0 : colour)] / full || 0));
      out[to++] = Math.round(255 * (light * shown + 1 - shown));
    }
  }
  return { width, height, data: out };
}

/** Whether a TIFF is grey with more than 8 bits a pixel, which decoding cuts to 8. */
export function isDeepGrey(bytes: Uint8Array): boolean {
  const [photometric] = tag(bytes, TAGS.photometric) ?? [], [bits] = tag(bytes, TAGS.bits) ?? [1];
  return GREYS.includes(photometric ?? -1) && bits > 8;
}

/** Whether a TIFF's colours are compressed in a way that may change them. */
export function isLossyTiff(bytes: Uint8Array): boolean {
  const [compression] = tag(bytes, TAGS.compression) ?? [1];
  return LOSSY.includes(compression);
}

/** Brings luma and chroma, 0 … 255 each, to RGB, as JPEG's do (ITU-R BT.601). In place. */
export function fromYcbcr({ data }: Picture): void {
  const byte = (value: number) => Math.max(0, Math.min(255, Math.round(value)));
  for (let at = 0; at < data.length; at += 3) {
    const y = data[at], cb = data[at + 1] - 128, cr = data[at + 2] - 128;
    data[at] = byte(y + 1.402 * cr);
    data[at + 1] = byte(y - 0.344136 * cb - 0.714136 * cr);
    data[at + 2] = byte(y + 1.772 * cb);
  }
}

import { decodeJpeg } from "./jpeg.ts";
import { hasManyScans, MOST_SCANS, reachesEnd, readJpegHeader } from "./jpeg_header.ts";
import { orient } from "./orient.ts";
import { decodePpm } from "./ppm.ts";
import { describeFile, START_BYTES } from "../sources/file_kinds.ts";
import { type Picture, PictureError } from "../types.ts";
import { decodeBmp } from "./bmp.ts";
import { refuseLarge, tooLarge } from "./limits.ts";
import { requireBytes } from "./required.ts";
import { otherPicture } from "./other_formats.ts";
import { mendPng } from "./png_mend.ts";
import type { SharpOptions } from "./sharp.ts";
import { type PictureFormat, sniff } from "./sniff.ts";
import { fromWide, fromYcbcr, isExtraUnknown, isRawYcbcr, refuseBands, wideKind } from "./tiff.ts";

export { refuseLarge } from "./limits.ts";
export { type PictureFormat, sniff } from "./sniff.ts";

/** How pictures are decoded. */
export interface DecodeOptions {
  /** Larger pictures are refused by their header, before memory is taken for them. Default 100 million. */
  maxPixels?: number;
}

/** The default of {@linkcode DecodeOptions.maxPixels}. */
export const MAX_PIXELS = 100_000_000;

/**
 * Decodes a picture's file to RGB bytes, turned as its EXIF orientation says, alpha composited on white.
 *
 * JPEG goes through libjpeg-turbo; CMYK and unusual JPEGs and most other formats through libvips. Both decode on threads
 * of their own. What decoders merely warn of is a picture, as in browsers and Pillow; a file that is cut short is none: a
 * JPEG without its end marker, any other of which pixels are missing.
 *
 * @param bytes A JPEG, PNG, WebP, GIF (its first frame), TIFF, AVIF, BMP, PPM, PGM or PBM.
 * @param options The limit on pixels.
 * @returns RGB bytes.
 * @throws {TypeError} When the bytes are none: a path, an ArrayBuffer, a Response, a promise.
 * @throws {RangeError} When the limit is no number from 0 up.
 * @throws {PictureError} That says why this is no picture that can be read; the message names no file, the caller knows it.
 * @example
 * ```ts ignore
 * const picture = await decodePicture(await Deno.readFile("photo.jpg"));
 * ```
 */
export async function decodePicture(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  const maxPixels = options.maxPixels ?? MAX_PIXELS;
  if (!(maxPixels >= 0)) throw new RangeError(`maxPixels is ${maxPixels}; it must be a number from 0 up`);
  requireBytes(bytes, "a picture's file");
  if (bytes.length === 0) throw new PictureError("empty: 0 bytes");
  const format = sniff(bytes);
  if (format === null) {
    const start = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    // A pointer of Git LFS, a server's error, a telephone's HEIC: names of pictures are given to much.
    const beginning = bytes.subarray(0, START_BYTES), picture = otherPicture(beginning);
    const kind = picture ?? describeFile(beginning)?.what, other = kind ? `, but ${kind}` : "";
    const advice = picture === null ? "" : "; convert it to JPEG or PNG";
    throw new PictureError(
      `no JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP or PPM picture${other}${advice}: begins with bytes ${start}`,
    );
  }
  if (format === "ppm") return decodePpm(bytes, maxPixels);
  if (format === "bmp") return decodeBmp(bytes, maxPixels);
  if (format === "jpeg") return await decodeJpegFile(bytes, maxPixels);
  if (format !== "tiff") return await decodeVips(bytes, format, { maxPixels });
  return await decodeTiff(bytes, maxPixels);
}

async function decodeTiff(bytes: Uint8Array, maxPixels: number): Promise<Picture> {
  const ycbcr = isRawYcbcr(bytes), wide = wideKind(bytes);
  refuseBands(bytes);
  const ignoreAlpha = isExtraUnknown(bytes);
  const picture = await decodeVips(bytes, "tiff", {
    maxPixels,
    tiff: true,
    mayBeCmyk: true,
    ignoreAlpha,
    wide,
  });
  if (ycbcr) fromYcbcr(picture);
  return picture;
}

/** By libjpeg-turbo where it can, or else by libvips. What is a picture does not depend on which. */
async function decodeJpegFile(bytes: Uint8Array, maxPixels: number): Promise<Picture> {
  const header = readJpegHeader(bytes);
  refuseLarge(header, maxPixels);
  if (header.progressive && hasManyScans(bytes)) {
    throw new PictureError(`a JPEG of more than ${MOST_SCANS} scans, which would take minutes to decode`);
  }
  const picture = await decodeJpeg(bytes, header);
  if (picture) return orient(picture, header.orientation);
  if (!reachesEnd(bytes, header)) throw new PictureError("JPEG cut short: no end marker");
  return await decodeVips(bytes, "jpeg", { maxPixels, mayBeCmyk: header.components === 4 });
}

async function decodeVips(
  bytes: Uint8Array,
  format: PictureFormat,
  { wide = null, ...options }: SharpOptions & { wide?: ReturnType<typeof wideKind> },
): Promise<Picture> {
  const { decodeSharp, wideValues } = await import("./sharp.ts");
  try {
    if (wide !== null) return fromWide(await wideValues(bytes, options.maxPixels), wide);
    const picture = await decodeSharp(bytes, options).catch((error) => {
      const mended = format === "png" ? mendPng(bytes, options.maxPixels) : null;
      if (mended) return decodeSharp(mended, options);
      throw error;
    });
    refuseLarge(picture, options.maxPixels);
    return picture;
  } catch (error) {
    if (error instanceof PictureError) throw error;
    // Some of libvips' reasons end with a colon and nothing behind it.
    const reason = (error instanceof Error ? error.message : String(error)).trim().replace(/\s*:+$/, "");
    if (reason.includes("pixel limit")) throw tooLarge("", options.maxPixels);
    // The library repeats itself for each strip of a picture.
    const lines = new Set(reason.split(/\s*\n\s*/));
    throw new PictureError(`${format.toUpperCase()} cannot be decoded: ${[...lines].join("; ")}`);
  }
}

/** Every format but plain JPEG, and writing JPEGs, by libvips. The one file that names this package. */
import sharp, { type Sharp } from "npm:sharp@0.35.5";
import type { Picture } from "../types.ts";
import { sniff } from "./sniff.ts";
import type { WidePixels } from "./tiff.ts";

// Every picture is decoded once, so a cache only takes memory; and the stream decodes several at a time, so one
// picture gets one thread.
sharp.cache(false);
sharp.concurrency(1);

/** How a file is looked at. */
export interface SharpOptions {
  /** Larger pictures are refused before they are decoded. */
  maxPixels: number;
  /** Whether it is a TIFF, of which libvips takes missing pixels for an error of the format only. */
  tiff?: boolean;
  /** Whether what follows a pixel's colour says nothing of transparency. Default false. */
  ignoreAlpha?: boolean;
  /** Whether format and header allow CMYK, which costs a look at them. */
  mayBeCmyk?: boolean;
}

/**
 * Decodes any format that libvips knows: the first frame, turned as EXIF says, alpha composited on white, 16 bits cut
 * to 8, grey brought to RGB, colour profiles ignored (as in the JPEG path). CMYK becomes RGB as in Pillow, which the
 * reference's pictures come from: each colour is what its ink and black leave, (255 − C) (255 − K) / 255.
 *
 * Warnings are no errors, as in the JPEG path; a file that is cut short is one.
 *
 * @param bytes The file.
 * @returns RGB bytes.
 * @throws {Error} With libvips' reason.
 */
export async function decodeSharp(
  bytes: Uint8Array,
  { maxPixels, tiff = false, mayBeCmyk = false, ignoreAlpha = false }: SharpOptions,
): Promise<Picture> {
  const failOn = tiff ? "error" : "truncated", file = asStill(bytes);
  const open = () => sharp(file, { failOn, ignoreIcc: true, limitInputPixels: maxPixels });
  if (mayBeCmyk) {
    const { space, channels } = await open().metadata();
    if (space === "cmyk" && channels === 4) return await decodeCmyk(open());
  }
  const upright = open().autoOrient();
  const opaque = ignoreAlpha ? upright.removeAlpha() : upright.flatten({ background: "#ffffff" });
  return await pixelsOf(opaque.toColourspace("srgb"), 3);
}

/**
 * Reads a picture's values as they are stored, without the changes of colours that libvips would make.
 *
 * @param bytes A TIFF of wide values.
 * @throws {Error} With libvips' reason.
 */
export async function wideValues(bytes: Uint8Array, maxPixels: number): Promise<WidePixels> {
  const open = () => sharp(bytes, { failOn: "error", ignoreIcc: true, limitInputPixels: maxPixels });
  const space = (await open().metadata()).space === "scrgb" ? "scrgb" : "b-w";
  const values = open().autoOrient().toColourspace(space).raw({ depth: "float" });
  const { data, info: { width, height, channels } } = await values.toBuffer({ resolveWithObject: true });
  // Its place in memory may be no multiple of four.
  return { width, height, channels, data: new Float32Array(new Uint8Array(data).buffer) };
}

/** For a second look at what was decoded. */
const LENIENT = { failOn: "none", limitInputPixels: false } as const;

/** How EXIF says that a picture which can be decoded is turned, 1 … 8; 1 where nothing says it. */
export async function orientationOf(bytes: Uint8Array): Promise<number> {
  if (["ppm", "bmp"].includes(sniff(bytes) ?? "")) return 1;
  return (await sharp(bytes, LENIENT).metadata()).orientation ?? 1;
}

/** Whether a picture that can be decoded has pixels which are not wholly opaque. */
export async function isTransparent(bytes: Uint8Array): Promise<boolean> {
  if (["ppm", "bmp"].includes(sniff(bytes) ?? "")) return false;
  if (!(await sharp(bytes, LENIENT).metadata()).hasAlpha) return false;
  return !(await sharp(bytes, LENIENT).stats()).isOpaque;
}

/** libvips knows an AVIF by its first brand, and takes that of a sequence for another format; its first frame is there. */
function asStill(bytes: Uint8Array): Uint8Array {
  const brand = (text: string) => [...text].every((letter, i) => bytes[4 + i] === letter.charCodeAt(0));
  if (!brand("ftypavis")) return bytes;
  const still = bytes.slice();
  still.set(new TextEncoder().encode("ftypavif"), 4);
  return still;
}

async function pixelsOf(pipeline: Sharp, channels: number): Promise<Picture> {
  const { data, info } = await pipeline.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  if (info.channels !== channels) {
    throw new Error(`decoded to ${info.channels} channels instead of ${channels}`);
  }
  const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { width: info.width, height: info.height, data: pixels };
}

async function decodeCmyk(file: Sharp): Promise<Picture> {
  const inks = file.autoOrient().pipelineColourspace("cmyk").toColourspace("cmyk");
  const { width, height, data } = await pixelsOf(inks, 4);
  const out = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const light = 255 - data[from + 3];
    for (let ink = 0; ink < 3; ink++) out[to++] = Math.round(light * (255 - data[from + ink]) / 255);
  }
  return { width, height, data: out };
}

/**
 * Encodes RGB bytes as a JPEG with colour at half the resolution, as cameras do.
 *
 * @param picture RGB bytes.
 * @param quality 1 … 100.
 */
export async function encodeJpeg({ width, height, data }: Picture, quality: number): Promise<Uint8Array> {
  const file = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality, chromaSubsampling: "4:2:0" }).toBuffer();
  return new Uint8Array(file);
}

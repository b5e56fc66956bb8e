/** Every format but plain JPEG, and writing JPEGs, by libvips. The one file that names this package. */
import sharp from "npm:sharp@0.35.5";
import type { Picture } from "../types.ts";

// Every picture is decoded once, so a cache only takes memory; and the stream decodes several at a time, so one
// picture gets one thread.
sharp.cache(false);
sharp.concurrency(1);

/**
 * Decodes any format that libvips knows: the first frame, turned as EXIF says, alpha composited on white, 16 bits cut
 * to 8, grey and CMYK brought to RGB, colour profiles ignored (as in the JPEG path).
 *
 * @param bytes The file.
 * @param maxPixels Larger pictures are refused before they are decoded.
 * @returns RGB bytes.
 * @throws {Error} With libvips' reason.
 */
export async function decodeSharp(bytes: Uint8Array, maxPixels: number): Promise<Picture> {
  try {
    return await decodeUnless("warning", bytes, maxPixels);
  } catch (error) {
    // Padding between segments is common in photographs and harms nothing; other programs pass over it as well.
    if (error instanceof Error && error.message.includes("extraneous bytes")) {
      return await decodeUnless("truncated", bytes, maxPixels);
    }
    throw error;
  }
}

async function decodeUnless(
  failOn: "warning" | "truncated",
  bytes: Uint8Array,
  maxPixels: number,
): Promise<Picture> {
  const { data, info } = await sharp(bytes, { failOn, ignoreIcc: true, limitInputPixels: maxPixels })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`decoded to ${info.channels} channels in place of 3`);
  return {
    width: info.width,
    height: info.height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
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

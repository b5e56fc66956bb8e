/** Pictures of a set as a page shows them. */
import { memo } from "../data/io/reader/cache.ts";
import { decodePicture, sniff } from "../data/picture/decode.ts";
import { resize } from "../data/picture/resize.ts";
import { encodeJpeg } from "../data/picture/sharp.ts";
import { PictureError } from "../data/types.ts";

/** Longer sides of what is shown, in pixels. */
const SMALL = 320, LARGE = 1600;
/** Bytes of small pictures that are kept. */
const KEPT = 64 * 2 ** 20;

/** A picture's bytes and what kind they are. */
export interface ServedPicture {
  bytes: Uint8Array;
  type: string;
}

/** Formats that every browser shows. Others are shown as JPEG, also where their file is asked for. */
const SHOWN: Readonly<Record<string, string>> = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
};

async function smaller(bytes: Uint8Array, side: number): Promise<ServedPicture> {
  const picture = await decodePicture(bytes),
    scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const [width, height] = [picture.width, picture.height].map((n) => Math.max(1, Math.round(n * scale)));
  const shown = scale < 1 ? resize(picture, width, height, "bilinear") : picture;
  return { bytes: await encodeJpeg(shown, 90), type: "image/jpeg" };
}

/**
 * Gives pictures of a set: decoded by our own decoder and made smaller, or their files as they are.
 *
 * @param read Reads a picture's file; null where it is not there any more.
 * @returns Null where there is no picture that can be read.
 */
export function shownPictures(
  read: (row: number) => Promise<Uint8Array | null>,
): (row: number, kind: "small" | "large" | "file") => Promise<ServedPicture | null> {
  const made = async (row: number, kind: "small" | "large" | "file"): Promise<ServedPicture | null> => {
    const bytes = await read(row);
    if (!bytes) return null;
    const type = SHOWN[sniff(bytes) ?? ""];
    if (kind === "file" && type) return { bytes, type };
    try {
      return await smaller(bytes, kind === "small" ? SMALL : LARGE);
    } catch (error) {
      if (error instanceof PictureError) return null;
      throw error;
    }
  };
  // What could not be read may be there the next time: only failures are not kept.
  const missing = new Error("no picture");
  const small = memo(KEPT, async (row: number) => {
    const shown = await made(row, "small");
    if (shown) return shown;
    throw missing;
  }, (shown) => 200 + shown.bytes.length);
  return async (row, kind) => {
    if (kind !== "small") return await made(row, kind);
    return await small(row).catch((error) => {
      if (error === missing) return null;
      throw error;
    });
  };
}

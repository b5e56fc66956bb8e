/** Pictures that EXIF turns, whose boxes were drawn on them as they are stored. */
import { PictureError } from "../types.ts";
import { readJpegHeader } from "./jpeg_header.ts";
import { sniff } from "./sniff.ts";

/**
 * Makes a JPEG stand as its annotations see it. Where EXIF lays it on its side (orientations 5 to 8), the annotated width and
 * height tell whether they are those of the picture as it is stored or as it is shown. In the first case the orientation is set
 * to 1, so the picture is decoded as it is stored. Sizes do not tell of squares, nor of pictures that are mirrored or turned by
 * half a turn: these are shown as EXIF says.
 *
 * @param bytes Of a file; changed in place.
 * @param annotated Width and height as annotated, in any unit.
 */
export function standAsAnnotated(bytes: Uint8Array, annotated: { width: number; height: number }): void {
  if (sniff(bytes) !== "jpeg") return;
  try {
    const { width, height, orientation, orientations } = readJpegHeader(bytes);
    if (orientation < 5 || (annotated.width - annotated.height) * (width - height) <= 0) return;
    // A number of two bytes, in either order.
    for (const at of orientations) for (const byte of [at, at + 1]) bytes[byte] = bytes[byte] === 0 ? 0 : 1;
  } catch (error) {
    // Who decodes it says so.
    if (!(error instanceof PictureError)) throw error;
  }
}

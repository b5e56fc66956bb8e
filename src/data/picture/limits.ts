import { PictureError } from "../types.ts";

/**
 * Pixels of the longer side. Work on a picture of so few other pixels goes with its length, as no photograph's does: the
 * weights that make 224 pixels of a hundred million take a gigabyte.
 */
const MAX_SIDE = 1_000_000;

/**
 * Refuses a picture with more pixels than `maxPixels`, or with a side that no picture has.
 *
 * @throws {PictureError} Names its size and the limit.
 */
export function refuseLarge({ width, height }: { width: number; height: number }, maxPixels: number): void {
  if (width * height > maxPixels) throw tooLarge(` (${width} × ${height})`, maxPixels);
  if (Math.max(width, height) <= MAX_SIDE) return;
  throw new PictureError(`too large (${width} × ${height}): a side of more than ${MAX_SIDE} pixels`);
}

/** The error for a picture with too many pixels. */
export function tooLarge(size: string, maxPixels: number): PictureError {
  return new PictureError(`too large${size}: more than the limit of ${maxPixels} pixels`);
}

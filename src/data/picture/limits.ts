import { PictureError } from "../types.ts";

/** Throws PictureError for a picture with more pixels than `maxPixels`. */
export function refuseLarge({ width, height }: { width: number; height: number }, maxPixels: number): void {
  if (width * height > maxPixels) throw tooLarge(` (${width} × ${height})`, maxPixels);
}

/** The error for a picture with too many pixels. */
export function tooLarge(size: string, maxPixels: number): PictureError {
  return new PictureError(`too large${size}: more than the limit of ${maxPixels} pixels`);
}

import { letterBox } from "../../views/boxes.ts";
import { canvas, type Colour } from "./drawing.ts";
import { resize } from "./resize.ts";
import type { Picture } from "../types.ts";

/**
 * A picture in a square with its shape kept: as large as fits, bilinear with antialias, in the middle. `letterBox(picture, { width: size,
 * height: size }, true)` says where its points lie.
 *
 * @param picture RGB bytes of any size.
 * @param size Side of the square in pixels.
 * @param colour Of the rest.
 * @returns size × size × 3 bytes.
 */
export function letterBoxPicture(picture: Picture, size: number, colour: Colour): Uint8Array {
  const { width, height, left, top } = letterBox(picture, { width: size, height: size }, true);
  const small = resize(picture, width, height, "bilinear"), square = canvas(size, size, colour);
  for (let y = 0; y < height; y++) {
    square.data.set(small.data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * size + left) * 3);
  }
  return square.data;
}

import type { Picture } from "../types.ts";

/**
 * Turns a picture the way its EXIF orientation says.
 *
 * @param picture RGB bytes as stored.
 * @param orientation 1 … 8: 1 as it is, 2 mirrored, 3 half a turn, 4 upside down mirrored, 5 to 8 with rows and
 * columns swapped.
 * @returns The picture to look at; the same object for orientation 1.
 */
export function orient(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width, height, data } = picture;
  const swap = orientation >= 5;
  // Which ends the stored rows and columns are read from.
  const mirrorX = orientation === 2 || orientation === 3 || orientation === 7 || orientation === 8;
  const mirrorY = orientation === 3 || orientation === 4 || orientation === 6 || orientation === 7;
  const [columns, rows] = swap ? [height, width] : [width, height];
  const out = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const [u, v] = swap ? [y, x] : [x, y];
      const from = ((mirrorY ? height - 1 - v : v) * width + (mirrorX ? width - 1 - u : u)) * 3;
      out[to++] = data[from];
      out[to++] = data[from + 1];
      out[to++] = data[from + 2];
    }
  }
  return { width: columns, height: rows, data: out };
}

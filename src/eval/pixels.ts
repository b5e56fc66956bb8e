import type { Rows } from "./rows.ts";

/**
 * Raw pixels as features: every picture shrunk to side × side by averaging its pixels in equal squares.
 *
 * @param pictures count × size × size × 3 values, bytes or real.
 * @param size Side of the pictures.
 * @param side A divisor of `size`; `size` itself leaves the pixels as they are.
 * @returns One row a picture, side·side·3 wide.
 * @throws {RangeError} When `side` does not divide `size`.
 */
export function pixelRows(pictures: Uint8Array | Float32Array, size: number, side: number): Rows {
  const step = size / side, width = side * side * 3, pixels = size * size * 3;
  if (!Number.isInteger(step)) throw new RangeError(`${size} pixels do not divide into ${side}`);
  const rows = pictures.length / pixels;
  const data = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let y = 0; y < size; y++) {
      const cellRow = row * width + Math.floor(y / step) * side * 3;
      for (let x = 0; x < size; x++) {
        const from = row * pixels + (y * size + x) * 3, to = cellRow + Math.floor(x / step) * 3;
        for (let c = 0; c < 3; c++) data[to + c] += pictures[from + c];
      }
    }
  }
  const scale = 1 / (step * step);
  for (let i = 0; i < data.length; i++) data[i] *= scale;
  return { rows, width, data };
}

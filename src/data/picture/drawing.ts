import type { Picture } from "../types.ts";

/** A colour as red, green, blue, 0…255. */
export type Colour = readonly [number, number, number];

/** Letters, digits and signs of 5 × 7 dots; a row is a number whose highest of five bits is the left dot. */
const LETTERS: Readonly<Record<string, readonly number[]>> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  B: [30, 17, 17, 30, 17, 17, 30],
  C: [14, 17, 16, 16, 16, 17, 14],
  D: [30, 17, 17, 17, 17, 17, 30],
  E: [31, 16, 16, 30, 16, 16, 31],
  F: [31, 16, 16, 30, 16, 16, 16],
  G: [14, 17, 16, 23, 17, 17, 14],
  H: [17, 17, 17, 31, 17, 17, 17],
  I: [14, 4, 4, 4, 4, 4, 14],
  J: [7, 2, 2, 2, 2, 18, 12],
  K: [17, 18, 20, 24, 20, 18, 17],
  L: [16, 16, 16, 16, 16, 16, 31],
  M: [17, 27, 21, 21, 17, 17, 17],
  N: [17, 25, 21, 19, 17, 17, 17],
  O: [14, 17, 17, 17, 17, 17, 14],
  P: [30, 17, 17, 30, 16, 16, 16],
  Q: [14, 17, 17, 17, 21, 18, 13],
  R: [30, 17, 17, 30, 20, 18, 17],
  S: [15, 16, 16, 14, 1, 1, 30],
  T: [31, 4, 4, 4, 4, 4, 4],
  U: [17, 17, 17, 17, 17, 17, 14],
  V: [17, 17, 17, 17, 17, 10, 4],
  W: [17, 17, 17, 21, 21, 27, 17],
  X: [17, 17, 10, 4, 10, 17, 17],
  Y: [17, 17, 10, 4, 4, 4, 4],
  Z: [31, 1, 2, 4, 8, 16, 31],
  "0": [14, 17, 19, 21, 25, 17, 14],
  "1": [4, 12, 4, 4, 4, 4, 14],
  "2": [14, 17, 1, 2, 4, 8, 31],
  "3": [31, 2, 4, 2, 1, 17, 14],
  "4": [2, 6, 10, 18, 31, 2, 2],
  "5": [31, 16, 30, 1, 1, 17, 14],
  "6": [6, 8, 16, 30, 17, 17, 14],
  "7": [31, 1, 2, 4, 8, 8, 8],
  "8": [14, 17, 17, 14, 17, 17, 14],
  "9": [14, 17, 17, 15, 1, 2, 12],
  ".": [0, 0, 0, 0, 0, 12, 12],
  ",": [0, 0, 0, 0, 12, 4, 8],
  ":": [0, 12, 12, 0, 12, 12, 0],
  "-": [0, 0, 0, 31, 0, 0, 0],
  "+": [0, 4, 4, 31, 4, 4, 0],
  "_": [0, 0, 0, 0, 0, 0, 31],
  "/": [1, 1, 2, 4, 8, 16, 16],
  "(": [2, 4, 8, 8, 8, 4, 2],
  ")": [8, 4, 2, 2, 2, 4, 8],
  "'": [4, 4, 8, 0, 0, 0, 0],
  "&": [12, 18, 20, 8, 21, 18, 13],
  "#": [10, 10, 31, 10, 31, 10, 10],
  "=": [0, 0, 31, 0, 31, 0, 0],
  "…": [0, 0, 0, 0, 0, 21, 21],
};

/** Dots from one letter to the next. */
export const ADVANCE = 6;

/** An empty picture of one colour. */
export function canvas(width: number, height: number, [r, g, b]: Colour): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i += 3) data.set([r, g, b], i);
  return { width, height, data };
}

/** Fills a rectangle; what lies outside of the picture is left out. */
export function fill(
  picture: Picture,
  left: number,
  top: number,
  width: number,
  height: number,
  colour: Colour,
): void {
  for (let y = Math.max(0, top); y < Math.min(picture.height, top + height); y++) {
    for (let x = Math.max(0, left); x < Math.min(picture.width, left + width); x++) {
      picture.data.set(colour, (y * picture.width + x) * 3);
    }
  }
}

/** Draws the four sides of a box, a pixel thick and inside of it; edges between pixels are rounded. */
export function outline(
  picture: Picture,
  [left, top, right, bottom]: ArrayLike<number> & Iterable<number>,
  colour: Colour,
): void {
  const [x, y] = [Math.round(left), Math.round(top)];
  const width = Math.max(1, Math.round(right) - x), height = Math.max(1, Math.round(bottom) - y);
  fill(picture, x, y, width, 1, colour);
  fill(picture, x, y + height - 1, width, 1, colour);
  fill(picture, x, y, 1, height, colour);
  fill(picture, x + width - 1, y, 1, height, colour);
}

/** A bright colour for a class, unlike those of the numbers next to it. */
export function classColour(number: number): Colour {
  // The golden angle: no two of the first dozens are near to each other.
  const hue = number * 2.399963;
  const channel = (shift: number) => Math.round(160 + 95 * Math.cos(hue + shift));
  return [channel(0), channel(2 * Math.PI / 3), channel(4 * Math.PI / 3)];
}

/** Copies a square of `size` × `size` × 3 bytes, every pixel `scale` × `scale` pixels large. */
export function paste(
  picture: Picture,
  square: Uint8Array,
  size: number,
  left: number,
  top: number,
  scale: number,
): void {
  for (let y = 0; y < size * scale; y++) {
    for (let x = 0; x < size * scale; x++) {
      const from = (Math.floor(y / scale) * size + Math.floor(x / scale)) * 3;
      picture.data.set(square.subarray(from, from + 3), ((top + y) * picture.width + left + x) * 3);
    }
  }
}

/**
 * Writes a line in capitals of 7 · scale pixels. Accents are left out; characters other than letters, digits and a few signs
 * are spaces.
 */
export function write(
  picture: Picture,
  line: string,
  left: number,
  top: number,
  scale: number,
  colour: Colour,
): void {
  const plain = line.toUpperCase().normalize("NFD").replace(/\p{M}/gu, "");
  [...plain].forEach((letter, n) =>
    LETTERS[letter]?.forEach((row, y) => {
      for (let x = 0; x < 5; x++) {
        if ((row >> (4 - x)) & 1) {
          fill(picture, left + (n * ADVANCE + x) * scale, top + y * scale, scale, scale, colour);
        }
      }
    })
  );
}

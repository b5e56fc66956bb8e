/** Masks as COCO's run lengths: area, box, text, pixels. */
import { CocoError } from "./error.ts";

/**
 * A mask of one picture. Pixels are counted down the columns, from the left one on; `runs` are the lengths of runs of
 * zeros and ones in turn, zeros first (0 where the first pixel is a one). What the runs leave over at the end is zeros.
 */
export interface Mask {
  /** Pixels. */
  height: number;
  width: number;
  runs: Uint32Array<ArrayBuffer>;
}

/** Left, top, width and height in pixels, as COCO writes boxes. */
export type CocoBox = [x: number, y: number, width: number, height: number];

/**
 * Makes sure that runs fit into their picture.
 *
 * @throws {CocoError} When a side is no whole number above 0, a run is none from 0 up, or together they are longer than the
 *   picture.
 */
export function checkRuns(runs: ArrayLike<number>, height: number, width: number): void {
  if (!(Number.isSafeInteger(height) && Number.isSafeInteger(width) && height > 0 && width > 0)) {
    throw new CocoError(`a mask's size is [${height}, ${width}], not two whole numbers above 0`);
  }
  if (height * width >= 2 ** 32) throw new CocoError(`a mask of ${height} × ${width} pixels is too large`);
  let sum = 0;
  for (let i = 0; i < runs.length; i++) {
    if (!Number.isSafeInteger(runs[i]) || runs[i] < 0) {
      throw new CocoError(`run ${i} of a mask is ${runs[i]}, not a whole number from 0 up`);
    }
    sum += runs[i];
  }
  if (sum > height * width) {
    throw new CocoError(
      `a mask's runs have ${sum} pixels, its picture of ${height} × ${width} only ${height * width}`,
    );
  }
}

/**
 * Reads run lengths as COCO's tools write them into a text: numbers of 5 bits a character, from the fourth run on the
 * difference to the run two before (maskApi.c, `rleFrString`).
 *
 * @param counts The text, such as `5220003`.
 * @throws {CocoError} When the text is none, breaks off, or a run is negative.
 */
export function runsFromText(counts: string): Uint32Array<ArrayBuffer> {
  const runs = new Uint32Array(counts.length);
  let length = 0;
  for (let at = 0; at < counts.length;) {
    let value = 0, scale = 1, bits: number;
    do {
      bits = counts.charCodeAt(at++) - 48;
      // Past the end this is NaN, which is in no range.
      if (!(bits >= 0 && bits < 64)) {
        throw new CocoError(
          at > counts.length
            ? "a mask's counts break off within a number"
            : `a mask's counts have the character ${JSON.stringify(counts[at - 1])}`,
        );
      }
      value += (bits & 31) * scale;
      scale *= 32;
    } while (bits & 32 && scale < 2 ** 40);
    if (bits & 16) value -= scale;
    if (length > 2) value += runs[length - 2];
    if (value < 0 || value >= 2 ** 32) throw new CocoError(`run ${length} of a mask is ${value}`);
    runs[length++] = value;
  }
  return runs.slice(0, length);
}

/**
 * Writes run lengths as a text (maskApi.c, `rleToString`); the inverse of {@linkcode runsFromText}.
 *
 * @throws {CocoError} When a run is no whole number from 0 to 2³² − 1.
 */
export function textFromRuns(runs: ArrayLike<number>): string {
  const codes: number[] = [];
  for (let i = 0; i < runs.length; i++) {
    if (!(runs[i] >= 0 && runs[i] < 2 ** 32 && Number.isInteger(runs[i]))) {
      throw new CocoError(`run ${i} of a mask is ${runs[i]}`);
    }
    let value = runs[i] - (i > 2 ? runs[i - 2] : 0), more: boolean;
    do {
      // Remainder and quotient as the bits of a two's complement give them, also beyond 32 bits.
      const rest = Math.floor(value / 32), bits = value - rest * 32;
      value = rest;
      more = bits & 16 ? value !== -1 : value !== 0;
      codes.push(48 + bits + (more ? 32 : 0));
    } while (more);
  }
  let text = "";
  for (let at = 0; at < codes.length; at += 4096) {
    text += String.fromCharCode(...codes.slice(at, at + 4096));
  }
  return text;
}

/** Pixels of a mask. */
export function maskArea({ runs }: Mask): number {
  let area = 0;
  for (let i = 1; i < runs.length; i += 2) area += runs[i];
  return area;
}

/**
 * The box around a mask in whole pixels, as pycocotools 2.0.11 counts it: a run over several columns spans all rows. An empty
 * mask without runs of ones has [0, 0, 0, 0].
 */
export function maskBox({ height, width, runs }: Mask): CocoBox {
  const even = runs.length - runs.length % 2;
  if (even === 0) return [0, 0, 0, 0];
  let left = width, top = height, right = 0, bottom = 0, end = 0;
  for (let i = 0; i < even; i++) {
    const start = end;
    end += runs[i];
    if (i % 2 === 0 || runs[i] === 0) continue;
    const y = start % height, x = (start - y) / height;
    const lastY = (end - 1) % height, lastX = (end - 1 - lastY) / height;
    left = Math.min(left, x);
    right = Math.max(right, lastX);
    if (x < lastX) {
      top = 0;
      bottom = height - 1;
    } else {
      top = Math.min(top, y);
      bottom = Math.max(bottom, lastY);
    }
  }
  // As in C, whose whole numbers have no sign: without a pixel, the box lies at the far corner and is huge or empty.
  return [left, top, (right - left + 1) >>> 0, (bottom - top + 1) >>> 0];
}

/**
 * Refuses the size of a picture that cannot be.
 *
 * @throws {CocoError} When a side is no whole number of pixels.
 */
export function checkMaskSize(height: number, width: number): void {
  if (Number.isSafeInteger(height) && Number.isSafeInteger(width) && height >= 0 && width >= 0) return;
  throw new CocoError(`a mask of ${height} × ${width} pixels; both must be whole numbers`);
}

/**
 * A mask from pixels.
 *
 * @param pixels One byte each, row by row, [height, width]; 0 is outside.
 * @throws {CocoError} When there are not so many pixels.
 */
export function maskFromPixels(pixels: Uint8Array, height: number, width: number): Mask {
  checkMaskSize(height, width);
  if (pixels.length !== height * width) {
    throw new CocoError(`a mask of ${height} × ${width} has ${height * width} pixels, not ${pixels.length}`);
  }
  const runs: number[] = [];
  let inside = false, length = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if ((pixels[y * width + x] !== 0) !== inside) {
        runs.push(length);
        length = 0;
        inside = !inside;
      }
      length++;
    }
  }
  runs.push(length);
  return { height, width, runs: Uint32Array.from(runs) };
}

/** The pixels of a mask as 0 or 1, one byte each, row by row, [height, width]. */
export function pixelsOfMask({ height, width, runs }: Mask): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(height * width);
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    if (i % 2 === 0) {
      at += runs[i];
      continue;
    }
    for (const end = at + runs[i]; at < end; at++) {
      const y = at % height;
      pixels[y * width + (at - y) / height] = 1;
    }
  }
  return pixels;
}

/**
 * The union of masks of one picture (maskApi.c, `rleMerge`).
 *
 * @param masks At least one; a single one is returned as it is.
 * @throws {CocoError} When there are none, or their sizes differ.
 */
export function uniteMasks(masks: readonly Mask[]): Mask {
  if (masks.length === 0) throw new CocoError("no mask to unite");
  return masks.reduce(unitePair);
}

function unitePair(a: Mask, b: Mask): Mask {
  if (a.height !== b.height || a.width !== b.width) {
    throw new CocoError(`masks of ${a.height} × ${a.width} and ${b.height} × ${b.width} pixels in one`);
  }
  const runs = new Uint32Array(a.runs.length + b.runs.length + 1);
  let length = 0, i = 1, j = 1, run = 0, left = 1;
  let restA = a.runs[0] ?? 0, restB = b.runs[0] ?? 0, inA = false, inB = false, inside = false;
  while (left > 0) {
    const step = Math.min(restA, restB);
    run += step;
    restA -= step;
    if (restA === 0 && i < a.runs.length) {
      restA = a.runs[i++];
      inA = !inA;
    }
    restB -= step;
    if (restB === 0 && j < b.runs.length) {
      restB = b.runs[j++];
      inB = !inB;
    }
    left = restA + restB;
    const before: boolean = inside;
    inside = inA || inB;
    if (inside !== before || left === 0) {
      runs[length++] = run;
      run = 0;
    }
  }
  return { height: a.height, width: a.width, runs: runs.slice(0, length) };
}

/** Where boxes lie after a picture is cropped, mirrored, resized or letter-boxed. */
import type { Crop } from "./types.ts";

/** A size in pixels. */
export interface BoxSize {
  width: number;
  height: number;
}

/**
 * Where points of one picture lie in another: x ↦ scaleX · x + shiftX, the same for y, in pixels from the left top corner. A
 * negative scale mirrors.
 */
export interface BoxMap {
  scaleX: number;
  shiftX: number;
  scaleY: number;
  shiftY: number;
}

function checkSize({ width, height }: BoxSize, what: string): void {
  if (width > 0 && height > 0 && width < Infinity && height < Infinity) return;
  throw new RangeError(`${what} is ${width} × ${height} pixels; both sides must be above 0`);
}

function checkBoxes(boxes: Float64Array): void {
  if (boxes.length % 4 !== 0) {
    throw new RangeError(`${boxes.length} numbers are no boxes, which have four each`);
  }
}

/**
 * A picture resized as a whole, its sides squeezed alike or not.
 *
 * @param from Its size.
 * @param to Its new size.
 * @throws {RangeError} When a side is not above 0.
 */
export function resizeMap(from: BoxSize, to: BoxSize): BoxMap {
  checkSize(from, "the picture");
  checkSize(to, "its new size");
  return { scaleX: to.width / from.width, shiftX: 0, scaleY: to.height / from.height, shiftY: 0 };
}

/**
 * A crop resized to a picture of its own, and mirrored after that if `flip` says so: what a view does (docs/spec.md §1.2–3).
 *
 * @param crop The part of the picture that is cut out.
 * @param to The size that it gets.
 * @param flip Whether left and right change places.
 * @throws {RangeError} When a side is not above 0.
 */
export function cropMap({ left, top, width, height }: Crop, to: BoxSize, flip = false): BoxMap {
  checkSize({ width, height }, "the crop");
  checkSize(to, "the size that it gets");
  const scaleX = to.width / width, scaleY = to.height / height;
  // A zero without a sign.
  const shiftX = 0 - left * scaleX, shiftY = 0 - top * scaleY;
  return flip
    ? { scaleX: -scaleX, shiftX: to.width - shiftX, scaleY, shiftY }
    : { scaleX, shiftX, scaleY, shiftY };
}

/** A letter-box: the size of the picture in it, in whole pixels, and where points of the picture lie. */
export interface LetterBox extends BoxSize {
  /** Pixels that are left free on the left and above. */
  left: number;
  top: number;
  map: BoxMap;
}

/**
 * A picture resized to fit into another size with its shape kept, but for less than a pixel; the rest stays free.
 *
 * @param from Its size.
 * @param into The size that it has to fit into.
 * @param centred In the middle; otherwise in the left top corner. Default false.
 * @throws {RangeError} When a side is not above 0.
 */
export function letterBox(from: BoxSize, into: BoxSize, centred = false): LetterBox {
  checkSize(from, "the picture");
  checkSize(into, "the size that it has to fit into");
  const scale = Math.min(into.width / from.width, into.height / from.height);
  const fit = (side: number, most: number) => Math.min(most, Math.max(1, Math.round(side * scale)));
  const width = fit(from.width, into.width), height = fit(from.height, into.height);
  const left = centred ? Math.floor((into.width - width) / 2) : 0;
  const top = centred ? Math.floor((into.height - height) / 2) : 0;
  const map = resizeMap(from, { width, height });
  return { width, height, left, top, map: { ...map, shiftX: left, shiftY: top } };
}

/** One map after another: that of `second` on what `first` gives. */
export function joinMaps(first: BoxMap, second: BoxMap): BoxMap {
  return {
    scaleX: first.scaleX * second.scaleX,
    shiftX: first.shiftX * second.scaleX + second.shiftX,
    scaleY: first.scaleY * second.scaleY,
    shiftY: first.shiftY * second.scaleY + second.shiftY,
  };
}

/** The way back. */
export function inverseMap({ scaleX, shiftX, scaleY, shiftY }: BoxMap): BoxMap {
  return { scaleX: 1 / scaleX, shiftX: 0 - shiftX / scaleX, scaleY: 1 / scaleY, shiftY: 0 - shiftY / scaleY };
}

/**
 * Boxes in the other picture.
 *
 * @param boxes Left, top, right, bottom in pixels, [n, 4] flat.
 * @param map Where points lie there.
 * @returns [n, 4] flat, left before right also where the map mirrors. Nothing is rounded or cut.
 * @throws {RangeError} When the numbers are not four a box.
 */
export function moveBoxes(boxes: Float64Array, map: BoxMap): Float64Array<ArrayBuffer> {
  checkBoxes(boxes);
  const { scaleX, shiftX, scaleY, shiftY } = map, out = new Float64Array(boxes.length);
  for (let i = 0; i < boxes.length; i += 4) {
    const x0 = scaleX * boxes[i] + shiftX, x1 = scaleX * boxes[i + 2] + shiftX;
    const y0 = scaleY * boxes[i + 1] + shiftY, y1 = scaleY * boxes[i + 3] + shiftY;
    out[i] = Math.min(x0, x1);
    out[i + 1] = Math.min(y0, y1);
    out[i + 2] = Math.max(x0, x1);
    out[i + 3] = Math.max(y0, y1);
  }
  return out;
}

/** What is left of boxes in a picture. */
export interface CutBoxes {
  /** Those that are kept, cut at the picture's edges, [n, 4] flat. */
  boxes: Float64Array<ArrayBuffer>;
  /** Which of the boxes that were given each one is. */
  kept: Uint32Array<ArrayBuffer>;
  /** The share of its area that lies in the picture, above 0 and at most 1. */
  visible: Float64Array<ArrayBuffer>;
}

/**
 * Cuts boxes at the edges of a picture and leaves out those of which too little is left.
 *
 * @param boxes Left, top, right, bottom in pixels, [n, 4] flat.
 * @param size The picture's size.
 * @param leastVisible The least share of a box's area that must lie in the picture. Default 0: any part of it.
 * @throws {RangeError} When the share is not from 0 to 1, or the numbers are not four a box.
 */
export function cutBoxes(boxes: Float64Array, { width, height }: BoxSize, leastVisible = 0): CutBoxes {
  checkBoxes(boxes);
  if (!(leastVisible >= 0 && leastVisible <= 1)) {
    throw new RangeError(`the least visible share is ${leastVisible}, not from 0 to 1`);
  }
  const cut: number[] = [], kept: number[] = [], visible: number[] = [];
  for (let i = 0; i < boxes.length; i += 4) {
    const [x0, y0, x1, y1] = boxes.subarray(i, i + 4);
    const left = Math.max(0, x0),
      top = Math.max(0, y0),
      right = Math.min(width, x1),
      bottom = Math.min(height, y1);
    if (!(right > left && bottom > top)) continue;
    const whole = left === x0 && top === y0 && right === x1 && bottom === y1;
    const share = whole ? 1 : ((right - left) * (bottom - top)) / ((x1 - x0) * (y1 - y0));
    if (share < leastVisible) continue;
    cut.push(left, top, right, bottom);
    kept.push(i / 4);
    visible.push(share);
  }
  return { boxes: Float64Array.from(cut), kept: Uint32Array.from(kept), visible: Float64Array.from(visible) };
}

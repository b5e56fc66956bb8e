import { quickResize, resizeRows } from "./resize_kernel.ts";
import { type PlaneLayout, resizePlanes } from "./resize_planes.ts";
import { type Filter, type Span, type Taps, tapsOf, upsampledTaps } from "./resize_taps.ts";
import { requirePicture } from "./required.ts";
import type { Picture } from "../types.ts";

export type { Filter } from "./resize_taps.ts";

/** A rectangle in whole pixels. */
export interface Rectangle {
  top: number;
  left: number;
  width: number;
  height: number;
}

function checkSize(value: number, name: string): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name} must be a whole number of pixels of at least 1, not ${value}`);
  }
}

function checkFilter(filter: Filter): void {
  if (filter === "bilinear" || filter === "bicubic") return;
  throw new RangeError(`there is no filter ${JSON.stringify(filter)}; take bilinear or bicubic`);
}

/**
 * Resizes a picture, or a part of it, with antialias, bit for bit as PIL does: columns first, then rows, 8 bits in
 * between, an axis of unchanged length skipped. docs/spec.md §12.
 *
 * A part is cut out before, so its border, not the picture's, ends the filter.
 *
 * @param picture RGB bytes.
 * @param width Columns of the result.
 * @param height Rows of the result.
 * @param filter Bilinear or bicubic.
 * @param given The part to resize. Default: the whole picture.
 * @param out Where the result goes. Default: new bytes.
 * @returns The result.
 * @throws {TypeError} When the picture is none: a file's bytes, or a promise of a picture.
 * @throws {RangeError} For an impossible size, an unknown filter or a part that is not inside the picture.
 */
export function resize(
  picture: Picture,
  width: number,
  height: number,
  filter: Filter,
  given?: Rectangle,
  out?: Uint8Array,
): Picture {
  requirePicture(picture);
  const part = given ?? { top: 0, left: 0, width: picture.width, height: picture.height };
  checkFilter(filter);
  checkSize(width, "width");
  checkSize(height, "height");
  checkSize(part.width, "the part's width");
  checkSize(part.height, "the part's height");
  if (
    !(part.top >= 0 && part.left >= 0 && Number.isInteger(part.top) && Number.isInteger(part.left) &&
      part.top + part.height <= picture.height && part.left + part.width <= picture.width)
  ) {
    throw new RangeError(
      `the part (top ${part.top}, left ${part.left}, ${part.width} × ${part.height}) is not inside the picture ` +
        `(${picture.width} × ${picture.height})`,
    );
  }
  // Columns that stay are cut out first, so that rows are one after the other.
  const whole = part.width === width && part.width < picture.width
    ? { data: cut(picture, part), offset: 0, pitch: width * 3, count: part.height }
    : {
      data: picture.data,
      offset: (part.top * picture.width + part.left) * 3,
      pitch: picture.width * 3,
      count: part.height,
    };
  const data = out ?? new Uint8Array(width * height * 3);
  if (data.length !== width * height * 3) {
    throw new RangeError(`the result has ${width * height * 3} bytes, not ${data.length}`);
  }
  const columns = part.width === width ? null : tapsOf(part.width, width, filter);
  const rows = part.height === height ? null : tapsOf(part.height, height, filter);
  if (columns || rows) resizeRows(whole, width, columns, rows, data);
  else data.set(whole.data.subarray(whole.offset, whole.offset + data.length));
  return { width, height, data };
}

/** A copy of a part of a picture's bytes. */
function cut(picture: Picture, part: Rectangle): Uint8Array {
  const out = new Uint8Array(part.width * part.height * 3);
  for (let y = 0; y < part.height; y++) {
    const from = ((part.top + y) * picture.width + part.left) * 3;
    out.set(picture.data.subarray(from, from + part.width * 3), y * part.width * 3);
  }
  return out;
}

/**
 * The base picture of a picture on its way out of a decoder, within one level of {@linkcode basePicture} and three times as
 * fast. The picture may have been decoded at a smaller scale, so that its last column and row are partly outside of what
 * was photographed: 375 pixels at 1/4 are 93.75, stored as 94.
 *
 * @param width Columns as stored.
 * @param height Rows as stored.
 * @param extent Columns and rows that the picture really has, at most as many.
 * @param decode Writes height × width × 3 bytes.
 * @param size Side of the square in pixels.
 * @param out Receives size × size × 3 bytes.
 */
export function quickBasePicture(
  width: number,
  height: number,
  extent: { width: number; height: number },
  decode: (pixels: Uint8Array<ArrayBuffer>) => void,
  size: number,
  out: Uint8Array,
): void {
  const columns = tapsOf(width, size, "bilinear", extent.width);
  const rows = tapsOf(height, size, "bilinear", extent.height);
  quickResize(width, height, decode, columns, rows, out);
}

/** How many times larger planes may be than the base picture: sums of more pixels would gather too many roundings. */
export const MOST_TIMES = 16;

/**
 * The base picture of a JPEG's three planes, as they are before the coarser chroma planes are brought to the size of
 * brightness and colours are mixed. As all of these are weighted sums, the smoothing by which libjpeg enlarges chroma is worked
 * into the weights of the resize, and colours are mixed once a pixel of the result: the same picture, but for rounding, for half
 * of the work.
 *
 * @param planes Sizes, at most {@linkcode MOST_TIMES} times `size`.
 * @param decode Writes the planes.
 * @param size Side of the square in pixels.
 * @param out Receives size × size × 3 bytes.
 */
export function planesBasePicture(
  planes: Planes,
  decode: (memory: ArrayBuffer, layout: PlaneLayout) => void,
  size: number,
  out: Uint8Array,
): void {
  const { width, height, halfColumns, halfRows } = planes;
  const columns = tapsOf(width, size, "bilinear"), rows = tapsOf(height, size, "bilinear");
  resizePlanes(
    {
      ...planes,
      columns,
      rows,
      chromaColumns: halfColumns ? upsampledTaps(columns, width) : columns,
      chromaRows: halfRows ? upsampledTaps(rows, height) : rows,
    },
    decode,
    out,
  );
}

/** Sizes of a JPEG's planes: brightness is width × height, chroma the same or, where it is halved, half of it, rounded up. */
export interface Planes {
  width: number;
  height: number;
  halfColumns: boolean;
  halfRows: boolean;
}

/**
 * The base picture: the whole picture resized to a square, bilinear with antialias, its aspect ratio not kept. docs/spec.md §1.1.
 *
 * @param picture RGB bytes of any size.
 * @param size Side of the square in pixels.
 * @param out Where the result goes. Default: new bytes.
 * @returns size × size × 3 bytes.
 * @throws {TypeError} When the picture is none: a file's bytes, or a promise of a picture.
 * @throws {RangeError} When the size is impossible, or the picture has not three bytes a pixel.
 */
export function basePicture(picture: Picture, size: number, out?: Uint8Array): Uint8Array {
  return resize(picture, size, size, "bilinear", undefined, out).data;
}

/**
 * The picture that evaluation looks at: the shorter side resized to `shorter`, bicubic, then the middle `size` × `size`.
 * docs/spec.md §9.
 *
 * @param picture RGB bytes of any size.
 * @param size Side of the result in pixels.
 * @param shorter The shorter side before the cut. Default: size · 256 / 224, rounded.
 * @returns size × size × 3 bytes.
 * @throws {TypeError} When the picture is none.
 * @throws {RangeError} When the shorter side is below the size, or one of them is no whole number of pixels.
 */
export function evaluationPicture(
  picture: Picture,
  size: number,
  shorter: number = Math.round(size * 256 / 224),
): Uint8Array {
  requirePicture(picture);
  checkSize(size, "size");
  checkSize(shorter, "the shorter side");
  if (shorter < size) {
    throw new RangeError(`the shorter side (${shorter}) must be at least the size (${size})`);
  }
  const { width, height } = picture;
  const wide = width >= height;
  const longer = Math.trunc(shorter * (wide ? width / height : height / width));
  const [columns, rows] = wide ? [longer, shorter] : [shorter, longer];
  return resizedPart(picture, columns, rows, "bicubic", {
    top: middle(rows, size),
    left: middle(columns, size),
    width: size,
    height: size,
  });
}

/**
 * A part of what {@linkcode resize} makes of a picture, the same bit for bit. Only the part is made: the whole of a picture
 * that is ten thousand times as long as it is wide would take gigabytes.
 */
function resizedPart(
  picture: Picture,
  width: number,
  height: number,
  filter: Filter,
  part: Rectangle,
): Uint8Array {
  const columns = axisPart(picture.width, width, filter, { from: part.left, count: part.width });
  const rows = axisPart(picture.height, height, filter, { from: part.top, count: part.height });
  const data = cut(picture, { top: rows.from, left: columns.from, width: columns.count, height: rows.count });
  if (!columns.taps && !rows.taps) return data;
  const out = new Uint8Array(part.width * part.height * 3);
  const source = { data, offset: 0, pitch: columns.count * 3, count: rows.count };
  resizeRows(source, part.width, columns.taps, rows.taps, out);
  return out;
}

/** The pixels along one axis that some of its results are made of, and their taps, counted from the first of them. */
function axisPart(n: number, o: number, filter: Filter, span: Span): Span & { taps: Taps | null } {
  if (n === o) return { ...span, taps: null };
  const taps = tapsOf(n, o, filter, n, span), last = span.count - 1, from = taps.first[0];
  const count = taps.first[last] + taps.count[last] - from;
  return { from, count, taps: { ...taps, first: taps.first.map((first) => first - from) } };
}

/** Where a cut of `size` from the middle of `length` begins; halves go to the even number, as in Python. */
function middle(length: number, size: number): number {
  const half = (length - size) / 2, low = Math.floor(half);
  return half - low === 0.5 ? low + low % 2 : low;
}

import { quickResize, resizeRows, type Taps } from "./resize_kernel.ts";
import type { Picture } from "./types.ts";

/** How a resize weighs pixels: a triangle, or the cubic with a = −0.5. */
export type Filter = "bilinear" | "bicubic";

/** A rectangle in whole pixels. */
export interface Rectangle {
  top: number;
  left: number;
  width: number;
  height: number;
}

/** Weights are whole numbers of 1 / 2²². */
const PRECISION = 22;

const REACH: Record<Filter, number> = { bilinear: 1, bicubic: 2 };

function weigh(filter: Filter, t: number): number {
  t = Math.abs(t);
  if (filter === "bilinear") return t < 1 ? 1 - t : 0;
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? -0.5 * (((t - 5) * t + 8) * t - 4) : 0;
}

const cache = new Map<string, Taps>();

/**
 * Taps of n → o pixels; SPEC §12 "Resize". Kept, because a data set has few different sizes. `extent`: how much of the n
 * pixels the picture takes, if its last pixel is only partly covered.
 */
function tapsOf(n: number, o: number, filter: Filter, extent = n): Taps {
  const name = `${n} ${o} ${filter} ${extent}`;
  const known = cache.get(name);
  if (known) return known;
  const scale = extent / o, widen = Math.max(scale, 1), support = REACH[filter] * widen;
  const stride = Math.min(Math.ceil(support) * 2 + 1, n);
  const taps = {
    first: new Int32Array(o),
    count: new Int32Array(o),
    weights: new Int32Array(o * stride),
    stride,
  };
  const real = new Float64Array(stride);
  for (let i = 0; i < o; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const count = Math.min(Math.trunc(centre + support + 0.5), n) - first;
    let sum = 0;
    for (let k = 0; k < count; k++) sum += real[k] = weigh(filter, (first + k - centre + 0.5) / widen);
    for (let k = 0; k < count; k++) {
      const weight = (sum === 0 ? 0 : real[k] / sum) * (1 << PRECISION);
      taps.weights[i * stride + k] = Math.trunc(weight + (weight < 0 ? -0.5 : 0.5));
    }
    taps.first[i] = first;
    taps.count[i] = count;
  }
  if (cache.size >= 512) cache.clear();
  cache.set(name, taps);
  return taps;
}

function checkSize(value: number, name: string): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name} must be a whole number of pixels of at least 1, not ${value}`);
  }
}

/**
 * Resizes a picture, or a part of it, with antialias, bit for bit as PIL does: columns first, then rows, 8 bits in
 * between, an axis of unchanged length skipped. SPEC §12.
 *
 * A part is cut out before, so its border, not the picture's, ends the filter.
 *
 * @param picture RGB bytes.
 * @param width Columns of the result.
 * @param height Rows of the result.
 * @param filter Bilinear or bicubic.
 * @param part The part to resize. Default: the whole picture.
 * @param out Where the result goes. Default: new bytes.
 * @returns The result.
 * @throws RangeError for an impossible size or a part that is not inside the picture.
 */
export function resize(
  picture: Picture,
  width: number,
  height: number,
  filter: Filter,
  part: Rectangle = { top: 0, left: 0, width: picture.width, height: picture.height },
  out?: Uint8Array,
): Picture {
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
  if (picture.data.length !== picture.width * picture.height * 3) {
    throw new RangeError(
      `a picture of ${picture.width} × ${picture.height} has ${picture.width * picture.height * 3} bytes, ` +
        `not ${picture.data.length}`,
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

/**
 * The base picture: the whole picture resized to a square, bilinear with antialias, its aspect ratio not kept. SPEC §1.1.
 *
 * @param picture RGB bytes of any size.
 * @param size Side of the square in pixels.
 * @param out Where the result goes. Default: new bytes.
 * @returns size × size × 3 bytes.
 */
export function basePicture(picture: Picture, size: number, out?: Uint8Array): Uint8Array {
  return resize(picture, size, size, "bilinear", undefined, out).data;
}

/**
 * The picture that evaluation looks at: the shorter side resized to `shorter`, bicubic, then the middle `size` × `size`.
 * SPEC §9.
 *
 * @param picture RGB bytes of any size.
 * @param size Side of the result in pixels.
 * @param shorter The shorter side before the cut. Default: size · 256 / 224, rounded.
 * @returns size × size × 3 bytes.
 */
export function evaluationPicture(
  picture: Picture,
  size: number,
  shorter: number = Math.round(size * 256 / 224),
): Uint8Array {
  if (shorter < size) {
    throw new RangeError(`the shorter side (${shorter}) must be at least the size (${size})`);
  }
  const { width, height } = picture;
  const wide = width >= height;
  const longer = Math.trunc(shorter * (wide ? width / height : height / width));
  const whole = wide
    ? resize(picture, longer, shorter, "bicubic")
    : resize(picture, shorter, longer, "bicubic");
  return cut(whole, {
    top: middle(whole.height, size),
    left: middle(whole.width, size),
    width: size,
    height: size,
  });
}

/** Where a cut of `size` from the middle of `length` begins; halves go to the even number, as in Python. */
function middle(length: number, size: number): number {
  const half = (length - size) / 2, low = Math.floor(half);
  return half - low === 0.5 ? low + low % 2 : low;
}

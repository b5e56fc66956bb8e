/** Intersection over union, of boxes and of masks, as COCO's C code reckons it. */
import { type CocoBox, type Mask, maskArea, maskBox } from "./mask.ts";

/**
 * Intersection over union of boxes, four numbers each: x, y, width, height in pixels. With a crowd, the intersection over the
 * detection's own area (maskApi.c, `bbIou`).
 *
 * @param found Boxes of the detections, [D, 4] flat.
 * @param truths Boxes of the annotations, [G, 4] flat.
 * @param crowd One number per annotation; 0 is none.
 * @param out Takes the results, [D, G] flat; at least D · G long.
 */
export function boxIous(
  found: Float64Array,
  truths: Float64Array,
  crowd: ArrayLike<number>,
  out: Float64Array,
): void {
  const count = truths.length / 4;
  for (let d = 0, at = 0; d < found.length; d += 4) {
    const x = found[d], y = found[d + 1], right = found[d + 2] + x, bottom = found[d + 3] + y;
    const area = found[d + 2] * found[d + 3];
    for (let g = 0; g < count; g++, at++) {
      out[at] = 0;
      const i = 4 * g;
      const width = Math.min(right, truths[i + 2] + truths[i]) - Math.max(x, truths[i]);
      if (width <= 0) continue;
      const height = Math.min(bottom, truths[i + 3] + truths[i + 1]) - Math.max(y, truths[i + 1]);
      if (height <= 0) continue;
      const both = width * height;
      out[at] = both / (crowd[g] ? area : area + truths[i + 2] * truths[i + 3] - both);
    }
  }
}

/** Pixels in both of two masks and in any of them. */
function overlap({ runs: a }: Mask, { runs: b }: Mask): { both: number; any: number } {
  let both = 0, any = 0, i = 1, j = 1, left = 1, inA = false, inB = false;
  let restA = a[0] ?? 0, restB = b[0] ?? 0;
  while (left > 0) {
    const step = Math.min(restA, restB);
    if (inA || inB) {
      any += step;
      if (inA && inB) both += step;
    }
    restA -= step;
    if (restA === 0 && i < a.length) {
      restA = a[i++];
      inA = !inA;
    }
    restB -= step;
    if (restB === 0 && j < b.length) {
      restB = b[j++];
      inB = !inB;
    }
    left = restA + restB;
  }
  return { both, any };
}

/**
 * Intersection over union of masks; with a crowd, the intersection over the detection's own area. It is −1 for masks of
 * pictures of different sizes whose boxes meet (maskApi.c, `rleIou`).
 *
 * @param found Masks of the detections, D of them.
 * @param truths Masks of the annotations, G of them.
 * @param crowd One number per annotation; 0 is none.
 * @param out Takes the results, [D, G] flat; at least D · G long.
 */
export function maskIous(
  found: readonly Mask[],
  truths: readonly Mask[],
  crowd: ArrayLike<number>,
  out: Float64Array,
): void {
  boxIous(flatBoxes(found), flatBoxes(truths), crowd, out);
  for (let d = 0, at = 0; d < found.length; d++) {
    for (let g = 0; g < truths.length; g++, at++) {
      if (!(out[at] > 0)) continue;
      const a = found[d], b = truths[g];
      if (a.height !== b.height || a.width !== b.width) {
        out[at] = -1;
        continue;
      }
      const { both, any } = overlap(a, b);
      out[at] = both === 0 ? 0 : both / (crowd[g] ? maskArea(a) : any);
    }
  }
}

function flatBoxes(masks: readonly Mask[]): Float64Array {
  const boxes = new Float64Array(4 * masks.length);
  masks.forEach((mask, i) => boxes.set(maskBox(mask), 4 * i));
  return boxes;
}

/**
 * Intersection over union of two boxes.
 *
 * @param a x, y, width, height in pixels.
 * @param b The same; where it is a crowd, the intersection is divided by the area of `a`.
 * @param crowd Whether `b` is a crowd.
 * @returns From 0 to 1.
 */
export function boxIou(a: Readonly<CocoBox>, b: Readonly<CocoBox>, crowd = false): number {
  const out = new Float64Array(1);
  boxIous(Float64Array.from(a), Float64Array.from(b), [crowd ? 1 : 0], out);
  return out[0];
}

/**
 * Intersection over union of two masks.
 *
 * @param a A mask.
 * @param b Another of the same picture; where it is a crowd, the intersection is divided by the area of `a`.
 * @param crowd Whether `b` is a crowd.
 * @returns From 0 to 1; −1 for masks of pictures of different sizes whose boxes meet.
 */
export function maskIou(a: Mask, b: Mask, crowd = false): number {
  const out = new Float64Array(1);
  maskIous([a], [b], [crowd ? 1 : 0], out);
  return out[0];
}

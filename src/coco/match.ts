/** Which detections find which objects, in one picture and category. */

/** What came of a detection at one threshold. */
export const WRONG = 0, RIGHT = 1, IGNORED = 2;

/** The objects and the detections of one picture and category. */
export interface Cell {
  /** Intersection over union, [D, G] flat; detections by falling score. */
  ious: Float64Array;
  /** Pixels of each detection, [D]. */
  foundAreas: Float64Array;
  /** Pixels of each object, [G]. */
  truthAreas: Float64Array;
  /** 1 for a crowd, [G]. */
  crowd: Uint8Array;
}

/**
 * Assigns detections to objects as pycocotools' `evaluateImg` does. An object is ignored if it is a crowd or its area is outside
 * the range. In the order of their scores, detections take the object with the largest IoU that reaches the threshold and is
 * still free: a crowd always is, of equal ones the later is taken, and an ignored one only if no other fits. What takes an ignored
 * object is ignored itself, and so is what takes none and has an area outside the range.
 *
 * @param cell Objects and detections.
 * @param range The smallest and the largest area that count, both included, in pixels.
 * @param thresholds The least IoU, T of them.
 * @param out Takes {@linkcode WRONG}, {@linkcode RIGHT} or {@linkcode IGNORED}: detection d at threshold t at
 *   `at + t · stride + d`.
 * @param at Where the cell's first detection stands in `out`.
 * @param stride Numbers in `out` from one threshold to the next.
 * @returns How many objects are not ignored.
 */
export function matchCell(
  { ious, foundAreas, truthAreas, crowd }: Cell,
  range: readonly [number, number],
  thresholds: ArrayLike<number>,
  out: Uint8Array,
  at: number,
  stride: number,
): number {
  const [least, most] = range, count = truthAreas.length, found = foundAreas.length;
  const outside = (area: number) => area < least || area > most;
  // Regular objects first; among each other they keep their order.
  const order = new Uint32Array(count);
  let regular = 0;
  for (let g = 0; g < count; g++) if (!crowd[g] && !outside(truthAreas[g])) order[regular++] = g;
  for (let g = 0, i = regular; g < count; g++) if (crowd[g] || outside(truthAreas[g])) order[i++] = g;
  const taken = new Uint8Array(count);
  for (let t = 0; t < thresholds.length; t++) {
    taken.fill(0);
    for (let d = 0; d < found; d++) {
      let best = Math.min(thresholds[t], 1 - 1e-10), match = -1;
      for (let i = 0; i < count; i++) {
        if (i >= regular && match >= 0 && match < regular) break;
        const g = order[i];
        if (taken[g] && !crowd[g]) continue;
        const iou = ious[d * count + g];
        if (iou < best) continue;
        best = iou;
        match = i;
      }
      let result = match < regular ? RIGHT : IGNORED;
      if (match >= 0) taken[order[match]] = 1;
      else result = outside(foundAreas[d]) ? IGNORED : WRONG;
      out[at + t * stride + d] = result;
    }
  }
  return regular;
}

/**
 * What {@linkcode matchCell} does where there is no object: whatever has an area outside the range is ignored, the rest stays
 * {@linkcode WRONG}.
 *
 * @param areas Pixels of each detection, by row.
 * @param rows The cell's detections.
 * @param range The smallest and the largest area that count.
 * @param thresholds How many thresholds there are.
 * @param out As of `matchCell`; zeros where nothing was written.
 * @param at Where the cell's first detection stands in `out`.
 * @param stride Numbers in `out` from one threshold to the next.
 */
export function missAll(
  areas: Float64Array,
  rows: Uint32Array,
  [least, most]: readonly [number, number],
  thresholds: number,
  out: Uint8Array,
  at: number,
  stride: number,
): void {
  for (let d = 0; d < rows.length; d++) {
    const area = areas[rows[d]];
    if (area >= least && area <= most) continue;
    for (let t = 0; t < thresholds; t++) out[at + t * stride + d] = IGNORED;
  }
}

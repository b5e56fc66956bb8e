/** Precision over recall. */
import { RIGHT, WRONG } from "./match.ts";

/** Kept out of the divisor's zero: the distance from 1 to the next number, as in pycocotools. */
const SPACING = 2 ** -52;

/** Detections of one category in all pictures. */
export interface Ranked {
  /** Places of the detections by falling score. */
  order: ArrayLike<number>;
  /** What came of each place: {@linkcode RIGHT}, {@linkcode WRONG} or ignored. */
  results: Uint8Array;
  /** Objects that count; above 0. */
  positives: number;
}

/**
 * Precision at points of recall, and the recall that is reached (pycocotools' `accumulate`): the best precision at any recall from
 * the point on; 0 where the recall is not reached.
 *
 * @param ranked Detections and what came of them.
 * @param points The recall points, rising, R of them.
 * @param take Takes each point's precision.
 * @returns Recall, from 0 to 1.
 */
export function precisionCurve(
  { order, results, positives }: Ranked,
  points: ArrayLike<number>,
  take: (point: number, precision: number) => void,
): number {
  // Recall changes at right detections only, and nowhere else precision is highest.
  const precision: number[] = [];
  let wrong = 0;
  for (let i = 0; i < order.length; i++) {
    const result = results[order[i]];
    if (result === RIGHT) {
      const right = precision.length + 1;
      precision.push(right / (wrong + right + SPACING));
    } else if (result === WRONG) wrong++;
  }
  const right = precision.length;
  for (let i = right - 1; i > 0; i--) precision[i - 1] = Math.max(precision[i - 1], precision[i]);
  let i = 0;
  for (let point = 0; point < points.length; point++) {
    while (i < right && (i + 1) / positives < points[point]) i++;
    take(point, i < right ? precision[i] : 0);
  }
  return right / positives;
}

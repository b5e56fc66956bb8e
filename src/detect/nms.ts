/** Non-maximum suppression: of detections of one class that overlap much, the best one stays. */

/** Detections of one picture as columns. */
export interface Detections {
  /** Left, top, right, bottom in pixels, [n, 4] flat. */
  boxes: Float64Array<ArrayBuffer>;
  classes: Int32Array<ArrayBuffer>;
  scores: Float64Array<ArrayBuffer>;
}

/** What is kept of a picture's detections. */
export interface SuppressOptions {
  /** Detections of one class that overlap more than this with a better one go. Default 0.6. */
  overlap?: number;
  /** How many stay at most. Default 100. */
  most?: number;
}

/** The share of the union of two boxes that they have in common. */
function overlapOf(boxes: Float64Array, a: number, b: number): number {
  const [i, j] = [4 * a, 4 * b];
  const width = Math.min(boxes[i + 2], boxes[j + 2]) - Math.max(boxes[i], boxes[j]);
  const height = Math.min(boxes[i + 3], boxes[j + 3]) - Math.max(boxes[i + 1], boxes[j + 1]);
  if (!(width > 0 && height > 0)) return 0;
  const area = (k: number) => (boxes[k + 2] - boxes[k]) * (boxes[k + 3] - boxes[k + 1]);
  return width * height / (area(i) + area(j) - width * height);
}

/** Some of the detections, in the order of `rows`. */
export function pickDetections({ boxes, classes, scores }: Detections, rows: readonly number[]): Detections {
  return {
    boxes: Float64Array.from(rows.flatMap((row) => [...boxes.subarray(4 * row, 4 * row + 4)])),
    classes: Int32Array.from(rows, (row) => classes[row]),
    scores: Float64Array.from(rows, (row) => scores[row]),
  };
}

/**
 * Goes through a picture's detections by falling score, of equals the first one first, and keeps each that does not overlap too much
 * with a kept one of its class.
 *
 * @returns What stays, by falling score.
 * @throws {RangeError} When an option is out of range, columns are not equally long, or a score is no number.
 */
export function suppress(found: Detections, options: SuppressOptions = {}): Detections {
  const { overlap = 0.6, most = 100 } = options, { boxes, classes, scores } = found;
  const rows = scores.length;
  if (!(overlap >= 0 && overlap <= 1)) throw new RangeError(`overlap is ${overlap}, not from 0 to 1`);
  if (!(Number.isInteger(most) && most >= 0)) {
    throw new RangeError(`most is ${most}; it must be a whole number of at least 0`);
  }
  if (boxes.length !== 4 * rows || classes.length !== rows) {
    throw new RangeError(
      `${boxes.length} edges of boxes and ${classes.length} classes do not fit ${rows} scores`,
    );
  }
  if (scores.some(Number.isNaN)) throw new RangeError("a detection's score is no number");
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
  const kept: number[] = [], ofClass = new Map<number, number[]>();
  for (const row of order) {
    if (kept.length === most) break;
    const own = ofClass.get(classes[row]) ?? [];
    if (own.some((better) => overlapOf(boxes, row, better) > overlap)) continue;
    own.push(row);
    ofClass.set(classes[row], own);
    kept.push(row);
  }
  return pickDetections(found, kept);
}

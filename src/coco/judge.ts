/** What comes of the detections of one category. */
import { boxIous, maskIous } from "./iou.ts";
import { type Cell, matchCell, missAll } from "./match.ts";
import type { CocoOptions } from "./options.ts";
import { fallingOrder } from "./order.ts";
import type { CocoDetections, CocoTruth, Objects } from "./types.ts";

/** Rows of one picture and category. */
type Rows = Uint32Array;

/** The rows of one category, picture by picture: those of the truth and of the detections. */
function* cellsOf(
  truth: Rows,
  truthImages: Int32Array,
  found: Rows,
  foundImages: Int32Array,
): Generator<[Rows, Rows]> {
  let g = 0, d = 0;
  while (g < truth.length || d < found.length) {
    const image = Math.min(
      g < truth.length ? truthImages[truth[g]] : Infinity,
      d < found.length ? foundImages[found[d]] : Infinity,
    );
    const fromG = g, fromD = d;
    while (g < truth.length && truthImages[truth[g]] === image) g++;
    while (d < found.length && foundImages[found[d]] === image) d++;
    yield [truth.subarray(fromG, g), found.subarray(fromD, d)];
  }
}

/** Picks rows of a column of `width` numbers each. */
function pick(column: Float64Array, rows: ArrayLike<number>, width = 1): Float64Array {
  const out = new Float64Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < width; j++) out[i * width + j] = column[rows[i] * width + j];
  }
  return out;
}

function iousOf(
  truth: CocoTruth["objects"],
  rows: Rows,
  found: Objects,
  foundRows: Rows,
  crowd: Uint8Array,
): Float64Array {
  const ious = new Float64Array(rows.length * foundRows.length);
  if (ious.length === 0) return ious;
  if (truth.masks && found.masks) {
    const masksOf = ({ masks }: Objects, of: Rows) => Array.from(of, (row) => masks!.get(row));
    maskIous(masksOf(found, foundRows), masksOf(truth, rows), crowd, ious);
  } else boxIous(pick(found.boxes, foundRows, 4), pick(truth.boxes, rows, 4), crowd, ious);
  return ious;
}

/** Rows by falling score, at most so many. */
function best(rows: Rows, scores: Float64Array, most: number): Rows {
  if (rows.length < 2) return rows;
  const order = fallingOrder(pick(scores, rows));
  return order.subarray(0, most).map((i) => rows[i]);
}

/** Equal detections among the rows of a cell, which are sorted by score. */
function twins({ boxes, areas, scores }: CocoDetections["objects"], rows: Rows): number {
  let count = 0;
  for (let i = 1; i < rows.length; i++) {
    for (let j = i - 1; j >= 0 && scores[rows[j]] === scores[rows[i]]; j--) {
      const [a, b] = [rows[i], rows[j]];
      const same = areas[a] === areas[b] &&
        [0, 1, 2, 3].every((side) => boxes[4 * a + side] === boxes[4 * b + side]);
      if (!same) continue;
      count++;
      break;
    }
  }
  return count;
}

/** What came of all detections of one category. */
export interface Judged {
  scores: Float64Array;
  /** A detection's place among those of its picture, by score, from 0. */
  ranks: Uint32Array;
  /** [A, T, n] flat. */
  results: Uint8Array;
  /** Objects that count, by area. */
  positives: number[];
  twins: number;
}

/**
 * Matches the detections of one category in all pictures, at most so many of each picture as the options' largest number.
 *
 * @param truth Annotated objects.
 * @param rows Those of the category, by picture.
 * @param found Detections.
 * @param foundRows Those of the category, by picture.
 * @param options Thresholds, areas, numbers of detections.
 */
export function judge(
  truth: CocoTruth,
  rows: Rows,
  found: CocoDetections,
  foundRows: Rows,
  options: Required<CocoOptions>,
): Judged {
  const { iouThresholds, maxDetections } = options, areas = Object.values(options.areas);
  const objects = truth.objects, { scores } = found.objects, most = maxDetections.at(-1)!;
  const n = foundRows.length,
    T = iouThresholds.length,
    judged: Judged = {
      scores: new Float64Array(n),
      ranks: new Uint32Array(n),
      results: new Uint8Array(areas.length * iouThresholds.length * n),
      positives: areas.map(() => 0),
      twins: 0,
    };
  let at = 0;
  for (const [truthRows, all] of cellsOf(rows, objects.images, foundRows, found.objects.images)) {
    const kept = best(all, scores, most);
    if (truthRows.length > 0) {
      const crowd = Uint8Array.from(truthRows, (row) => objects.crowd[row]);
      const cell: Cell = {
        ious: iousOf(objects, truthRows, found.objects, kept, crowd),
        foundAreas: pick(found.objects.areas, kept),
        truthAreas: pick(objects.areas, truthRows),
        crowd,
      };
      areas.forEach((range, a) => {
        const start = a * T * n + at;
        judged.positives[a] += matchCell(cell, range, iouThresholds, judged.results, start, n);
      });
    } else {
      areas.forEach((range, a) =>
        missAll(found.objects.areas, kept, range, T, judged.results, a * T * n + at, n)
      );
    }
    judged.twins += twins(found.objects, kept);
    for (let i = 0; i < kept.length; i++, at++) {
      judged.scores[at] = scores[kept[i]];
      judged.ranks[at] = i;
    }
  }
  // Beyond the largest number of detections nothing is kept.
  judged.scores = judged.scores.subarray(0, at);
  return judged;
}

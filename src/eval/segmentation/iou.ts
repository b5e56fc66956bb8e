/** Figures of segmentation. */

/** How well pixels are told apart. */
export interface SegmentationFigures {
  /** Mean intersection over union, of the classes that occur or were predicted. */
  miou: number;
  /** Share of pixels that are right. */
  accuracy: number;
  /** Intersection over union of each class; null for one that neither occurs nor was predicted. */
  classes: { name: string; pixels: number; iou: number | null }[];
}

/**
 * Figures of a confusion.
 *
 * @param confusion Pixels by their class (rows) and the predicted one (columns).
 * @throws {RangeError} When there is no pixel.
 */
export function segmentationFigures(
  confusion: readonly (readonly number[])[],
  names: readonly string[],
): SegmentationFigures {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const total = sum(confusion.map(sum)), right = sum(confusion.map((row, i) => row[i]));
  if (total === 0) throw new RangeError("no pixel of the masks counts");
  const classes = names.map((name, i) => {
    const pixels = sum(confusion[i]), union = pixels + sum(confusion.map((row) => row[i])) - confusion[i][i];
    return { name, pixels, iou: union > 0 ? confusion[i][i] / union : null };
  });
  const known = classes.flatMap(({ iou }) => iou === null ? [] : [iou]);
  return { miou: sum(known) / known.length, accuracy: right / total, classes };
}

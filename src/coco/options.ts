/** What detections are judged by. */
import { CocoError } from "./error.ts";

/** How much is asked of detections. */
export interface CocoOptions {
  /** The least IoU, T of them. Default: 0.5, 0.55, … 0.95. */
  iouThresholds?: readonly number[];
  /** Recall points, R of them. Default: 0, 0.01, … 1. */
  recallPoints?: readonly number[];
  /** How many detections of a picture and category count, M of them. Default: 1, 10, 100. */
  maxDetections?: readonly number[];
  /** Areas in pixels, both ends included, A of them. Default: {@linkcode AREAS}. */
  areas?: Readonly<Record<string, readonly [number, number]>>;
  /** False: categories do not count, any object may be found by any detection. Default true. */
  categories?: boolean;
}

/** COCO's ranges of area in pixels, both ends included. */
export const AREAS: Readonly<Record<string, readonly [number, number]>> = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
};

/** COCO's numbers as numpy's linspace makes them, which are not always the nearest to 0.05 or 0.01 times a whole number. */
export const IOU_THRESHOLDS: readonly number[] = [
  ...Array.from({ length: 9 }, (_, i) => 0.5 + i * ((0.95 - 0.5) / 9)),
  0.95,
];
const RECALL_POINTS = Array.from({ length: 101 }, (_, i) => i === 100 ? 1 : i * 0.01);

/**
 * Options with nothing left out.
 *
 * @throws {CocoError} When a number of detections is none, thresholds or recall points are not from 0 to 1, or areas are no ranges.
 */
export function completeOptions(
  { iouThresholds, recallPoints, maxDetections, areas, categories }: CocoOptions,
): Required<CocoOptions> {
  const most = [...maxDetections ?? [1, 10, 100]].sort((a, b) => a - b);
  if (most.length === 0 || most.some((count) => !Number.isSafeInteger(count) || count < 1)) {
    throw new CocoError(`maxDetections is ${JSON.stringify(most)}, not whole numbers above 0`);
  }
  const shares = { iouThresholds, recallPoints };
  for (const [name, list] of Object.entries(shares)) {
    if (list === undefined || list.length > 0 && list.every((share) => share >= 0 && share <= 1)) continue;
    throw new CocoError(`${name} is [${list.join(", ")}], not at least one number from 0 to 1`);
  }
  for (const [name, [least, largest]] of Object.entries(areas ?? {})) {
    if (least <= largest) continue;
    throw new CocoError(
      `the range of areas "${name}" is [${least}, ${largest}], not two numbers, the smaller first`,
    );
  }
  if (areas && Object.keys(areas).length === 0) throw new CocoError("areas has no range; name one at least");
  return {
    iouThresholds: iouThresholds ?? IOU_THRESHOLDS,
    recallPoints: recallPoints ?? RECALL_POINTS,
    maxDetections: most,
    areas: areas ?? AREAS,
    categories: categories ?? true,
  };
}

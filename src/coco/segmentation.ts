/** COCO's three ways to write a mask: polygons, run lengths as numbers, run lengths as a text. */
import { CocoError } from "./error.ts";
import { checkRuns, type Mask, runsFromText, uniteMasks } from "./mask.ts";
import { polygonMask } from "./polygon.ts";

/** A picture's size in pixels. */
export interface PictureSize {
  height: number;
  width: number;
}

/** Numbers of a polygon of three points. */
const LEAST = 6;

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/**
 * The mask that an entry's `segmentation` writes.
 *
 * @param segmentation A list of polygons (each x, y in turn), or `{size: [height, width], counts}` with run lengths as
 *   numbers or as COCO's text.
 * @param size The picture's size, which polygons need; run lengths have their own.
 * @returns The union of what stands there.
 * @throws {CocoError} When it is something else, runs are longer than their picture, or a polygon cannot be drawn.
 */
export function maskOfSegmentation(segmentation: unknown, size: PictureSize | undefined): Mask {
  if (isList(segmentation)) return maskOfPolygons(segmentation, size);
  const { size: own, counts } = (segmentation ?? {}) as { size?: unknown; counts?: unknown };
  if (!isList(own) || own.length !== 2 || (typeof counts !== "string" && !isList(counts))) {
    throw new CocoError(
      "a segmentation is a list of polygons or {size: [height, width], counts}, not " +
        shortJson(segmentation),
    );
  }
  const [height, width] = own as number[];
  const runs = typeof counts === "string" ? runsFromText(counts) : counts as number[];
  checkRuns(runs, height, width);
  return { height, width, runs: runs instanceof Uint32Array ? runs : Uint32Array.from(runs) };
}

function maskOfPolygons(polygons: readonly unknown[], size: PictureSize | undefined): Mask {
  const numbers = polygons.map((polygon) => {
    if (isList(polygon) && polygon.every((value) => typeof value === "number")) return polygon as number[];
    throw new CocoError(`a polygon is a list of numbers, not ${shortJson(polygon)}`);
  });
  if (numbers.length === 0) {
    throw new CocoError("the segmentation is an empty list; a mask needs a polygon or run lengths");
  }
  // Further ones that are too short enclose nothing.
  if (numbers[0].length < LEAST) {
    throw new CocoError(
      `a polygon of ${numbers[0].length} numbers; it needs three points, which are ${LEAST}`,
    );
  }
  const { height, width } = requireSize(size);
  return uniteMasks(numbers.map((points) => polygonMask(points, height, width)));
}

/**
 * A picture's size, to draw in it.
 *
 * @throws {CocoError} When it is not given, or no two whole numbers above 0.
 */
export function requireSize(size: PictureSize | undefined): PictureSize {
  if (size === undefined) {
    throw new CocoError("a mask is to be drawn, but its picture's height and width are not given");
  }
  checkRuns([], size.height, size.width);
  return size;
}

/** Whether a segmentation has a polygon that is too short to enclose anything. */
export function hasShortPolygon(segmentation: unknown): boolean {
  return isList(segmentation) && segmentation.some((polygon) => isList(polygon) && polygon.length < LEAST);
}

/** The beginning of a value as JSON, for messages. */
export function shortJson(value: unknown): string {
  const text = JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part) ??
    "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Polygons to masks, by the rules of COCO's C code. */
import { CocoError } from "./error.ts";
import { checkMaskSize, type CocoBox, type Mask } from "./mask.ts";

/** Polygons are drawn on a grid this much finer than the pixels. */
const SCALE = 5;
/** Points further away than this many pixels belong to no picture; on the finer grid they must stay far below 2^31. */
const FARTHEST = 1e6;

/**
 * Rasterises one polygon as `rleFrPoly` of COCO's maskApi.c does: corners on a grid five times finer than the pixels, edges as
 * lines of points on it, then the points at which the outline crosses the middle of a column.
 *
 * @param points x and y of the corners in turn, in pixels; the last is joined to the first.
 * @param height Pixels of the picture.
 * @param width Pixels of the picture.
 * @throws {CocoError} When there is no point, the count is odd, a number is not finite or far out of any picture, or the
 * picture's sides are no whole numbers.
 */
export function polygonMask(points: ArrayLike<number>, height: number, width: number): Mask {
  checkMaskSize(height, width);
  if (points.length === 0 || points.length % 2 === 1) {
    throw new CocoError(`a polygon of ${points.length} numbers; x and y come in turn`);
  }
  const count = points.length / 2, x = new Int32Array(count + 1), y = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) {
    const [left, top] = [points[2 * i], points[2 * i + 1]];
    if (!(Math.abs(left) <= FARTHEST && Math.abs(top) <= FARTHEST)) {
      throw new CocoError(`a polygon's point ${i} is (${left}, ${top})`);
    }
    x[i] = Math.trunc(SCALE * left + 0.5);
    y[i] = Math.trunc(SCALE * top + 0.5);
  }
  x[count] = x[0];
  y[count] = y[0];
  const crossings = crossingsOf(outline(x, y), height, width);
  return { height, width, runs: runsBetween(crossings) };
}

/**
 * A box as a mask, drawn as the polygon of its corners.
 *
 * @throws {CocoError} When a number is not finite or far out of any picture, or the picture's sides are no whole numbers.
 */
export function boxMask(
  [left, top, boxWidth, boxHeight]: Readonly<CocoBox>,
  height: number,
  width: number,
): Mask {
  const right = left + boxWidth, bottom = top + boxHeight;
  return polygonMask([left, top, left, bottom, right, bottom, right, top], height, width);
}

/** Points of the outline on the finer grid, edge by edge, both ends of each edge included. */
function outline(x: Int32Array, y: Int32Array): { u: Int32Array; v: Int32Array } {
  let length = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    length += Math.max(Math.abs(x[i] - x[i + 1]), Math.abs(y[i] - y[i + 1])) + 1;
  }
  const u = new Int32Array(length), v = new Int32Array(length);
  let at = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    let [fromX, toX, fromY, toY] = [x[i], x[i + 1], y[i], y[i + 1]];
    const alongX = Math.abs(toX - fromX), alongY = Math.abs(toY - fromY), flat = alongX >= alongY;
    // Reckoned from the end with the smaller coordinate, whichever way the edge goes.
    const turned = flat ? fromX > toX : fromY > toY;
    if (turned) [fromX, toX, fromY, toY] = [toX, fromX, toY, fromY];
    const steps = flat ? alongX : alongY;
    // An edge without length has one point, whose other coordinate nothing uses.
    const slope = steps === 0 ? 0 : (flat ? toY - fromY : toX - fromX) / steps;
    for (let d = 0; d <= steps; d++, at++) {
      const t = turned ? steps - d : d;
      u[at] = flat ? t + fromX : Math.trunc(fromX + slope * t + 0.5);
      v[at] = flat ? Math.trunc(fromY + slope * t + 0.5) : t + fromY;
    }
  }
  return { u, v };
}

/** Where the outline crosses the middle of a column, as numbers of pixels counted down the columns, rising. */
function crossingsOf(
  { u, v }: { u: Int32Array; v: Int32Array },
  height: number,
  width: number,
): Float64Array {
  const found = new Float64Array(u.length + 1);
  let length = 0;
  for (let i = 1; i < u.length; i++) {
    if (u[i] === u[i - 1]) continue;
    const column = ((u[i] < u[i - 1] ? u[i] : u[i] - 1) + 0.5) / SCALE - 0.5;
    if (Math.floor(column) !== column || column < 0 || column > width - 1) continue;
    const row = (Math.min(v[i], v[i - 1]) + 0.5) / SCALE - 0.5;
    found[length++] = column * height + Math.ceil(Math.max(0, Math.min(height, row)));
  }
  found[length++] = height * width;
  return found.subarray(0, length).sort();
}

/** Runs between rising positions; where two meet, the runs around them become one. */
function runsBetween(positions: Float64Array): Uint32Array<ArrayBuffer> {
  const runs = new Uint32Array(positions.length);
  let length = 0, before = 0;
  for (let i = 0; i < positions.length; i++) {
    const run = positions[i] - before;
    before = positions[i];
    if (i === 0 || run > 0) runs[length++] = run;
    else if (++i < positions.length) {
      runs[length - 1] += positions[i] - before;
      before = positions[i];
    }
  }
  return runs.slice(0, length);
}

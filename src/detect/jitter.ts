/** Where pictures lie on the canvases that a detector learns from: scale, place and flip, drawn by seed, epoch and picture. */
import { randomStream } from "../random.ts";
import {
  type BoxMap,
  type BoxSize,
  cropMap,
  inverseMap,
  joinMaps,
  letterBox,
  resizeMap,
} from "../views/boxes.ts";

/** How pictures are placed. */
export interface JitterSettings {
  /** Side of the canvas in pixels. */
  imageSize: number;
  /** Smallest and largest size of a picture, 1 being that which just fits into the canvas. */
  jitter: readonly [number, number];
  /** Chance of a left–right flip. */
  flip: number;
}

/**
 * The letter-box in which a picture is looked at: as large as fits into the canvas, in its middle.
 *
 * @param from The picture's size.
 * @param side Of the canvas, in pixels.
 */
export function lookingBox(from: BoxSize, side: number): ReturnType<typeof letterBox> {
  return letterBox(from, { width: side, height: side }, true);
}

/**
 * Draws where a picture lies on its canvas: how large, each ratio alike likely; where, so that either the canvas or the picture is
 * covered in both directions; whether it is mirrored.
 *
 * @param from The picture's size.
 * @param seed The run's seed.
 * @param epoch The epoch, from 0.
 * @param index Where the picture stands in its source.
 * @returns Where points of the picture lie on the canvas.
 */
export function drawPlace(
  { imageSize: side, jitter: [least, most], flip }: JitterSettings,
  from: BoxSize,
  seed: number,
  epoch: number,
  index: number,
): BoxMap {
  const random = randomStream(seed, "canvas", epoch, index), square = { width: side, height: side };
  const size = Math.exp(random.uniform(Math.log(least), Math.log(most)));
  const scale = size * Math.min(side / from.width, side / from.height);
  const free = [side - scale * from.width, side - scale * from.height];
  const [left, top] = free.map((room) => random.uniform(Math.min(0, room), Math.max(0, room)));
  const plain = { scaleX: scale, shiftX: left, scaleY: scale, shiftY: top };
  if (!(random.uniform() < flip)) return plain;
  return joinMaps(plain, cropMap({ left: 0, top: 0, ...square }, square, true));
}

/**
 * The same place for the picture's base, which is squeezed to a square.
 *
 * @param place Where the picture's points lie.
 * @param from The picture's size.
 * @param base Side of the base picture in pixels.
 */
export function basePlace(place: BoxMap, from: BoxSize, base: number): BoxMap {
  return joinMaps(inverseMap(resizeMap(from, { width: base, height: base })), place);
}

/** Boxes on pictures, with names and scores. */
import { ADVANCE, type Colour, fill, write } from "../data/picture/drawing.ts";
import type { Picture } from "../data/types.ts";
import type { Detections } from "./nms.ts";

/** Colours of classes, all dark enough for white letters. */
const COLOURS: readonly Colour[] = [
  [200, 40, 40],
  [20, 110, 200],
  [20, 130, 60],
  [150, 60, 170],
  [190, 90, 0],
  [0, 125, 135],
  [190, 30, 120],
  [90, 90, 30],
];
const INK: Colour = [255, 255, 255];

/** The colour of a class. */
export function colourOf(kind: number): Colour {
  return COLOURS[kind % COLOURS.length];
}

/** A frame of so many pixels, drawn inwards. */
function frame(picture: Picture, box: ArrayLike<number>, thick: number, colour: Colour): void {
  const [left, top, right, bottom] = Array.from({ length: 4 }, (_, i) => Math.round(box[i]));
  const width = Math.max(1, right - left), height = Math.max(1, bottom - top);
  fill(picture, left, top, width, thick, colour);
  fill(picture, left, bottom - thick, width, thick, colour);
  fill(picture, left, top, thick, height, colour);
  fill(picture, right - thick, top, thick, height, colour);
}

/** A copy of a picture with boxes of one pixel in white, such as annotated ones. */
export function drawBoxes(picture: Picture, boxes: Float64Array): Picture {
  const drawn: Picture = { ...picture, data: picture.data.slice() };
  for (let i = 0; i < boxes.length; i += 4) frame(drawn, boxes.subarray(i, i + 4), 1, INK);
  return drawn;
}

/**
 * A copy of a picture with boxes drawn on it, the best detection last; above each, or in it where there is no room, its class and its
 * score in per cent.
 *
 * @param found By falling score, in the picture's pixels.
 * @param names Of the classes.
 */
export function drawDetections(picture: Picture, found: Detections, names: readonly string[]): Picture {
  const drawn: Picture = { ...picture, data: picture.data.slice() };
  // Letters of 7 pixels, twice as large from 500 pixels on, and so forth.
  const scale = Math.max(1, Math.floor(Math.max(picture.width, picture.height) / 500) + 1), high = 9 * scale;
  for (let i = found.scores.length - 1; i >= 0; i--) {
    const box = found.boxes.subarray(4 * i, 4 * i + 4), colour = colourOf(found.classes[i]);
    frame(drawn, box, scale, colour);
    const name = names[found.classes[i]] ?? `class ${found.classes[i]}`;
    const line = `${name} ${Math.round(100 * found.scores[i])}`,
      width = ([...line].length * ADVANCE + 1) * scale;
    const left = Math.max(0, Math.min(Math.round(box[0]), picture.width - width));
    const above = Math.round(box[1]) - high, top = above >= 0 ? above : Math.max(0, Math.round(box[1]));
    fill(drawn, left, top, width, high, colour);
    write(drawn, line, left + scale, top + scale, scale, INK);
  }
  return drawn;
}

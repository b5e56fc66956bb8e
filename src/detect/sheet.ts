/** A sheet of test pictures with what a detector finds in them, which lies in the run folder. */
import { join } from "node:path";
import { decodePicture } from "../data/picture/decode.ts";
import { canvas, type Colour } from "../data/picture/drawing.ts";
import { encodePng } from "../data/picture/png.ts";
import { resize } from "../data/picture/resize.ts";
import { BadRecordError, type Picture, PictureError } from "../data/types.ts";
import { publishFile } from "../files/publish.ts";
import { DETECTIONS_FILE } from "../train/run/figure_files.ts";
import { type BoxSize, letterBox, moveBoxes, resizeMap } from "../views/boxes.ts";
import type { AnnotatedSource } from "./annotated.ts";
import { drawBoxes, drawDetections } from "./draw.ts";
import type { FoundObjects } from "./found.ts";
import { pickDetections } from "./nms.ts";

/** Pictures on the sheet, in how many columns, the side of each and what is between them, in pixels. */
const SHOWN = 12, COLUMNS = 4, SIDE = 240, GAP = 6;
const BACK: Colour = [255, 255, 255];

/** Detections with a lower score are not drawn. */
export const SHOWN_FROM = 0.3;
/** Of a picture the surest are drawn: an undecided detector finds dozens, which would hide each other. */
const MOST_BOXES = 6;

/** The places of the pictures that are shown: some with objects, evenly spread. */
export function shownPictures({ length, objects }: AnnotatedSource): number[] {
  const some = Array.from({ length }, (_, i) => i).filter((i) => objects(i).classes.length > 0);
  const count = Math.min(SHOWN, some.length);
  return Array.from({ length: count }, (_, i) => some[Math.floor(i * some.length / count)]);
}

/** A picture on the sheet, or undefined where it cannot be read. */
async function shown(
  source: AnnotatedSource,
  index: number,
  found: FoundObjects | undefined,
): Promise<Picture | undefined> {
  try {
    const picture = await decodePicture((await source.get(index)).bytes), objects = source.objects(index);
    const to = letterBox(picture, { width: SIDE, height: SIDE });
    const small = resize(picture, to.width, to.height, "bilinear");
    const scaled = (boxes: Float64Array, from: BoxSize) => moveBoxes(boxes, resizeMap(from, small));
    const marked = drawBoxes(small, scaled(objects.boxes, objects));
    if (!found) return marked;
    const { scores } = found, rest = [...scores.keys()].filter((i) => scores[i] >= SHOWN_FROM);
    const sure = pickDetections(found, rest.sort((a, b) => scores[b] - scores[a]).slice(0, MOST_BOXES));
    return drawDetections(marked, { ...sure, boxes: scaled(sure.boxes, found) }, source.labels);
  } catch (error) {
    if (error instanceof PictureError || error instanceof BadRecordError) return undefined;
    throw error;
  }
}

/**
 * Draws test pictures: annotated boxes in white, and over them what was found, by the detector's names.
 *
 * @param source The test pictures.
 * @param found In any of them.
 * @param names The detector's classes.
 */
export async function drawDetectionSheet(
  source: AnnotatedSource,
  found: readonly FoundObjects[],
  names: readonly string[],
): Promise<Picture> {
  const places = shownPictures(source), rows = Math.max(1, Math.ceil(places.length / COLUMNS));
  const sheet = canvas(COLUMNS * (SIDE + GAP) + GAP, rows * (SIDE + GAP) + GAP, BACK);
  for (const [i, index] of places.entries()) {
    const own = found.find((one) => one.index === index);
    const picture = await shown({ ...source, labels: names }, index, own);
    if (!picture) continue;
    const left = GAP + (i % COLUMNS) * (SIDE + GAP), top = GAP + Math.floor(i / COLUMNS) * (SIDE + GAP);
    for (let y = 0; y < picture.height; y++) {
      const line = picture.data.subarray(y * picture.width * 3, (y + 1) * picture.width * 3);
      sheet.data.set(line, ((top + y) * sheet.width + left) * 3);
    }
  }
  return sheet;
}

/** Writes the sheet into a run folder, in place of the one before. */
export async function writeDetectionSheet(
  run: string,
  source: AnnotatedSource,
  found: readonly FoundObjects[],
  names: readonly string[],
): Promise<void> {
  await publishFile(join(run, DETECTIONS_FILE), encodePng(await drawDetectionSheet(source, found, names)));
}

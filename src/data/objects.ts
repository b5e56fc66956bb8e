/** Annotated objects after what is done to their picture. */
import { type BoxMap, type BoxSize, cropMap, cutBoxes, moveBoxes, resizeMap } from "../views/boxes.ts";
import type { View } from "../views/types.ts";
import { select } from "./sources/select.ts";
import type { PictureObjects, Source } from "./types.ts";

/**
 * Objects in a picture that was made of theirs.
 *
 * @param objects Objects in the pixels of the old picture.
 * @param map Where its points lie in the new one.
 * @param size The size of the new one.
 * @param leastVisible The least share of a box's area that must lie in it. Default 0: any part of it.
 * @returns Those objects that it shows, boxes cut at its edges.
 * @throws {RangeError} When the share is not from 0 to 1.
 */
export function movedObjects(
  { boxes, classes, crowd }: PictureObjects,
  map: BoxMap,
  { width, height }: BoxSize,
  leastVisible = 0,
): PictureObjects {
  const cut = cutBoxes(moveBoxes(boxes, map), { width, height }, leastVisible);
  return {
    ...{ width, height, boxes: cut.boxes },
    classes: Int32Array.from(cut.kept, (i) => classes[i]),
    crowd: Uint8Array.from(cut.kept, (i) => crowd[i]),
  };
}

/** Objects in their picture resized as a whole, as a base picture is. No object is lost. */
export function resizedObjects(objects: PictureObjects, width: number, height: number): PictureObjects {
  const boxes = moveBoxes(objects.boxes, resizeMap(objects, { width, height }));
  // The last bit of a product may lie beyond the edge.
  for (let i = 0; i < boxes.length; i += 4) {
    boxes[i + 2] = Math.min(width, boxes[i + 2]);
    boxes[i + 3] = Math.min(height, boxes[i + 3]);
  }
  return { ...objects, width, height, boxes };
}

/**
 * Objects in a view of their base picture: its crop resized to `size`, mirrored if the view is.
 *
 * @param objects Objects in the pixels of the base picture.
 * @param view Its crop and flip; colours move nothing.
 * @param size Side of the view in pixels.
 * @param leastVisible The least share of a box's area that must lie in the crop. Default 0: any part of it.
 * @throws {RangeError} When the share is not from 0 to 1.
 */
export function viewObjects(
  objects: PictureObjects,
  { crop, flip }: Pick<View, "crop" | "flip">,
  size: number,
  leastVisible = 0,
): PictureObjects {
  const to = { width: size, height: size };
  return movedObjects(objects, cropMap(crop, to, flip), to, leastVisible);
}

/**
 * The pictures that a detector learns from: those with an object that is no crowd and larger than a pixel in both directions.
 *
 * @param source A source that knows its objects.
 * @throws {Error} When it knows of none, or no picture is left.
 */
export function picturesWithObjects(source: Source): Source {
  const indices: number[] = [];
  if (!source.objects) {
    throw new Error(`${source.uri}: has no annotated objects; open it with objects, which COCO's format has`);
  }
  for (let i = 0; i < source.length; i++) {
    const { boxes, crowd } = source.objects(i);
    const shows = crowd.some((is, j) =>
      !is && boxes[4 * j + 2] - boxes[4 * j] > 1 && boxes[4 * j + 3] - boxes[4 * j + 1] > 1
    );
    if (shows) indices.push(i);
  }
  if (indices.length === 0) {
    throw new Error(`${source.uri}: none of its ${source.length} pictures has an object`);
  }
  return select(source, indices);
}

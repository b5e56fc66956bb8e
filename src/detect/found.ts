/** What a detector finds in pictures, in the pictures' own pixels. */
import type { Preparation } from "../data/picture/preparation.ts";
import type { BadRecordError, Source } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import { pictureBatches } from "../eval/pictures.ts";
import type { Params } from "../model/types.ts";
import { type BoxSize, cutBoxes, inverseMap, moveBoxes } from "../views/boxes.ts";
import { CANVAS_COLOUR } from "../views/place.ts";
import { type ChoosingOptions, type Finder, finder } from "./candidates.ts";
import { lookingBox } from "./jitter.ts";
import type { DetectorConfig } from "./model.ts";
import type { Detections } from "./nms.ts";

/** What is found in a picture. Boxes are in its own pixels, cut at its edges, by falling score. */
export interface FoundObjects extends Detections {
  /** Of its source. */
  key: string;
  /** Where it stands in its source. */
  index: number;
  /** Its size in pixels. */
  width: number;
  height: number;
}

/** Pictures as a detector looks at them: letter-boxed on the canvas. */
export function detectorInput(imageSize: number): Preparation {
  return { kind: "letterBox", size: imageSize, colour: CANVAS_COLOUR };
}

/**
 * Detections on a canvas, in the pixels of the picture that lies on it.
 *
 * @param found In pixels of the canvas.
 * @param size The picture's.
 * @param side Of the canvas.
 * @returns Those of which something lies in the picture, cut at its edges.
 */
export function inPicture(found: Detections, size: BoxSize, side: number): Detections {
  const moved = moveBoxes(found.boxes, inverseMap(lookingBox(size, side).map));
  const { boxes, kept } = cutBoxes(moved, size);
  return {
    boxes,
    classes: Int32Array.from(kept, (row) => found.classes[row]),
    scores: Float64Array.from(kept, (row) => found.scores[row]),
  };
}

/** How pictures are searched. */
export interface SearchOptions extends ChoosingOptions {
  /** Side of the canvas. */
  imageSize: number;
  batchSize: number;
  /** Told of pictures that cannot be read; they are left out. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
}

/**
 * Searches all pictures of a source with parameters that are on the engine, in the source's order.
 *
 * @throws {BadRecordError} When a picture cannot be read and `onBad` is not there to hear of it.
 */
export async function* searchPictures(
  { find }: Pick<Finder, "find">,
  params: Params,
  source: Source,
  options: SearchOptions,
): AsyncGenerator<FoundObjects, void, void> {
  const { imageSize, batchSize, onBad } = options;
  const reading = { batchSize, prepare: detectorInput(imageSize), onBad };
  for await (const { bytes, keys, indices, sizes } of pictureBatches(source, reading)) {
    const found = await find(params, bytes, options);
    if (found.length !== keys.length) {
      throw new RangeError(
        `imageSize is ${imageSize}, which is not the size that the detector was prepared for`,
      );
    }
    for (let row = 0; row < keys.length; row++) {
      const { width, height } = sizes[row];
      yield {
        key: keys[row],
        index: indices[row],
        width,
        height,
        ...inPicture(found[row], sizes[row], imageSize),
      };
    }
  }
}

/** How {@linkcode detectObjects} works. */
export interface DetectOptions extends ChoosingOptions {
  engine: Engine;
  config: DetectorConfig;
  /** Of the detector, see `StoredDetector.load`. Read, never disposed. */
  params: Params;
  /** Pictures at once. Default 16. */
  batchSize?: number;
  /** Told of pictures that cannot be read; they are left out. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
}

/**
 * Finds objects in all pictures of a source, in its order.
 *
 * @param source Pictures by index. Not closed.
 * @throws {BadRecordError} When a picture cannot be read and `onBad` is not there to hear of it.
 * @example What is in a folder's pictures.
 * ```ts ignore
 * const detector = await readDetector("runs/detect-demo");
 * const engine = await openEngine(), source = await openSource("./photos");
 * const { config, classes } = detector, params = detector.load();
 * for await (const { key, boxes, classes: kinds, scores } of detectObjects(source, { engine, config, params, threshold: 0.3 })) {
 *   kinds.forEach((kind, i) => console.log(key, classes[kind], scores[i], boxes.subarray(4 * i, 4 * i + 4)));
 * }
 * ```
 */
export async function* detectObjects(
  source: Source,
  options: DetectOptions,
): AsyncGenerator<FoundObjects, void, void> {
  const { engine, config, params, batchSize = 16 } = options, prepared = finder(engine, config, batchSize);
  try {
    yield* searchPictures(prepared, params, source, { ...options, imageSize: config.imageSize, batchSize });
  } finally {
    prepared.close();
  }
}

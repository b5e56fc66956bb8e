/** Files in COCO's layout, read as streams. */
import { fileChunks } from "../data/io/reader/chunks.ts";
import { jsonBatches, jsonListBatches } from "../data/sources/json_elements.ts";
import { detectionsBuilder } from "./detections.ts";
import { truthBuilder } from "./truth.ts";
import type {
  CocoAnnotation,
  CocoCategory,
  CocoDetections,
  CocoImage,
  CocoResult,
  CocoTruth,
  IouType,
} from "./types.ts";

/** Gives a file's bytes from the start, as often as it is called. */
export type OpenChunks = () => AsyncIterable<Uint8Array>;

/**
 * Reads an annotations file such as `instances_val2017.json`. Files of any size are read in pieces; what is kept of an annotation
 * is 70 bytes, and of its mask about 1.3 bytes a run.
 *
 * @param file Its path.
 * @param iouType Whether boxes or masks are to be compared.
 * @param open Where its bytes come from. Default: the file.
 * @throws {CocoError} When an entry cannot be what it should be; names it.
 * @throws {DamagedError} When it is no JSON or cut short.
 * @throws {Error} When the file cannot be read.
 */
export async function readCocoTruth(
  file: string,
  iouType: IouType = "bbox",
  open: OpenChunks = () => fileChunks(file),
): Promise<CocoTruth> {
  const builder = truthBuilder(file, iouType), all = ["images", "categories", "annotations"];
  let pictures = false, early = false;
  for await (const { name, values } of jsonBatches(file, open(), all)) {
    if (name === "images") {
      pictures = true;
      for (const value of values) builder.image(value as CocoImage);
    } else if (name === "categories") {
      for (const value of values) builder.category(value as CocoCategory);
    } else if (pictures && !early) {
      for (const value of values) builder.annotation(value as CocoAnnotation);
    } else early = true;
  }
  // Polygons need their picture's size. Where annotations stand before the pictures, they are read in a second pass.
  if (early) {
    for await (const { values } of jsonBatches(file, open(), ["annotations"])) {
      for (const value of values) builder.annotation(value as CocoAnnotation);
    }
  }
  return builder.finish();
}

/**
 * Reads a file of results, a list of `{image_id, category_id, score, bbox | segmentation}`, in pieces.
 *
 * @param file Its path.
 * @param truth What the results are of.
 * @param open Where its bytes come from. Default: the file.
 * @throws {CocoError} When an entry is no such result, or of a picture that `truth` does not list; names it.
 * @throws {DamagedError} When it is no list in JSON or cut short.
 * @throws {Error} When the file cannot be read.
 */
export async function readCocoDetections(
  file: string,
  truth: CocoTruth,
  open: OpenChunks = () => fileChunks(file),
): Promise<CocoDetections> {
  const builder = detectionsBuilder(truth, file);
  for await (const { values } of jsonListBatches(file, open())) {
    for (const value of values) builder.add(value as CocoResult);
  }
  return builder.finish();
}

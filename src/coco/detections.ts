/** Detections, from entries in the layout of COCO's results. */
import { numberList } from "../data/io/compact_lists.ts";
import { type CocoId, otherKind } from "../data/sources/coco_ids.ts";
import { fieldsOf, requireBox, requireId, within } from "./entries.ts";
import { CocoError } from "./error.ts";
import { type CocoBox, type Mask, maskArea, maskBox } from "./mask.ts";
import { maskList } from "./mask_list.ts";
import { notes } from "./notes.ts";
import { boxMask } from "./polygon.ts";
import { maskOfSegmentation, type PictureSize, requireSize, shortJson } from "./segmentation.ts";
import type { CocoDetections, CocoResult, CocoTruth, IouType } from "./types.ts";

/** Takes results one by one, in the file's order, by which equal scores are ranked. */
export interface DetectionsBuilder {
  /**
   * One more.
   *
   * @throws {CocoError} When it is no result, its score is no finite number, or its picture is not listed.
   */
  add(entry: CocoResult): void;
  /** Puts everything in order; nothing may be added afterwards. */
  finish(): CocoDetections;
}

/**
 * Detections from a list in memory.
 *
 * @param truth What they will be compared with.
 * @param entries As in a file of results.
 * @param name What they are called in messages.
 * @throws {CocoError} When an entry is no such result; names it.
 */
export function cocoDetections(
  truth: CocoTruth,
  entries: Iterable<CocoResult>,
  name = "results",
): CocoDetections {
  const builder = detectionsBuilder(truth, name);
  for (const entry of entries) builder.add(entry);
  return builder.finish();
}

/** Whether results are boxes or masks. The first one decides for all, as in pycocotools. */
type Form = "boxes" | "masks";

function formOf(entry: Record<string, unknown>): Form {
  if ("bbox" in entry && !(Array.isArray(entry.bbox) && entry.bbox.length === 0)) return "boxes";
  if ("segmentation" in entry) return "masks";
  const others = ["captions", "keypoints"].filter((name) => name in entry || name.slice(0, -1) in entry);
  throw new CocoError(
    `has neither bbox nor segmentation${others.length > 0 ? `; ${others[0]} are not evaluated here` : ""}`,
  );
}

/** Box, area and mask of a result, by the rules of pycocotools' loadRes. */
function shapeOf(
  entry: Record<string, unknown>,
  form: Form,
  iouType: IouType,
  size: PictureSize | undefined,
): { box: CocoBox; area: number; mask?: Mask } {
  if (form === "boxes") {
    const box = requireBox(entry.bbox), area = box[2] * box[3];
    if (iouType === "bbox") return { box, area };
    if (entry.segmentation !== undefined) {
      return { box, area, mask: maskOfSegmentation(entry.segmentation, size) };
    }
    const { height, width } = requireSize(size);
    return { box, area, mask: boxMask(box, height, width) };
  }
  const mask = maskOfSegmentation(entry.segmentation, size), area = maskArea(mask);
  const own = Array.isArray(entry.bbox) && entry.bbox.length > 0;
  return { box: own ? requireBox(entry.bbox) : maskBox(mask), area, mask };
}

/** Says that a picture is not listed, and what may be the reason. */
function unknownPicture(id: CocoId, { name, images }: CocoTruth): CocoError {
  return new CocoError(
    `image_id ${shortJson(id)} is none of the ${images.length} pictures of ${name}${
      otherKind(id, images[0])
    }`,
  );
}

/**
 * Collects results; about 60 bytes are kept of each, and of its mask 1.3 bytes a run.
 *
 * @param truth What they will be compared with: its pictures, its categories, and whether boxes or masks count.
 * @param name The file, for messages.
 */
export function detectionsBuilder(truth: CocoTruth, name: string): DetectionsBuilder {
  const { iouType, sizes } = truth, found = notes();
  const places = new Map(truth.images.map((id, place) => [id, place]));
  const numbers = new Map(truth.categories.map(({ id }, number) => [id, number]));
  const images = numberList(Int32Array), categories = numberList(Int32Array);
  const boxes = numberList(Float64Array), areas = numberList(Float64Array), scores = numberList(Float64Array);
  const masks = iouType === "segm" ? maskList() : undefined;
  let count = 0, form: Form | undefined;

  function add(entry: Record<string, unknown>): void {
    const image = requireId(entry, "image_id"), category = requireId(entry, "category_id");
    const place = places.get(image), number = numbers.get(category), { score } = entry;
    if (place === undefined) throw unknownPicture(image, truth);
    if (typeof score !== "number" || !Number.isFinite(score)) {
      throw new CocoError(
        `score is ${
          typeof score === "number" ? score : score === null ? "null or NaN" : shortJson(score)
        }, not a finite number`,
      );
    }
    form ??= formOf(entry);
    const [height, width] = [sizes[2 * place], sizes[2 * place + 1]];
    const size = Number.isNaN(height) || Number.isNaN(width) ? undefined : { height, width };
    const { box, area, mask } = shapeOf(entry, form, iouType, size);
    const note = (one: string, many: string, example = "") =>
      found.add(`1 detection ${one}`, `N detections ${many}`, `results[${count - 1}]${example}`);
    if (number === undefined) {
      const what = `of a category that ${truth.name} does not list`;
      note(
        `is ${what} and is passed over`,
        `are each ${what} and are passed over`,
        `, category_id ${category}${otherKind(category, truth.categories[0]?.id)}`,
      );
    }
    if (iouType === "bbox" && !(box[2] > 0 && box[3] > 0)) {
      note("has a box without area, which finds nothing", "have boxes without area, which find nothing");
    }
    if (mask && size && (mask.height !== size.height || mask.width !== size.width)) {
      const what = "of another size than the picture and finds nothing";
      note(`has a mask ${what}`, `have masks, each ${what}`);
    }
    images.push(place);
    categories.push(number ?? -1);
    box.forEach(boxes.push);
    areas.push(area);
    scores.push(score);
    if (masks && mask) masks.push(mask);
  }

  return {
    add(entry) {
      const number = count++;
      within(() => `${name}: results[${number}]`, () => add(fieldsOf(entry)));
    },
    finish: () => ({
      name,
      objects: {
        images: images.values(),
        categories: categories.values(),
        boxes: boxes.values(),
        areas: areas.values(),
        scores: scores.values(),
        masks,
      },
      notes: found.list(),
    }),
  };
}

/** Annotated objects, from entries in COCO's layout. */
import { numberList } from "../data/io/compact_lists.ts";
import { isId, otherKind } from "../data/sources/coco_ids.ts";
import { fieldsOf, requireBox, requireId, within } from "./entries.ts";
import { CocoError } from "./error.ts";
import { categoryList, pictureList } from "./lists.ts";
import { type CocoBox, type Mask, maskArea } from "./mask.ts";
import { maskList } from "./mask_list.ts";
import { type Notes, notes } from "./notes.ts";
import { hasShortPolygon, maskOfSegmentation, type PictureSize, shortJson } from "./segmentation.ts";
import type { CocoAnnotation, CocoCategory, CocoImage, CocoTruth, IouType } from "./types.ts";

/** Takes entries one by one: pictures before annotations, categories at any time. */
export interface TruthBuilder {
  image(entry: CocoImage): void;
  category(entry: CocoCategory): void;
  annotation(entry: CocoAnnotation): void;
  /** Puts everything in order; nothing may be added afterwards. */
  finish(): CocoTruth;
}

/**
 * Annotated objects from lists in memory.
 *
 * @param entries As in a file: `images`, `categories`, `annotations`.
 * @param iouType Whether boxes or masks are to be compared.
 * @param name What they are called in messages.
 * @throws {CocoError} When an entry is no such entry; names it.
 */
export function cocoTruth(
  entries: {
    images: Iterable<CocoImage>;
    categories: Iterable<CocoCategory>;
    annotations: Iterable<CocoAnnotation>;
  },
  iouType: IouType = "bbox",
  name = "ground truth",
): CocoTruth {
  const builder = truthBuilder(name, iouType);
  for (const entry of entries.images) builder.image(entry);
  for (const entry of entries.categories) builder.category(entry);
  for (const entry of entries.annotations) builder.annotation(entry);
  return builder.finish();
}

/** Box, area and mask of an annotation. */
interface Shape {
  box: CocoBox;
  area: number;
  mask?: Mask;
}

function shapeOf(entry: Record<string, unknown>, iouType: IouType, size: PictureSize | undefined): Shape {
  const given = typeof entry.area === "number" ? entry.area : undefined;
  if (iouType === "bbox") {
    const box = requireBox(entry.bbox);
    return { box, area: given ?? box[2] * box[3] };
  }
  const mask = maskOfSegmentation(entry.segmentation, size);
  return { box: [0, 0, 0, 0], area: given ?? maskArea(mask), mask };
}

/** Notes what is odd about an annotation, though it counts. */
function look(
  found: Notes,
  entry: Record<string, unknown>,
  { box }: Shape,
  iouType: IouType,
  size?: PictureSize,
) {
  const example = `id ${shortJson(entry.id)}`;
  const add = (what: string, have = "has", many = "have") =>
    found.add(`1 annotation ${have} ${what}`, `N annotations ${many} ${what}`, example);
  if (typeof entry.area !== "number") {
    add(`no area, which is taken from the ${iouType === "bbox" ? "box" : "mask"}`);
  }
  if (iouType === "segm") {
    if (hasShortPolygon(entry.segmentation)) {
      add("a polygon of fewer than three points, which encloses nothing");
    }
    return;
  }
  const [x, y, width, height] = box;
  if (!(width > 0 && height > 0)) add("a box without area, which nothing can find");
  else if (size && (x < -1 || y < -1 || x + width > size.width + 1 || y + height > size.height + 1)) {
    add("a box that reaches out of the picture");
  }
}

/**
 * Collects entries; about 70 bytes are kept of an annotation, and of its mask 1.3 bytes a run.
 *
 * @param name The file, for messages.
 * @param iouType Whether boxes or masks are to be compared.
 */
export function truthBuilder(name: string, iouType: IouType): TruthBuilder {
  const found = notes(), pictures = pictureList(found), categories = categoryList(found);
  const images = numberList(Int32Array), kinds = numberList(Int32Array), crowd = numberList(Uint8Array);
  const boxes = numberList(Float64Array), areas = numberList(Float64Array), ids = numberList(Float64Array);
  const masks = iouType === "segm" ? maskList() : undefined;
  const counts = { images: 0, categories: 0, annotations: 0 };

  function addAnnotation(entry: Record<string, unknown>): void {
    const id = requireId(entry, "image_id"), category = requireId(entry, "category_id");
    const place = pictures.place(id);
    if (place === undefined) {
      const what = "of a picture that is not listed and is passed over";
      const which = `image_id ${id}${otherKind(id, pictures.first())}`;
      return found.add(`1 annotation is ${what}`, `N annotations are each ${what}`, which);
    }
    const size = pictures.size(place), shape = shapeOf(entry, iouType, size);
    look(found, entry, shape, iouType, size);
    images.push(place);
    kinds.push(categories.kind(category));
    shape.box.forEach(boxes.push);
    areas.push(shape.area);
    crowd.push(entry.iscrowd ? 1 : 0);
    if (typeof entry.id === "number") ids.push(entry.id);
    if (shape.mask) masks!.push(shape.mask);
  }
  /** Takes an entry of a list; errors name its place there. */
  function add(
    list: keyof typeof counts,
    entry: unknown,
    take: (fields: Record<string, unknown>) => void,
  ): void {
    const number = counts[list]++, id = (entry as { id?: unknown } | null)?.id;
    const where = () => `${name}: ${list}[${number}]${isId(id) ? ` (id ${id})` : ""}`;
    within(where, () => take(fieldsOf(entry)));
  }

  return {
    image: (entry) => add("images", entry, pictures.add),
    category: (entry) => add("categories", entry, categories.add),
    annotation: (entry) => add("annotations", entry, addAnnotation),
    finish() {
      if (counts.images === 0) throw new CocoError(`${name}: lists no images`);
      if (counts.categories === 0) throw new CocoError(`${name}: lists no categories`);
      noteIds(found, ids.values());
      const { rank, ...listed } = pictures.sorted(), { numberOf, list } = categories.sorted();
      images.update((place) => rank[place]);
      kinds.update(numberOf);
      return {
        ...{ name, iouType, ...listed, categories: list },
        objects: {
          images: images.values(),
          categories: kinds.values(),
          boxes: boxes.values(),
          areas: areas.values(),
          crowd: crowd.values(),
          masks,
        },
        notes: found.list(),
      };
    },
  };
}

/** Notes ids that other programs stumble over; here annotations are counted, so their ids play no part. */
function noteIds(found: Notes, ids: Float64Array): void {
  const sorted = ids.toSorted();
  for (let i = 0; i < sorted.length; i++) {
    if (sorted[i] < 1) {
      found.add(
        "1 annotation has an id below 1 and counts like any other (pycocotools never finds id 0)",
        "N annotations have ids below 1 and count like any other (pycocotools never finds id 0)",
        `id ${sorted[i]}`,
      );
    }
    if (i > 0 && sorted[i] === sorted[i - 1]) {
      found.add(
        "1 annotation has another one's id; both count",
        "N annotations have another one's id; all count",
        `id ${sorted[i]}`,
      );
    }
  }
}

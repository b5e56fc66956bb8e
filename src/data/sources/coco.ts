import { numberList, requireIndex, type TextList, textList } from "../io/compact_lists.ts";
import { type CocoId, compareIds, isId, otherKind } from "./coco_ids.ts";
import { cocoObjects } from "./coco_objects.ts";
import { jsonElements } from "./json_elements.ts";
import { join } from "../io/paths.ts";
import { listFolder } from "./list_folder.ts";
import { describePassedOver, fileKind, passedCounter } from "./passed_over.ts";
import { fileChunks } from "../io/reader/chunks.ts";
import { standAsAnnotated } from "../picture/as_annotated.ts";
import { isJpegName, readPicture, safeRelative } from "./picture_file.ts";
import { BadRecordError, type ImageRecord, type PassedOver, type Source } from "../types.ts";

/** Where COCO's annotations stand. */
export interface CocoOptions {
  /** The annotations' file. Default: `annotations/instances_NAME.json` beside the folder NAME, or `image_info_NAME.json`. */
  annotations?: string;
  /**
   * Whether the annotated objects are wanted: about 50 bytes are kept of each. A file `image_info_….json` lists pictures and not what
   * they show, so there are none with it. Default false.
   */
  objects?: boolean;
}

/**
 * Opens pictures in the layout of COCO 2017: a folder such as `train2017` and `annotations/instances_train2017.json` beside
 * it. A picture's class is the category of its largest annotated object; pictures without objects have none.
 *
 * The annotations are read once as a stream, not as one text; what is kept takes about 50 bytes a picture.
 *
 * @param path The folder of pictures.
 * @param options Another annotations file.
 * @returns A source in the order of the annotations file's `images`.
 * @throws {Error} When folder or annotations are missing, damaged, or do not belong together.
 */
export async function openCoco(path: string, options: CocoOptions = {}): Promise<Source> {
  const folder = path.replace(/\/+$/, "");
  const annotations = options.annotations ?? await findAnnotations(folder);
  const withObjects = options.objects && !/(^|\/)image_info_[^/]*$/.test(annotations);
  const { names, labels, categories, passed, objects, sizes, pictureIds, classIds } = await readAnnotations(
    annotations,
    withObjects,
  );
  const passedOver = [...passed, ...await unlisted(folder, names, annotations)];
  return {
    uri: path,
    length: names.length,
    labels: categories,
    async get(index): Promise<ImageRecord> {
      requireIndex(path, index, names.length);
      const key = names.get(index);
      if (!safeRelative(key)) throw new BadRecordError(path, key, "a file name that leads out of the folder");
      const bytes = await readPicture(path, key, join(folder, key)), label = labels[index];
      if (sizes) standAsAnnotated(bytes, sizes(index));
      return label < 0 ? { key, bytes } : { key, bytes, label };
    },
    async key(index): Promise<string> {
      requireIndex(path, index, names.length);
      return await names.get(index);
    },
    place(index) {
      requireIndex(path, index, names.length);
      const key = names.get(index), label = labels[index] < 0 ? undefined : labels[index];
      if (!isJpegName(key) || !safeRelative(key)) return null;
      return { key, label, at: { path: join(folder, key), ...sizes && { annotated: sizes(index) } } };
    },
    ...(objects && {
      objects(index: number) {
        requireIndex(path, index, names.length);
        return objects(index);
      },
      annotations: { file: annotations, picture: (index: number) => pictureIds[index], classes: classIds },
    }),
    passedOver: () => passedOver,
    close: () => Promise.resolve(),
  };
}

/** The pictures that an annotations' file lists and the class of each. */
async function readAnnotations(file: string, withObjects = false) {
  const names = textList(), imageNumbers = new Map<CocoId, number>(), categories = new Map<CocoId, string>();
  // Annotations may stand before the images and categories, so they are collected by the ids that they state.
  const largest = new Map<CocoId, number>(), kindNumbers = new Map<CocoId, number>();
  const areas = numberList(Float64Array), kinds = numberList(Float64Array);
  const passed = passedCounter(file), objects = withObjects ? cocoObjects(file, passed) : undefined;
  const annotation = ({ image_id: image, category_id: category, ...entry }: Record<string, unknown>) => {
    if (!isId(image) || !isId(category)) {
      return passed.add("annotation", "has no image_id or category_id", `id ${entry.id}`);
    }
    objects?.add(image, category, entry);
    const area = areaOf(entry), known = largest.get(image);
    if (known !== undefined && !(area > areas.get(known))) return;
    if (!kindNumbers.has(category)) kindNumbers.set(category, kindNumbers.size);
    largest.set(image, areas.length);
    areas.push(area);
    kinds.push(kindNumbers.get(category)!);
  };
  const wanted = ["images", "annotations", "categories"];
  for await (const { name, value } of jsonElements(file, fileChunks(file), wanted)) {
    const entry = fields(value);
    if (name === "images") {
      if (typeof entry.file_name !== "string" || !isId(entry.id)) {
        passed.add("image", "has no file_name or id", JSON.stringify(value, noBigints).slice(0, 80));
        continue;
      }
      if (imageNumbers.has(entry.id)) {
        passed.add("image", "has the id of another", `${entry.file_name}, id ${entry.id}`);
        continue;
      }
      imageNumbers.set(entry.id, names.length);
      objects?.picture(entry.width, entry.height, entry.file_name);
      names.push(entry.file_name);
    } else if (name === "annotations") annotation(entry);
    else if (isId(entry.id)) categories.set(entry.id, String(entry.name ?? entry.id));
  }
  if (names.length === 0) {
    const told = describePassedOver(passed.list());
    throw new Error(`${file}: lists no images${told ? `. ${told}` : ""}`);
  }
  const ids = [...categories.keys()].sort(compareIds),
    numbers = new Map(ids.map((id, number) => [id, number]));
  const kindIds = [...kindNumbers.keys()], labels = new Int32Array(names.length).fill(-1);
  for (const [image, at] of largest) {
    const id = kindIds[kinds.get(at)], number = numbers.get(id), index = imageNumbers.get(image);
    if (index === undefined) {
      passed.add(
        "annotated picture",
        "is not in the list of images",
        `image_id ${image}${otherKind(image, imageNumbers.keys().next().value)}`,
      );
    } else if (number === undefined) {
      passed.add(
        "label",
        "is of a category that the file does not list",
        `category_id ${id}${otherKind(id, ids[0])}`,
      );
    } else labels[index] = number;
  }
  const found = objects?.finish(imageNumbers, numbers), sizes = objects?.size;
  const pictureIds: CocoId[] = [];
  if (withObjects) { for (const [id, index] of imageNumbers) pictureIds[index] = id; }
  return {
    ...{ names, labels, objects: found, sizes, pictureIds, classIds: ids },
    categories: ids.map((id) => categories.get(id)!),
    passed: passed.list(),
  };
}

const noBigints = (_name: string, value: unknown) => typeof value === "bigint" ? String(value) : value;

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function areaOf(entry: Record<string, unknown>): number {
  if (typeof entry.area === "number") return entry.area;
  const [, , width, height] = Array.isArray(entry.bbox) ? entry.bbox.map(Number) : [];
  return width * height || 0;
}

async function findAnnotations(folder: string): Promise<string> {
  const slash = folder.lastIndexOf("/"), name = folder.slice(slash + 1);
  const parent = slash < 0 ? "." : folder.slice(0, slash) || "/";
  const candidates = ["instances", "image_info"].map((kind) =>
    join(parent, `annotations/${kind}_${name}.json`)
  );
  for (const candidate of candidates) {
    if (await Deno.stat(candidate).then((info) => info.isFile, () => false)) return candidate;
  }
  const inside = await Deno.stat(join(folder, "annotations")).then((info) => info.isDirectory, () => false);
  throw new Error(
    inside
      ? `${folder}: name the folder of pictures in it, such as coco:${folder}/train2017`
      : `${folder}: no annotations; looked for ${candidates.join(" and ")}`,
  );
}

/**
 * What the folder holds that the annotations do not list.
 *
 * @throws {Error} When it holds none of what they list.
 */
async function unlisted(folder: string, names: TextList, annotations: string): Promise<PassedOver[]> {
  const { pictures, passedOver } = await listFolder(folder);
  const there = new Set(pictures);
  let found = 0;
  for (let i = 0; i < names.length; i++) {
    const name = names.get(i).replace(/^(\.\/)+/, "");
    if (!there.has(name)) continue;
    there.delete(name);
    found++;
  }
  if (found === 0 && !await anyExists(folder, names)) {
    throw new Error(
      `${folder}: has no ${
        names.get(0)
      }, the first picture of ${annotations}, nor any other of its ${names.length}; do ` +
        "they belong together?",
    );
  }
  const passed = passedCounter(folder);
  for (const name of there) passed.add(fileKind(name), "is not in the annotations", name);
  return [...passed.list(), ...passedOver];
}

/** Whether any of the first pictures exists that a listing does not give: hidden ones, say. */
async function anyExists(folder: string, names: TextList): Promise<boolean> {
  for (let i = 0; i < Math.min(names.length, 100); i++) {
    const name = names.get(i);
    if (safeRelative(name) && await Deno.stat(join(folder, name)).then(({ isFile }) => isFile, () => false)) {
      return true;
    }
  }
  return false;
}

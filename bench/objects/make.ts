/** A detection set: emoji on photographs, in COCO's layout. */
import { join } from "node:path";
import { map, range } from "../../src/data/iter.ts";
import { canvas, classColour, outline } from "../../src/data/picture/drawing.ts";
import { encodePng } from "../../src/data/picture/png.ts";
import { encodeJpeg } from "../../src/data/picture/sharp.ts";
import type { Picture } from "../../src/data/types.ts";
import { type RandomStream, randomStream } from "../../src/random.ts";
import { type Annotated, annotationsText } from "./annotations.ts";
import { cutBackground, type Drawing, drawScene, type Scene } from "./scene.ts";

/** The parts of the set. */
export const SPLITS = ["train", "val"] as const;

/** What a part is made of. */
export interface SplitParts {
  /** How many pictures. */
  count: number;
  photos: readonly Picture[];
  /** The drawings of each category. */
  drawings: readonly (readonly (() => Promise<Drawing>)[])[];
}

/** What is made. */
export interface SetOptions {
  splits: Record<typeof SPLITS[number], SplitParts>;
  /** Names of the categories. */
  categories: readonly string[];
  /** The longer side of the pictures in pixels. */
  size: number;
  seed: number;
  /** A description for the annotation files. */
  about: Record<string, unknown>;
  /** Called after each picture. */
  progress?: (done: number, total: number) => void;
}

/** What was made. */
export interface SetMade {
  /** Objects that are no crowd, crowds, and pictures without either, by part. */
  splits: Record<typeof SPLITS[number], { pictures: number; objects: number; crowds: number; empty: number }>;
}

/** The shorter side is from this share of the longer one up. */
const LEAST_SHORTER = 0.7;
const QUALITY = 90;
/** The sheet shows so many pictures of each part, in rows of so many. */
const SHOWN = 12, COLUMNS = 6;

/** One picture of a part; depends on the seed, the part and its number alone. */
async function oneScene(
  seed: number,
  split: number,
  i: number,
  size: number,
  parts: SplitParts,
): Promise<Scene> {
  const random = randomStream(seed, "test", 8, split, i);
  const shorter = Math.round(size * random.uniform(LEAST_SHORTER, 1)), upright = random.uniform() < 0.5;
  const [width, height] = upright ? [shorter, size] : [size, shorter];
  const photo = parts.photos[random.integer(0, parts.photos.length - 1)];
  const choose = async (random: RandomStream, category = random.integer(0, parts.drawings.length - 1)) => {
    const own = parts.drawings[category];
    return await own[random.integer(0, own.length - 1)]();
  };
  return await drawScene(random, cutBackground(random, photo, width, height), choose);
}

/** Pictures with their boxes, those of crowds white, in rows. */
function sheetOf(scenes: readonly Scene[], size: number): Picture {
  const rows = Math.ceil(scenes.length / COLUMNS), gap = 4, cell = size + gap;
  const sheet = canvas(COLUMNS * cell, rows * cell, [40, 40, 40]);
  scenes.forEach(({ picture, objects }, n) => {
    const left = n % COLUMNS * cell, top = Math.floor(n / COLUMNS) * cell;
    for (let y = 0; y < picture.height; y++) {
      const row = picture.data.subarray(3 * y * picture.width, 3 * (y + 1) * picture.width);
      sheet.data.set(row, 3 * ((top + y) * sheet.width + left));
    }
    for (const { box: [x, y, width, height], category, crowd } of objects) {
      const edges = [left + x, top + y, left + x + width, top + y + height];
      outline(sheet, edges, crowd ? [255, 255, 255] : classColour(category));
    }
  });
  return sheet;
}

/**
 * Makes the set: a folder of JPEGs for each part, `annotations/instances_….json`, and beside these `sheet.png` with the first
 * pictures and their boxes. The same options always give the same bytes.
 *
 * @param folder An empty folder.
 * @throws {Error} When a drawing cannot be read or a file cannot be written.
 */
export async function makeSet(folder: string, options: SetOptions): Promise<SetMade> {
  const { splits, categories, size, seed, about, progress } = options;
  const total = SPLITS.reduce((sum, name) => sum + splits[name].count, 0), shown: Scene[] = [];
  const made = {} as SetMade["splits"];
  await Deno.mkdir(join(folder, "annotations"));
  let first = 1;
  for (const [number, name] of SPLITS.entries()) {
    const { count } = splits[name], pictures: Annotated[] = [];
    await Deno.mkdir(join(folder, name));
    const make = async (i: number) => {
      const scene = await oneScene(seed, number, i, size, splits[name]), id = first + i;
      const file = `${String(id).padStart(12, "0")}.jpg`;
      await Deno.writeFile(join(folder, name, file), await encodeJpeg(scene.picture, QUALITY));
      return { id, name: file, scene };
    };
    for await (const { id, name: file, scene } of map(range(0, count), make, 4)) {
      if (pictures.length < SHOWN) shown.push(scene);
      const { picture: { width, height }, objects } = scene;
      pictures.push({ id, name: file, scene: { picture: { width, height }, objects } });
      progress?.(id, total);
    }
    const text = annotationsText({ ...about, split: name }, categories, pictures);
    await Deno.writeTextFile(join(folder, "annotations", `instances_${name}.json`), text);
    const objects = pictures.flatMap(({ scene }) => scene.objects),
      crowds = objects.filter(({ crowd }) => crowd);
    made[name] = {
      ...{ pictures: count, objects: objects.length - crowds.length, crowds: crowds.length },
      empty: pictures.filter(({ scene }) => scene.objects.length === 0).length,
    };
    first += count;
  }
  await Deno.writeFile(join(folder, "annotations", "sheet.png"), encodePng(sheetOf(shown, size)));
  return { splits: made };
}

/** A detection set: emoji on photographs, in COCO's layout. */
import { join } from "node:path";
import { map, range } from "../../src/data/iter.ts";
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

/**
 * Makes the set: a folder of JPEGs for each part and `annotations/instances_….json`. The same options always give the same bytes.
 *
 * @param folder An empty folder.
 * @throws {Error} When a drawing cannot be read or a file cannot be written.
 */
export async function makeSet(folder: string, options: SetOptions): Promise<SetMade> {
  const { splits, categories, size, seed, about, progress } = options;
  const total = SPLITS.reduce((sum, name) => sum + splits[name].count, 0);
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
  return { splits: made };
}

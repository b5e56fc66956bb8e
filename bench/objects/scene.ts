/** Pictures of sprites on photographs, and what is seen of each sprite. */
import { type CocoBox, type Mask, maskArea, maskBox, maskFromPixels } from "../../src/coco/mask.ts";
import { resize } from "../../src/data/picture/resize.ts";
import type { Picture } from "../../src/data/types.ts";
import type { RandomStream } from "../../src/random.ts";
import { type Layer, layerOf, type Pose, type Sprite } from "./sprite.ts";

/** A sprite and what it is. */
export interface Drawing {
  sprite: Sprite;
  /** The number of its category. */
  category: number;
  /** Its name, for people. */
  name: string;
}

/** What is seen of a sprite, or of a crowd of them. */
export interface SceneObject {
  category: number;
  /** The sprite's; of a crowd that of its first. */
  name: string;
  crowd: boolean;
  /** The pixels that it covers by half or more, and nothing before it does. */
  mask: Mask;
  box: CocoBox;
  area: number;
}

/** A picture and its objects, the rearmost first. */
export interface Scene {
  picture: Picture;
  objects: SceneObject[];
}

/** Shares of pictures: without an object, and with a crowd. */
const EMPTY = 0.08, CROWDED = 0.05;
/** Objects of a picture, and sprites of a crowd. */
const MOST_OBJECTS = 6, CROWD = [10, 18] as const;
/** Sides of sprites as shares of the picture's longer side. */
const SIDES = [0.12, 0.65] as const, CROWD_SIDES = [0.1, 0.16] as const;
/** Turns in radians, either way. */
const MOST_TURN = Math.PI / 4;
/** What must be seen: of a sprite within the picture, and of one behind others. */
const LEAST_INSIDE = 0.4, LEAST_SEEN = 0.3;
/** Objects of fewer pixels are not drawn. */
const LEAST_PIXELS = 20;
/** How often a place is looked for. */
const TRIES = 10;
/** A pixel belongs to a sprite that covers it by half or more. */
const COVERS = 0.5;

/**
 * Cuts a background out of a photograph: any part of the size's shape, perhaps mirrored.
 *
 * @param random Which part.
 * @param photo A larger or smaller picture.
 * @param width Pixels of the result.
 * @param height As above.
 */
export function cutBackground(random: RandomStream, photo: Picture, width: number, height: number): Picture {
  const whole = Math.min(photo.height, photo.width * height / width), share = random.uniform(0.5, 1);
  const part = {
    height: Math.max(1, Math.floor(whole * share)),
    width: Math.max(1, Math.floor(whole * share * width / height)),
  };
  const left = random.integer(0, photo.width - part.width),
    top = random.integer(0, photo.height - part.height);
  const { data } = resize(photo, width, height, "bicubic", { ...part, left, top });
  if (random.uniform() < 0.5) return { width, height, data };
  const mirrored = new Uint8Array(data.length);
  for (let i = 0; i < width * height; i++) {
    const x = i % width, from = 3 * (i - x + width - 1 - x);
    mirrored.set(data.subarray(from, from + 3), 3 * i);
  }
  return { width, height, data: mirrored };
}

/** The pixels of a picture, and which object is seen at each. */
interface Canvas extends Picture {
  /** The number of the object; −1 for the photograph. */
  owners: Int16Array;
  /** Pixels of each object that are seen, and that it had when it was drawn. */
  seen: number[];
  drawn: number[];
}

/** The places in the picture that a layer covers by half or more. */
function covered({ width }: Canvas, layer: Layer): number[] {
  const places: number[] = [];
  layer.alpha.forEach((alpha, at) => {
    if (alpha < COVERS) return;
    const column = at % layer.width;
    places.push((layer.top + (at - column) / layer.width) * width + layer.left + column);
  });
  return places;
}

/** Lays a layer on the picture as a part of object `number`. */
function lay(canvas: Canvas, layer: Layer, number: number, places: readonly number[]): void {
  const { width, data, owners, seen, drawn } = canvas;
  layer.alpha.forEach((alpha, from) => {
    const column = from % layer.width, row = (from - column) / layer.width;
    const to = 3 * ((layer.top + row) * width + layer.left + column);
    for (let k = 0; k < 3; k++) {
      data[to + k] = Math.min(255, Math.round(layer.colours[3 * from + k] + (1 - alpha) * data[to + k]));
    }
  });
  seen[number] ??= 0;
  for (const place of places) {
    if (owners[place] === number) continue;
    if (owners[place] >= 0) seen[owners[place]]--;
    owners[place] = number;
    seen[number]++;
  }
  drawn[number] = seen[number];
}

/** Whether enough is seen of a sprite, and of those behind it. */
function mayLie(canvas: Canvas, places: readonly number[], everywhere: number): boolean {
  if (places.length < LEAST_PIXELS || places.length < LEAST_INSIDE * everywhere) return false;
  const lost = new Map<number, number>();
  for (const place of places) {
    const owner = canvas.owners[place];
    if (owner >= 0) lost.set(owner, (lost.get(owner) ?? 0) + 1);
  }
  return [...lost].every(([owner, pixels]) => {
    const left = canvas.seen[owner] - pixels;
    return left >= LEAST_PIXELS && left >= LEAST_SEEN * canvas.drawn[owner];
  });
}

const logUniform = (random: RandomStream, [low, high]: readonly [number, number]) =>
  Math.exp(random.uniform(Math.log(low), Math.log(high)));

/** Draws one sprite where there is room for it; says whether there was. */
function drawOne(canvas: Canvas, random: RandomStream, sprite: Sprite, number: number): boolean {
  const longer = Math.max(canvas.width, canvas.height);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const pose: Pose = {
      ...{ x: random.uniform(0, canvas.width), y: random.uniform(0, canvas.height) },
      ...{ side: longer * logUniform(random, SIDES), turn: random.uniform(-MOST_TURN, MOST_TURN) },
    };
    const layer = layerOf(sprite, pose, canvas), places = covered(canvas, layer);
    if (!mayLie(canvas, places, sprite.covered * pose.side ** 2)) continue;
    lay(canvas, layer, number, places);
    return true;
  }
  return false;
}

/** Draws a crowd of sprites of one category, in a heap. */
function drawCrowd(canvas: Canvas, random: RandomStream, drawings: readonly Drawing[]): void {
  const { width, height } = canvas, longer = Math.max(width, height);
  const [x, y] = [random.uniform(0.3, 0.7) * width, random.uniform(0.3, 0.7) * height];
  for (const { sprite } of drawings) {
    const pose: Pose = {
      ...{ x: x + 0.13 * longer * random.normal(), y: y + 0.08 * longer * random.normal() },
      ...{ side: longer * logUniform(random, CROWD_SIDES), turn: random.uniform(-MOST_TURN, MOST_TURN) },
    };
    const layer = layerOf(sprite, pose, canvas);
    lay(canvas, layer, 0, covered(canvas, layer));
  }
}

/**
 * Draws sprites on a picture at random scales, places and turns, one before the other, some cut by the picture's edges. A few
 * pictures stay without, and a few have a crowd behind the others.
 *
 * @param random Decides everything.
 * @param background The picture; it is drawn on.
 * @param choose Gives a drawing: of any category, or of the one that is named.
 */
export async function drawScene(
  random: RandomStream,
  background: Picture,
  choose: (random: RandomStream, category?: number) => Promise<Drawing>,
): Promise<Scene> {
  const { width, height } = background, owners = new Int16Array(width * height).fill(-1);
  const canvas: Canvas = { ...background, owners, seen: [], drawn: [] };
  const kinds: Pick<SceneObject, "category" | "name" | "crowd">[] = [];
  const kind = random.uniform();
  if (kind >= 1 - CROWDED) {
    const drawings = [await choose(random)], count = random.integer(...CROWD);
    while (drawings.length < count) drawings.push(await choose(random, drawings[0].category));
    drawCrowd(canvas, random, drawings);
    kinds.push({ category: drawings[0].category, name: drawings[0].name, crowd: true });
  }
  for (let left = kind < EMPTY ? 0 : random.integer(1, MOST_OBJECTS); left > 0; left--) {
    const { sprite, category, name } = await choose(random);
    if (drawOne(canvas, random, sprite, kinds.length)) kinds.push({ category, name, crowd: false });
  }
  const objects = kinds.map((one, number): SceneObject => {
    const mask = maskFromPixels(Uint8Array.from(owners, (owner) => Number(owner === number)), height, width);
    return { ...one, mask, box: maskBox(mask), area: maskArea(mask) };
  });
  return { picture: { width, height, data: canvas.data }, objects };
}

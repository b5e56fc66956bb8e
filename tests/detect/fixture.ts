/** Small pictures of rectangles and diamonds on noise, in COCO's layout: train, val, a crowd, a picture without boxes, ids with gaps. */
import { dirname, join } from "node:path";
import { encodePng } from "../../src/data/picture/png.ts";
import type { Picture } from "../../src/data/types.ts";
import { randomStream } from "../../src/random.ts";

/** The categories, whose ids have gaps. */
export const KINDS = [{ id: 3, name: "block" }, { id: 17, name: "diamond" }] as const;
const COLOURS = [[220, 60, 40], [40, 90, 230]] as const;

type Box = [x: number, y: number, width: number, height: number];

/** Draws an object; a diamond touches the middles of its box's sides. */
function draw({ width, data }: Picture, [x, y, w, h]: Box, kind: number): void {
  for (let j = y; j < y + h; j++) {
    for (let i = x; i < x + w; i++) {
      const off = Math.abs((i + 0.5 - x) / w - 0.5) + Math.abs((j + 0.5 - y) / h - 0.5);
      if (kind === 0 || off <= 0.5) data.set(COLOURS[kind], (j * width + i) * 3);
    }
  }
}

/** How a set is made. */
export interface SetOptions {
  /** Pictures with objects. */
  count: number;
  seed: number;
  /** Longer side in pixels; the shorter one is three quarters of it. */
  side: number;
  /** Changes the annotations before they are written. */
  change?: (annotations: Annotations) => void;
}

/** What stands in the file. */
export interface Annotations {
  images: { id: number; file_name: string; width: number; height: number }[];
  categories: { id: number; name: string }[];
  annotations: Record<string, unknown>[];
}

/** A picture with one to three objects that do not overlap much. */
function picture(
  seed: number,
  number: number,
  width: number,
  height: number,
): { picture: Picture; boxes: [Box, number][] } {
  const random = randomStream(seed, "test", number), data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = random.integer(90, 150);
  const made: Picture = { width, height, data }, boxes: [Box, number][] = [];
  const wanted = random.integer(1, 3);
  for (let tries = 0; boxes.length < wanted && tries < 50; tries++) {
    const w = random.integer(Math.ceil(width / 6), Math.floor(width / 2)),
      h = random.integer(Math.ceil(height / 6), Math.floor(height / 2));
    const box: Box = [random.integer(0, width - w), random.integer(0, height - h), w, h];
    const apart = ([x, y, w, h]: Box) =>
      box[0] + box[2] <= x || x + w <= box[0] || box[1] + box[3] <= y || y + h <= box[1];
    if (!boxes.every(([other]) => apart(other))) continue;
    const kind = random.integer(0, 1);
    draw(made, box, kind);
    boxes.push([box, kind]);
  }
  return { picture: made, boxes };
}

/**
 * Writes a set and gives its URI.
 *
 * @param folder Such as `…/coco/train`; the annotations lie beside it.
 */
export async function cocoSet(folder: string, { count, seed, side, change }: SetOptions): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const all: Annotations = { images: [], categories: [...KINDS], annotations: [] };
  for (let i = 0; i < count; i++) {
    const [width, height] = i % 2 === 0 ? [side, side * 3 / 4] : [side * 3 / 4, side];
    const { picture: made, boxes } = picture(seed, i, width, height),
      id = 100 + 7 * i,
      file_name = `${id}.png`;
    await Deno.writeFile(join(folder, file_name), encodePng(made));
    all.images.push({ id, file_name, width, height });
    for (const [bbox, kind] of boxes) {
      const annotation = {
        id: all.annotations.length + 1,
        image_id: id,
        category_id: KINDS[kind].id,
        iscrowd: 0,
      };
      all.annotations.push({ ...annotation, bbox, area: bbox[2] * bbox[3], segmentation: [] });
    }
  }
  change?.(all);
  const name = folder.split("/").at(-1), beside = join(dirname(folder), "annotations");
  await Deno.mkdir(beside, { recursive: true });
  await Deno.writeTextFile(join(beside, `instances_${name}.json`), JSON.stringify(all));
  return `coco:${folder}`;
}

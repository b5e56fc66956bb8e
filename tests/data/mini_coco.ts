/** A small folder in COCO's layout. */
import { draw, writeFiles } from "./pictures.ts";

/** The size of all of its pictures. */
export const WIDTH = 48, HEIGHT = 32;

/**
 * A black picture with white boxes, x, y, width, height each; `scale` times as large in the end. With an EXIF orientation it is a
 * JPEG.
 */
export async function painted(
  boxes: readonly (readonly number[])[],
  scale = 1,
  orientation?: number,
): Promise<Uint8Array> {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (const [x, y, w, h] of boxes) {
    for (let row = y; row < y + h; row++) data.fill(255, (row * WIDTH + x) * 3, (row * WIDTH + x + w) * 3);
  }
  const drawn = draw({ width: WIDTH, height: HEIGHT, data });
  const sized = drawn.resize(scale * WIDTH, scale * HEIGHT, { kernel: "nearest" });
  const file = orientation === undefined
    ? sized.png()
    : sized.withMetadata({ orientation }).jpeg({ quality: 100, chromaSubsampling: "4:4:4" });
  return new Uint8Array(await file.toBuffer());
}

/** A picture as annotations list it. */
export const image = (id: number, name: string) => ({ id, file_name: name, width: WIDTH, height: HEIGHT });
/** An annotation. */
export const annotation = (image_id: number, bbox: number[], category_id = 90, iscrowd = 0) => ({
  ...{ image_id, bbox, category_id, iscrowd, area: bbox[2] * bbox[3] },
});
/** Boxes that are painted. */
export const A = [12, 8, 24, 16], B = [0, 0, 6, 32];

/** COCO's folder in small: two splits, a crowd, pictures without boxes, boxes outside and without area, categories with gaps. */
export async function miniCoco(folder: string): Promise<void> {
  const categories = [{ id: 90, name: "toothbrush" }, { id: 18, name: "dog" }];
  const train = {
    images: [image(9, "a.png"), image(4, "b.png"), image(7, "empty.png"), image(5, "crowd.png")],
    annotations: [
      annotation(4, [-6, -4, 12, 40], 18),
      annotation(9, A),
      annotation(4, [50, 2, 5, 5]),
      annotation(4, [5, 5, 0, 7]),
      annotation(5, A, 18, 1),
      annotation(4, [1, 1, 1, 1], 77),
      { image_id: 4, category_id: 18, bbox: [1, 2, 3] },
      annotation(99, A),
    ],
    categories,
  };
  await writeFiles(folder, {
    "train2017/a.png": await painted([A]),
    "train2017/b.png": await painted([B]),
    "train2017/empty.png": await painted([]),
    "train2017/crowd.png": await painted([A]),
    "val2017/v.png": await painted([B]),
    "annotations/instances_train2017.json": json(train),
    "annotations/instances_val2017.json": json({
      ...{ images: [image(1, "v.png")], annotations: [annotation(1, B)], categories },
    }),
  });
}

/** Its JSON as bytes. */
export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

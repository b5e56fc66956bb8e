import { canvas, paste } from "../../data/picture/drawing.ts";
import { basePicture } from "../../data/picture/resize.ts";
import { select } from "../../data/sources/select.ts";
import type { Picture, Source } from "../../data/types.ts";
import { randomStream } from "../../random.ts";
import type { Gallery } from "../../train/run/figure_files.ts";
import { allPictures } from "../pictures.ts";

/** Pictures of a gallery, if the source has as many. */
export const GALLERY_SIZE = 192;

/** Side of a thumbnail in pixels. */
const SIDE = 56;

/** Thumbnails in a row. */
const COLUMNS = 16;

/** The pictures that a run's figures are about, in host memory. */
export interface GalleryPictures {
  gallery: Gallery;
  /** count × S × S × 3 bytes. */
  base: Uint8Array;
  /** All thumbnails. */
  sheet: Picture;
}

/**
 * Chooses and reads pictures, always the same ones of a source.
 *
 * @param size Side of the pictures, S.
 * @param seed Of the choice.
 * @throws {Error} When no picture can be read.
 */
export async function readGallery(source: Source, size: number, seed: number): Promise<GalleryPictures> {
  const random = randomStream(seed, "figure"), chosen = new Set<number>();
  const wanted = Math.min(source.length, GALLERY_SIZE);
  while (chosen.size < wanted) chosen.add(random.integer(0, source.length - 1));
  const read = await allPictures(select(source, [...chosen]), {
    prepare: { kind: "base", size },
    onBad: () => {},
  });
  const { bytes: base, keys, labels } = read, pixels = size * size * 3;
  const sheet = canvas(COLUMNS * SIDE, Math.ceil(keys.length / COLUMNS) * SIDE, [228, 230, 234]);
  keys.forEach((_, i) => {
    const picture = { width: size, height: size, data: base.subarray(i * pixels, (i + 1) * pixels) };
    paste(sheet, basePicture(picture, SIDE), SIDE, (i % COLUMNS) * SIDE, Math.floor(i / COLUMNS) * SIDE, 1);
  });
  return {
    base,
    sheet,
    gallery: {
      version: 1,
      side: SIDE,
      columns: COLUMNS,
      pictures: keys.map((key, i) => ({ key, label: labels[i] })),
      labels: [...source.labels ?? []],
    },
  };
}

/** Random crops that linear probes learn from, cut from the whole picture as torchvision cuts them. */
import { map, range } from "../data/iter.ts";
import { decodePicture } from "../data/picture/decode.ts";
import { holdJpegLibrary } from "../data/picture/jpeg.ts";
import { resize } from "../data/picture/resize.ts";
import type { Picture, Source } from "../data/types.ts";
import type { ModelState } from "../model/types.ts";
import { type RandomStream, randomStream } from "../random.ts";
import type { Embedder } from "./embed.ts";
import type { FeatureSet } from "./feature_set.ts";

/** How a random crop is drawn and resized. */
export interface CropKind {
  method: "bilinear" | "bicubic";
  /**
   * What happens to a crop that does not fit: it is drawn again, up to ten times, and then the middle is taken
   * (torchvision); or its sides are cut to the picture's (MAE).
   */
  misfit: "again" | "cut";
}

/** Share of the area, and width / height, of a crop. */
const AREA = [0.08, 1] as const, RATIO = [3 / 4, 4 / 3] as const;
const ATTEMPTS = 10;

interface Region {
  top: number;
  left: number;
  width: number;
  height: number;
}

/** Draws a crop of a picture of these sides. */
export function drawCrop(
  { width, height }: Pick<Picture, "width" | "height">,
  { misfit }: CropKind,
  random: RandomStream,
): Region {
  const place = (w: number, h: number) => ({
    width: w,
    height: h,
    top: random.integer(0, height - h),
    left: random.integer(0, width - w),
  });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = random.uniform(...AREA) * width * height;
    const ratio = Math.exp(random.uniform(Math.log(RATIO[0]), Math.log(RATIO[1])));
    const w = Math.max(1, Math.round(Math.sqrt(area * ratio))),
      h = Math.max(1, Math.round(Math.sqrt(area / ratio)));
    if (misfit === "cut") return place(Math.min(w, width), Math.min(h, height));
    if (w <= width && h <= height) return place(w, h);
  }
  const ratio = Math.min(Math.max(width / height, RATIO[0]), RATIO[1]);
  const w = Math.max(1, Math.min(width, Math.round(height * ratio)));
  const h = Math.max(1, Math.min(height, Math.round(width / ratio)));
  return { width: w, height: h, top: Math.floor((height - h) / 2), left: Math.floor((width - w) / 2) };
}

/**
 * A random crop of a picture, resized, and mirrored half the time.
 *
 * @returns size × size × 3 bytes.
 */
export function augmentedPicture(
  picture: Picture,
  size: number,
  kind: CropKind,
  random: RandomStream,
): Uint8Array {
  const { data } = resize(picture, size, size, kind.method, drawCrop(picture, kind, random));
  if (random.uniform() < 0.5) return data;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = (y * size + x) * 3;
      out.set(data.subarray(from, from + 3), (y * size + size - 1 - x) * 3);
    }
  }
  return out;
}

/** Embeds random crops of a set's pictures. */
export interface Augmenter {
  /**
   * Features of new crops of some pictures, a batch at a time. A picture's crop depends on seed, epoch and its place in
   * the source alone.
   *
   * @param set Of the source whose pictures are cut.
   * @param order Which of its pictures, in this order; a last part that fills no batch is left out.
   */
  batches(
    set: FeatureSet,
    order: readonly number[],
    how: { batch: number; epoch: number; kind: CropKind; seed: number },
  ): AsyncGenerator<FeatureSet, void, void>;
}

/**
 * Prepares to embed random crops.
 *
 * @param embed Of pictures of `imageSize`.
 */
export function augmenter(
  source: Source,
  { embed, state, imageSize, blocks }: {
    embed: Embedder;
    state: ModelState;
    imageSize: number;
    blocks: number;
  },
): Augmenter {
  return {
    async *batches(set, order, { batch, epoch, kind, seed }) {
      const whole = order.length - order.length % batch;
      const load = async (at: number) => {
        const place = set.places![order[at]], { bytes } = await source.get(place);
        const random = randomStream(seed, "augment", epoch, place);
        return augmentedPicture(await decodePicture(bytes), imageSize, kind, random);
      };
      using _library = holdJpegLibrary();
      let pictures = new Uint8Array(batch * imageSize ** 2 * 3), labels: number[] = [], at = 0;
      for await (const bytes of map(range(0, whole), load, 2 * navigator.hardwareConcurrency)) {
        pictures.set(bytes, labels.length * bytes.length);
        labels.push(set.labels[order[at++]]);
        if (labels.length < batch) continue;
        const features = await embed.pictures(state, pictures);
        yield { ...set, ...features, blockCount: blocks, labels };
        [pictures, labels] = [new Uint8Array(pictures.length), []];
      }
    },
  };
}

import { matMulFloat32 } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import { field, resampleMatrix } from "./geometry.ts";
import { blur, colour, greyscale, solarise } from "./photometric.ts";
import { VIEW_FIELDS } from "./types.ts";

/** Mean of red, green and blue, of 1, that pictures are normalised with. docs/spec.md §1.9. */
export const MEAN: readonly [number, number, number] = [0.485, 0.456, 0.406];

/** Standard deviation of red, green and blue, of 1, that pictures are normalised with. docs/spec.md §1.9. */
export const STD: readonly [number, number, number] = [0.229, 0.224, 0.225];

/** (x / 255 − mean) / std, the channels lying along an axis that `shape` leaves free. */
function normalise(x: tf.Tensor, shape: number[]): tf.Tensor {
  const scale = tf.tensor(STD.map((std) => 1 / (255 * std)), shape);
  const shift = tf.tensor(STD.map((std, channel) => -MEAN[channel] / std), shape);
  return tf.add(tf.mul(x, scale), shift);
}

/**
 * Pictures as lines of red, green and blue, normalised. docs/spec.md §1.9.
 *
 * @param x [N, S, 3, S] values 0…255.
 * @returns [N, S, S, 3].
 */
export function normaliseLines(x: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => tf.transpose(normalise(x, [1, 1, 3, 1]), [0, 1, 3, 2]) as tf.Tensor4D);
}

function checkBase(base: tf.Tensor): [number, number] {
  const [count, height, width, channels] = base.shape;
  if (base.rank !== 4 || height !== width || channels !== 3) {
    throw new Error(`base pictures must be [B, S, S, 3], not [${base.shape}]`);
  }
  return [count, height];
}

/**
 * Cuts the crops of all views out of the base pictures, resizes them to the views' size (bicubic, antialias) and flips
 * them. docs/spec.md §1.2, §1.4.
 *
 * Both views of a picture are rows of one matrix, so the base is read once and never copied.
 *
 * @param base [B, S, S, 3] values 0…255.
 * @param views [2B, VIEW_FIELDS], the two views of a picture one after the other.
 * @param side V: side of a view in pixels. Default: S.
 * @returns [2B, V, 3, V] whole numbers 0…255 in the order of `views`.
 */
export function cropViews(base: tf.Tensor, views: tf.Tensor2D, side: number = base.shape[1]!): tf.Tensor4D {
  return tf.tidy(() => {
    const [count, size] = checkBase(base);
    const lines = tf.cast(tf.transpose(base, [0, 1, 3, 2]), "float32");
    const down = resampleMatrix(
      field(views, "top", 1),
      field(views, "height", 1),
      size,
      "bicubic",
      undefined,
      side,
    );
    const across = resampleMatrix(
      field(views, "left", 1),
      field(views, "width", 1),
      size,
      "bicubic",
      field(views, "flip", 1),
      side,
    );
    const rows = matMulFloat32(
      tf.reshape(down, [count, 2 * side, size]),
      tf.reshape(lines, [count, size, 3 * size]),
    );
    const both = matMulFloat32(tf.reshape(rows, [2 * count, side * 3, size]), across, true);
    const pixels = tf.add(tf.reshape(both, [2 * count, side, 3, side]), 0.5);
    return tf.floor(tf.minimum(tf.maximum(pixels, 0), 255)) as tf.Tensor4D;
  });
}

/**
 * Cuts one crop out of each base picture, resizes it (bicubic, antialias) and flips it, as {@linkcode cropViews} does, but
 * to any size.
 *
 * @param base [B, S, S, 3] values 0…255.
 * @param views [B, VIEW_FIELDS]; only crop and flip are looked at.
 * @param size Side of the results in pixels.
 * @returns [B, size, 3, size] whole numbers 0…255.
 * @throws {Error} When the shapes do not fit each other.
 */
export function cropPictures(base: tf.Tensor, views: tf.Tensor, size: number): tf.Tensor4D {
  const [count, side] = checkBase(base);
  if (views.rank !== 2 || views.shape[0] !== count || views.shape[1] !== VIEW_FIELDS) {
    throw new Error(`views of ${count} pictures must be [${count}, ${VIEW_FIELDS}], not [${views.shape}]`);
  }
  return tf.tidy(() => {
    const packed = views as tf.Tensor2D, of = (name: Parameters<typeof field>[1]) => field(packed, name, 1);
    const lines = tf.cast(tf.transpose(base, [0, 1, 3, 2]), "float32");
    const down = resampleMatrix(of("top"), of("height"), side, "bicubic", undefined, size);
    const across = resampleMatrix(of("left"), of("width"), side, "bicubic", of("flip"), size);
    const rows = matMulFloat32(down, tf.reshape(lines, [count, side, 3 * side]));
    const both = matMulFloat32(tf.reshape(rows, [count, size * 3, side]), across, true);
    const pixels = tf.add(tf.reshape(both, [count, size, 3, size]), 0.5);
    return tf.floor(tf.minimum(tf.maximum(pixels, 0), 255)) as tf.Tensor4D;
  });
}

/**
 * Renders the two views of every base picture: crop, flip, colour, grey, blur, solarisation, normalisation. docs/spec.md §1.
 *
 * A pure tensor function without random numbers: the packed parameters alone decide. No gradient flows through it.
 *
 * @param base [B, S, S, 3] int32 (or float32) values 0…255.
 * @param views [2, B, VIEW_FIELDS], written by `packView`: all of view 1, then all of view 2.
 * @param size Side of a view in pixels, V; the blur's radius counts in these pixels.
 * @param parts Parts of the stack that the views are put into: one for each device that shares the batch.
 * @returns [2B, V, V, 3] normalised: in each part view 1 of its pictures, then view 2 of them. With one part, all of view 1,
 * then all of view 2.
 * @throws {Error} When the shapes do not fit each other.
 */
export function renderViews(base: tf.Tensor, views: tf.Tensor, size: number, parts = 1): tf.Tensor4D {
  const [count] = checkBase(base);
  if (
    views.rank !== 3 || views.shape[0] !== 2 || views.shape[1] !== count || views.shape[2] !== VIEW_FIELDS
  ) {
    throw new Error(
      `views of ${count} pictures must be [2, ${count}, ${VIEW_FIELDS}], not [${views.shape}]`,
    );
  }
  return tf.tidy(() => {
    // The two views of a picture side by side until the end, so that one product cuts both.
    const paired = tf.reshape(tf.transpose(views, [1, 0, 2]), [2 * count, VIEW_FIELDS]) as tf.Tensor2D;
    let x = cropViews(base, paired, size);
    x = colour(x, paired);
    const flags = field(paired, "flags", 4);
    const solarised = tf.floor(tf.mul(flags, 0.5));
    x = greyscale(x, tf.sub(flags, tf.mul(solarised, 2)));
    x = blur(x, field(paired, "blur", 1));
    x = solarise(x, solarised);
    const done = normalise(x, [1, 1, 3, 1]), shape = [2 * count, size, size, 3] as const;
    const stacked = parts === 1
      ? tf.transpose(tf.reshape(done, [count, 2, size, 3, size]), [1, 0, 2, 4, 3])
      : tf.transpose(tf.reshape(done, [parts, count / parts, 2, size, 3, size]), [0, 2, 1, 3, 5, 4]);
    return tf.reshape(stacked, [...shape]) as tf.Tensor4D;
  });
}

/**
 * Pictures of any size, normalised: (x / 255 − mean) / std. docs/spec.md §1.9.
 *
 * @param pictures [B, H, W, 3] int32 (or float32) values 0…255.
 * @returns [B, H, W, 3].
 */
export function normalised(pictures: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => normalise(tf.cast(pictures, "float32"), [3]) as tf.Tensor4D);
}

/**
 * The reference view: the base picture, normalised. docs/spec.md §1.10.
 *
 * @param base [B, S, S, 3] int32 (or float32) values 0…255.
 * @returns [B, S, S, 3].
 */
export function renderReference(base: tf.Tensor): tf.Tensor4D {
  checkBase(base);
  return normalised(base);
}

/**
 * Turns normalised pictures back into bytes for people to look at.
 *
 * @param images [N, S, S, 3] normalised.
 * @returns [N, S, S, 3] int32 values, clipped to 0…255.
 */
export function denormalise(images: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => {
    const level = tf.mul(tf.add(tf.mul(images, tf.tensor([...STD])), tf.tensor([...MEAN])), 255);
    return tf.cast(tf.floor(tf.minimum(tf.maximum(tf.add(level, 0.5), 0), 255)), "int32") as tf.Tensor4D;
  });
}

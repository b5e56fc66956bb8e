/** Random erasing (Zhong et al. 2017, timm's mode `pixel`): drawn on the host, done on the device. */
import * as tf from "../engine/tensors.ts";
import { randomStream } from "../random.ts";

/** Smallest and largest share of the area, and the narrowest shape, of what is erased. */
const AREA = [0.02, 1 / 3] as const, NARROWEST = 0.3;
const ATTEMPTS = 10;

/** Rows of normal numbers from which erased parts take theirs. */
const NOISE_ROWS = 2048;

/** What is erased of one picture, in pixels. Height 0: nothing. */
export interface Erased {
  top: number;
  left: number;
  height: number;
  width: number;
  /** The row of noise that the picture's row 0 takes, and how far apart those of neighbouring rows are. */
  first: number;
  stride: number;
}

/**
 * Draws what is erased of a picture.
 *
 * @param chance That anything is.
 * @param epoch The epoch.
 * @param index Where the picture stands in its source.
 * @param size Side of the picture in pixels.
 */
export function drawErased(chance: number, seed: number, epoch: number, index: number, size: number): Erased {
  const random = randomStream(seed, "erase", epoch, index);
  const none = { top: 0, left: 0, height: 0, width: 0, first: 0, stride: 1 };
  if (random.uniform() >= chance) return none;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = random.uniform(...AREA) * size * size;
    const ratio = Math.exp(random.uniform(Math.log(NARROWEST), Math.log(1 / NARROWEST)));
    const height = Math.round(Math.sqrt(area * ratio)), width = Math.round(Math.sqrt(area / ratio));
    if (height >= size || width >= size) continue;
    return {
      top: random.integer(0, size - height),
      left: random.integer(0, size - width),
      height,
      width,
      first: random.integer(0, NOISE_ROWS - 1),
      // Odd, so that no two rows of a picture are alike.
      stride: 2 * random.integer(0, NOISE_ROWS / 2 - 1) + 1,
    };
  }
  return none;
}

/** The rows of noise that each row of each picture takes, one picture after another. */
export function noiseRows(erased: readonly Erased[], size: number): Int32Array {
  const rows = new Int32Array(erased.length * size);
  erased.forEach(({ first, stride }, i) => {
    for (let y = 0; y < size; y++) rows[i * size + y] = (first + stride * y) % NOISE_ROWS;
  });
  return rows;
}

/**
 * Normal numbers for erased pixels. Whole pictures of them for every step would be a hundred times as much to carry to the
 * device as the pictures themselves, so all steps take their rows from this one table, each picture in another order.
 *
 * @returns [rows, size · 3] on the engine.
 */
export function noiseTable(seed: number, size: number): tf.Tensor2D {
  const values = new Float32Array(NOISE_ROWS * size * 3);
  randomStream(seed, "erase", 2 ** 32 - 1, 2 ** 32 - 1).normals(values);
  return tf.tensor2d(values, [NOISE_ROWS, size * 3]);
}

/**
 * Puts noise in place of what is erased.
 *
 * @param images Normalised pictures, [B, S, S, 3].
 * @param boxes Top, left, height and width of each, [B, 4].
 * @param rows {@linkcode noiseRows}, [B · S] int32.
 * @param noise {@linkcode noiseTable}.
 */
export function erasePictures(
  images: tf.Tensor,
  boxes: tf.Tensor,
  rows: tf.Tensor,
  noise: tf.Tensor,
): tf.Tensor {
  const [count, size] = images.shape;
  const line = Float32Array.from({ length: size }, (_, pixel) => pixel);
  const inside = (axis: 0 | 1, shape: [number, number, number, number]) => {
    const of = (column: number) => tf.reshape(tf.slice(boxes, [0, column], [-1, 1]), [count, 1, 1, 1]);
    const from = of(axis), pixels = tf.tensor(line, shape);
    const within = tf.logicalAnd(tf.greaterEqual(pixels, from), tf.less(pixels, tf.add(from, of(axis + 2))));
    return tf.cast(within, "float32");
  };
  const mask = tf.mul(inside(0, [1, size, 1, 1]), inside(1, [1, 1, size, 1]));
  const drawn = tf.reshape(tf.gather(noise, rows), [count, size, size, 3]);
  return tf.add(tf.mul(images, tf.sub(1, mask)), tf.mul(drawn, mask));
}

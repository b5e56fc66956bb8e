/** Affine changes of pictures on the device, as PIL's `transform` makes them. */
import * as tf from "../engine/tensors.ts";

/** Weights of the four neighbours at a distance of `d` from the second, PIL's bicubic in `transform` (a = −1). */
function bicubic(d: tf.Tensor): tf.Tensor[] {
  const square = tf.mul(d, d), cube = tf.mul(square, d);
  return [
    tf.sub(tf.sub(tf.mul(square, 2), d), cube),
    tf.add(tf.sub(1, tf.mul(square, 2)), cube),
    tf.sub(tf.add(d, square), cube),
    tf.sub(cube, square),
  ];
}

/**
 * Shows each picture through an affine map: the pixel with the centre (x, y) shows the place (a·x + b·y + c, d·x + e·y + f),
 * bicubic, without antialias; what lies outside of the picture gets the fill colour. (1, 0, 0, 0, 1, 0) changes nothing.
 *
 * @param x Pictures [N, H, 3, W], whole numbers 0…255.
 * @param maps [N, 6]: a, b, c, d, e, f.
 * @param fill Red, green and blue.
 * @returns [N, H, 3, W] whole numbers 0…255.
 */
export function affine(
  x: tf.Tensor4D,
  maps: tf.Tensor,
  fill: readonly [number, number, number],
): tf.Tensor4D {
  return tf.tidy(() => {
    const [count, high, , wide] = x.shape, cells = count * high * wide;
    const flat = tf.reshape(tf.transpose(x, [0, 1, 3, 2]), [cells, 3]);
    const part = (column: number) => tf.reshape(tf.slice(maps, [0, column], [-1, 1]), [count, 1, 1]);
    const centres = (length: number) => Float32Array.from({ length }, (_, i) => i + 0.5);
    const across = tf.tensor(centres(wide), [1, 1, wide]), down = tf.tensor(centres(high), [1, high, 1]);
    const place = (from: number) =>
      tf.add(tf.add(tf.mul(across, part(from)), tf.mul(down, part(from + 1))), part(from + 2));
    const [atX, atY] = [place(0), place(3)];
    const within = (at: tf.Tensor, length: number) =>
      tf.logicalAnd(tf.greaterEqual(at, 0), tf.less(at, length));
    const inside = tf.reshape(
      tf.cast(tf.logicalAnd(within(atX, wide), within(atY, high)), "float32"),
      [cells, 1],
    );
    const axis = (at: tf.Tensor, length: number) => {
      // Far outside nothing is shown, but the numbers must stay those of pixels.
      const shifted = tf.minimum(tf.maximum(tf.sub(at, 0.5), -2), length + 1), low = tf.floor(shifted);
      const taps = [-1, 0, 1, 2].map((tap) => tf.minimum(tf.maximum(tf.add(low, tap), 0), length - 1));
      return { taps, weights: bicubic(tf.sub(shifted, low)) };
    };
    const columns = axis(atX, wide), rows = axis(atY, high);
    const first = tf.tensor(Float32Array.from({ length: count }, (_, n) => n), [count, 1, 1]);
    let sum: tf.Tensor = tf.zeros([cells, 3]);
    for (let j = 0; j < 4; j++) {
      // In whole numbers: of many pictures, places do not fit into the 24 bits of a float.
      const whole = (value: tf.Tensor) => tf.cast(value, "int32");
      const line = tf.mul(
        tf.add(tf.mul(whole(first), tf.scalar(high, "int32")), whole(rows.taps[j])),
        tf.scalar(wide, "int32"),
      );
      for (let i = 0; i < 4; i++) {
        const places = tf.reshape(tf.add(line, whole(columns.taps[i])), [cells]) as tf.Tensor1D;
        const weight = tf.reshape(tf.mul(rows.weights[j], columns.weights[i]), [cells, 1]);
        sum = tf.add(sum, tf.mul(tf.gather(flat, places), weight));
      }
    }
    // PIL drops the fraction of a sum in double; in single precision, whole sums may come out just below.
    const shown = tf.floor(tf.minimum(tf.maximum(tf.add(sum, 1 / 1024), 0), 255));
    const filled = tf.add(tf.mul(shown, inside), tf.mul(tf.tensor([...fill], [1, 3]), tf.sub(1, inside)));
    return tf.transpose(tf.reshape(filled, [count, high, wide, 3]), [0, 1, 3, 2]) as tf.Tensor4D;
  });
}

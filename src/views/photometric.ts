/**
 * Colour, grey, blur and solarisation as tensor functions with a factor per sample. docs/spec.md §1.5–8, §12.
 *
 * Pictures here are [N, H, 3, W]: each row of pixels is a line of red, one of green, one of blue. Products along rows
 * and along columns then need no transposition, and a channel is a slice of whole lines. Values are float32 but whole
 * numbers 0…255 after every step, as in PIL, whose 8-bit roundings matter (hue above all).
 *
 * Factors are [N, 1, 1, 1].
 */
import * as tf from "../engine/tensors.ts";
import { field } from "./geometry.ts";
import { FIELD } from "./pack.ts";

/** Clips to 0…255 and drops the fraction. */
function truncate(x: tf.Tensor): tf.Tensor4D {
  return tf.floor(tf.minimum(tf.maximum(x, 0), 255)) as tf.Tensor4D;
}

/** `x` where `on` is 0, `other` where it is 1; exact for whole numbers. */
function choose(on: tf.Tensor, other: tf.Tensor, x: tf.Tensor4D): tf.Tensor4D {
  return tf.add(x, tf.mul(on, tf.sub(other, x))) as tf.Tensor4D;
}

/** The lines of red, green and blue, each [N, H, 1, W]. */
function channels(x: tf.Tensor4D): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const [n, h, , w] = x.shape;
  const line = (channel: number) => tf.slice(x, [0, 0, channel, 0], [n, h, 1, w]);
  return [line(0), line(1), line(2)];
}

/** PIL's 8-bit grey picture, [N, H, 1, W]. All sums stay below 2²⁴, so float32 is exact. docs/spec.md §12. */
export function luminance(x: tf.Tensor4D): tf.Tensor4D {
  const [red, green, blue] = channels(x);
  const sum = tf.add(tf.add(tf.mul(red, 19595), tf.mul(green, 38470)), tf.mul(blue, 7471));
  return tf.floor(tf.mul(tf.add(sum, 32768), 1 / 65536)) as tf.Tensor4D;
}

/** The grey level that contrast is measured from: the rounded mean of the grey picture, [N, 1, 1, 1]. */
function greyLevel(luminance: tf.Tensor4D): tf.Tensor {
  return tf.floor(tf.add(tf.mean(luminance, [1, 2, 3], true), 0.5));
}

/** PIL's blend of a degenerate picture and `x`; the identity where `factor` is 1 and both are whole numbers. */
function blend(degenerate: tf.Tensor | number, x: tf.Tensor4D, factor: tf.Tensor): tf.Tensor4D {
  return truncate(tf.add(degenerate, tf.mul(factor, tf.sub(x, degenerate))));
}

/** Blends with black. */
export function brightness(x: tf.Tensor4D, factor: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => blend(0, x, factor));
}

/** Blends with the picture's mean grey. */
export function contrast(x: tf.Tensor4D, factor: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => blend(greyLevel(luminance(x)), x, factor));
}

/** Blends with the grey picture. */
export function saturation(x: tf.Tensor4D, factor: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => blend(luminance(x), x, factor));
}

/**
 * Turns the hue by PIL's 8-bit HSV.
 *
 * @param x Pictures [N, H, 3, W].
 * @param turn Shares of a full turn, −0.5 … 0.5.
 */
export function hue(x: tf.Tensor4D, turn: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => {
    const [red, green, blue] = channels(x);
    const value = tf.maximum(tf.maximum(red, green), blue);
    const chroma = tf.sub(value, tf.minimum(tf.minimum(red, green), blue));
    const isRed = tf.equal(red, value), isGreen = tf.equal(green, value);
    const above = tf.where(
      isRed,
      tf.sub(green, blue),
      tf.where(isGreen, tf.sub(blue, red), tf.sub(red, green)),
    );
    // Sectors are counted from red 0, green 2, blue 4.
    const from = tf.mul(
      tf.sub(1, tf.cast(isRed, "float32")),
      tf.sub(4, tf.mul(tf.cast(isGreen, "float32"), 2)),
    );
    const sector = tf.add(tf.div(above, tf.maximum(chroma, 1)), from);
    const share = tf.mul(sector, 1 / 6);
    const level = tf.floor(tf.mul(tf.sub(share, tf.floor(share)), 255));
    // Truncation toward zero, for either sign.
    const steps = tf.mul(turn, 255);
    const shift = tf.sub(tf.floor(tf.relu(steps)), tf.floor(tf.relu(tf.neg(steps))));
    const moved = tf.add(level, shift);
    const turned = tf.sub(moved, tf.mul(tf.floor(tf.mul(moved, 1 / 256)), 256));
    const purity = tf.floor(tf.div(tf.mul(chroma, 255), tf.maximum(value, 1)));
    const depth = tf.mul(tf.mul(purity, 1 / 255), value);
    const sectors = tf.mul(turned, 6 / 255);
    // HSV to RGB without cases: a channel loses `depth` · clip(min(k, 4 − k), 0, 1), k = its distance in sectors.
    const channel = (offset: number) => {
      const far = tf.add(sectors, offset);
      const k = tf.sub(far, tf.mul(tf.floor(tf.mul(far, 1 / 6)), 6));
      const loss = tf.minimum(tf.maximum(tf.minimum(k, tf.sub(4, k)), 0), 1);
      return tf.floor(tf.add(tf.sub(value, tf.mul(depth, loss)), 0.5));
    };
    return tf.concat([channel(5), channel(3), channel(1)], 2) as tf.Tensor4D;
  });
}

/**
 * The four colour changes in each sample's own order. docs/spec.md §1.5.
 *
 * Brightness, contrast and saturation are the same blend with different degenerate pictures. Hue is expensive, so it is
 * computed once: positions 0, 1, 2 of the order run before it if they precede hue, positions 1, 2, 3 after it if they
 * follow. A position that a sample does not use blends with factor 1, which changes nothing.
 *
 * @param x Pictures [N, H, 3, W].
 * @param views Packed views [N, VIEW_FIELDS].
 */
export function colour(x: tf.Tensor4D, views: tf.Tensor2D): tf.Tensor4D {
  return tf.tidy(() => {
    const flag = (condition: tf.Tensor) => tf.cast(condition, "float32");
    // The positions of brightness, contrast, saturation and hue, each [N, 1, 1, 1].
    const positions = [0, 1, 2, 3].map((change) =>
      tf.reshape(tf.slice(views, [0, FIELD.order + change], [-1, 1]), [-1, 1, 1, 1])
    );
    const factors = (["brightness", "contrast", "saturation"] as const).map((name) => field(views, name, 4));
    const slot = (picture: tf.Tensor4D, position: number, active: tf.Tensor): tf.Tensor4D => {
      const on = positions.slice(0, 3).map((own) => tf.mul(flag(tf.equal(own, position)), active));
      const factor = factors.map((own, i) => tf.mul(on[i], tf.sub(own, 1))).reduce((a, b) => tf.add(a, b));
      const grey = luminance(picture);
      const degenerate = tf.add(tf.mul(on[1], greyLevel(grey)), tf.mul(on[2], grey));
      return blend(degenerate, picture, tf.add(factor, 1));
    };
    for (const position of [0, 1, 2]) x = slot(x, position, flag(tf.greater(positions[3], position)));
    x = choose(field(views, "colour", 4), hue(x, field(views, "hue", 4)), x);
    for (const position of [1, 2, 3]) x = slot(x, position, flag(tf.less(positions[3], position)));
    return x;
  });
}

/** Replaces samples whose `on` is 1 by their grey picture. docs/spec.md §1.6. */
export function greyscale(x: tf.Tensor4D, on: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => choose(on, luminance(x), x));
}

/** Solarises samples whose `on` is 1 at 128: the smaller of v and 255 − v. docs/spec.md §1.8. */
export function solarise(x: tf.Tensor4D, on: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => choose(on, tf.minimum(x, tf.sub(255, x)), x));
}

/**
 * The matrices of PIL's Gaussian blur along one axis: three passes of an extended box whose border pixels are repeated.
 * docs/spec.md §12. The identity where the radius is 0.
 *
 * A box of half-width R weighs a pixel at distance d by clip(R + 1 − d, 0, 1) / (2R + 1), and the weights beyond the
 * border, which fall on the border pixel, add up to relu(R − distance to the border) / (2R + 1).
 *
 * @param radius [N] radii in pixels.
 * @param size Pixels of the axis, S.
 * @returns [N, S, S].
 */
export function blurMatrix(radius: tf.Tensor, size: number): tf.Tensor3D {
  return tf.tidy(() => {
    const tripled = tf.square(tf.reshape(radius, [-1, 1, 1])); // 3σ²
    const variance = tf.mul(tripled, 1 / 3);
    const whole = tf.floor(tf.mul(tf.sub(tf.sqrt(tf.add(tf.mul(tripled, 4), 1)), 1), 0.5));
    const above = tf.mul(tf.mul(tf.add(tf.mul(whole, 2), 1), tf.add(whole, 1)), whole);
    const top = tf.sub(above, tf.mul(tf.add(tf.mul(whole, 2), 1), tripled));
    const bottom = tf.mul(tf.sub(variance, tf.square(tf.add(whole, 1))), 6);
    const reach = tf.add(whole, tf.div(top, bottom));
    const line = Float32Array.from({ length: size }, (_, pixel) => pixel);
    const row = tf.tensor(line, [1, size, 1]), column = tf.tensor(line, [1, 1, size]);
    const distance = tf.abs(tf.sub(row, column));
    const band = tf.minimum(tf.relu(tf.sub(tf.add(reach, 1), distance)), 1);
    const first = tf.cast(tf.equal(column, 0), "float32");
    const last = tf.cast(tf.equal(column, size - 1), "float32");
    const before = tf.mul(first, tf.relu(tf.sub(reach, row)));
    const after = tf.mul(last, tf.relu(tf.sub(reach, tf.sub(size - 1, row))));
    const pass = tf.div(tf.add(band, tf.add(before, after)), tf.add(tf.mul(reach, 2), 1));
    return tf.matMul(tf.matMul(pass, pass), pass) as tf.Tensor3D;
  });
}

/** Blurs with a radius [N] per sample. docs/spec.md §1.7. */
export function blur(x: tf.Tensor4D, radius: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => {
    const [n, h, , w] = x.shape;
    const down = blurMatrix(radius, h);
    const across = h === w ? down : blurMatrix(radius, w);
    // Across first: the lines of x are then merged along its leading axes only, which keeps the loop that makes x plain.
    const lines = tf.matMul(tf.reshape(x, [n, h * 3, w]), across, false, true);
    const both = tf.matMul(down, tf.reshape(lines, [n, h, 3 * w]));
    return tf.floor(tf.add(tf.reshape(both, [n, h, 3, w]), 0.5)) as tf.Tensor4D;
  });
}

import * as tf from "../engine/tensors.ts";
import { FIELD } from "./pack.ts";
import { type View, VIEW_FIELDS } from "./types.ts";

/** A box as [x0, y0, x1, y1] in shares of the base picture's side; x0 > x1 marks a flip. docs/spec.md §1.3–4. */
export type Box = [number, number, number, number];

/** How a picture is interpolated; both as PIL does with antialias. */
export type Filter = "bicubic" | "bilinear";

/**
 * The box of one view: where its left, top, right and bottom edges lie in the base picture. A flipped view's left edge
 * shows the crop's right one, so x0 > x1.
 *
 * @param view The view.
 * @param size Side of the base picture in pixels.
 * @returns float32 numbers, rounded once.
 */
export function boxOf(view: View, size: number): Box {
  const { top, left, height, width } = view.crop;
  const [x0, x1] = view.flip ? [left + width, left] : [left, left + width];
  return [x0 / size, top / size, x1 / size, (top + height) / size].map(Math.fround) as Box;
}

/** One field of packed views [N, VIEW_FIELDS] as [N, 1, …, 1] of the given rank. */
export function field(views: tf.Tensor2D, name: keyof typeof FIELD, rank: 1 | 2 | 3 | 4): tf.Tensor {
  const shape = [views.shape[0], 1, 1, 1].slice(0, rank);
  return tf.reshape(tf.slice(views, [0, FIELD[name]], [-1, 1]), shape);
}

/**
 * The boxes of packed views on the device, bit-equal to {@linkcode boxOf}.
 *
 * Edges are whole pixels, so the quotients are looked up: a compiler may turn a division by a constant into a product,
 * and one unit in the last place can move a crop by a whole cell (docs/spec.md §4 truncates).
 *
 * @param views [2, B, VIEW_FIELDS], or [N, VIEW_FIELDS].
 * @param size Side of the base picture in pixels.
 * @returns [2B, 4], all of view 1, then all of view 2.
 */
export function boxesOf(views: tf.Tensor, size: number): tf.Tensor2D {
  return tf.tidy(() => {
    const flat = tf.reshape(views, [-1, VIEW_FIELDS]) as tf.Tensor2D;
    const left = field(flat, "left", 2), top = field(flat, "top", 2);
    const width = field(flat, "width", 2), height = field(flat, "height", 2);
    const turned = tf.mul(field(flat, "flip", 2), width);
    const edges = tf.concat(
      [tf.add(left, turned), top, tf.sub(tf.add(left, width), turned), tf.add(top, height)],
      1,
    );
    const pixels = Float32Array.from({ length: size + 1 }, (_, pixel) => pixel);
    const found = tf.cast(tf.equal(tf.expandDims(edges, 2), tf.tensor(pixels, [1, 1, size + 1])), "float32");
    const shares = tf.tensor(pixels.map((pixel) => pixel / size), [1, 1, size + 1]);
    return tf.sum(tf.mul(found, shares), 2) as tf.Tensor2D;
  });
}

/** The triangle filter, support 1. `t` ≥ 0. */
function triangle(t: tf.Tensor): tf.Tensor {
  return tf.relu(tf.sub(1, t));
}

/** The cubic filter with a = −½, support 2. `t` ≥ 0. */
function cubic(t: tf.Tensor): tf.Tensor {
  const near = tf.add(tf.mul(tf.mul(tf.sub(tf.mul(t, 1.5), 2.5), t), t), 1);
  // The outer piece reaches 0 at t = 2, so clamping t there ends the support.
  const far = tf.minimum(t, 2);
  const outer = tf.mul(tf.sub(tf.mul(tf.add(tf.mul(tf.sub(far, 5), far), 8), far), 4), -0.5);
  return tf.where(tf.less(t, 1), near, outer);
}

/**
 * The matrices that cut a stretch of pixels out of a line of `size` pixels and resample it to as many or `target` pixels,
 * with PIL's antialiased weights. docs/spec.md §1.2, §12. A picture's crop is `Wy · X · Wxᵀ`.
 *
 * Taps end at the crop's border, and each row's weights sum to 1. A stretch of all `size` pixels gives the identity.
 *
 * @param start [N] first pixel of the stretch, float32 whole numbers.
 * @param length [N] its pixels, at least 1.
 * @param size S: pixels of the line.
 * @param filter Bicubic (a = −½) or bilinear.
 * @param flip [N] of 0 or 1; 1 reverses the output pixels.
 * @param target V: pixels after. Default: S.
 * @returns [N, V, S]; rows are output pixels, columns base pixels.
 */
export function resampleMatrix(
  start: tf.Tensor,
  length: tf.Tensor,
  size: number,
  filter: Filter,
  flip?: tf.Tensor,
  target: number = size,
): tf.Tensor3D {
  return tf.tidy(() => {
    const perSample = (values: tf.Tensor) => tf.reshape(values, [-1, 1, 1]);
    const line = Float32Array.from({ length: size }, (_, pixel) => pixel);
    const row = Float32Array.from({ length: target }, (_, pixel) => pixel);
    let output: tf.Tensor = tf.tensor(row, [1, target, 1]);
    if (flip) {
      const back = tf.tensor(row.map((pixel) => target - 1 - 2 * pixel), [1, target, 1]);
      output = tf.add(output, tf.mul(perSample(flip), back));
    }
    const count = perSample(length);
    const scale = tf.div(count, target);
    const stretch = tf.maximum(scale, 1);
    const centre = tf.mul(tf.add(output, 0.5), scale);
    const tap = tf.sub(tf.tensor(line, [1, 1, size]), perSample(start));
    const distance = tf.abs(tf.div(tf.sub(tf.add(tap, 0.5), centre), stretch));
    const inside = tf.logicalAnd(tf.greaterEqual(tap, 0), tf.less(tap, count));
    const kernel = filter === "bicubic" ? cubic(distance) : triangle(distance);
    const weights = tf.mul(kernel, tf.cast(inside, "float32"));
    return tf.div(weights, tf.sum(weights, 2, true)) as tf.Tensor3D;
  });
}

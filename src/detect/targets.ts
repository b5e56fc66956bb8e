/** Which object each location of a pyramid has to find (FCOS, with sampling at objects' centres). */
import { oneHotRows } from "../engine/one_hot.ts";
import * as tf from "../engine/tensors.ts";
import { matMulFloat32 } from "../engine/tensors.ts";
import type { Locations } from "./levels.ts";

/** The area of what is no candidate; larger than any box's. */
const NONE = 1e8;

/** Half of the side of the square around an object's centre whose locations may find it, in strides. */
export const CENTRE_RADIUS = 1.5;

/** What locations have to find. Where there is no object, distances are 1 and classes are zero. */
export type Targets = {
  /** [B, L] of 0 and 1: whether a location has an object to find. */
  positive: tf.Tensor;
  /** [B, L, K] of 0 and 1. */
  classes: tf.Tensor;
  /** [B, L, 4]: distances to the left, top, right and bottom side, in strides. */
  distances: tf.Tensor;
  /** [B, L] from 0 to 1: how near to the middle of its object a location is. */
  centreness: tf.Tensor;
};

/** The objects of a batch, padded to M a picture. */
export type PaddedObjects = {
  /** [B, M, 4]: left, top, right, bottom in pixels. */
  boxes: tf.Tensor;
  /** [B, M] int32, 0 … K − 1. */
  classes: tf.Tensor;
  /** [B, M]: 1 for an object, 0 for padding. */
  mask: tf.Tensor;
};

/** A column of distances, [B, L, M] or [B, L]. */
const column = (x: tf.Tensor, i: number) => tf.squeeze(tf.slice(x, [0, 0, i], [-1, -1, 1]), [2]);

/**
 * Centre-ness: √(min(l, r) / max(l, r) · min(t, b) / max(t, b)).
 *
 * @param distances [B, L, 4], above 0.
 * @returns [B, L].
 */
export function centrenessOf(distances: tf.Tensor): tf.Tensor {
  const [l, t, r, b] = [0, 1, 2, 3].map((i) => column(distances, i));
  const share = (a: tf.Tensor, b: tf.Tensor) => tf.div(tf.minimum(a, b), tf.maximum(a, b));
  return tf.sqrt(tf.mul(share(l, r), share(t, b)));
}

/**
 * Gives each location its object: one in which it strictly lies, whose centre is nearer than 1.5 strides in both directions, and
 * whose farthest side is within the level's range; of several the smallest, of equals the first. A pure tensor function with
 * static shapes.
 *
 * @param classes K.
 */
export function assignTargets(locations: Locations, objects: PaddedObjects, classes: number): Targets {
  return tf.tidy(() => {
    const [batch, most] = objects.mask.shape as [number, number], { count } = locations;
    const side = (i: number) => tf.reshape(tf.slice(objects.boxes, [0, 0, i], [-1, -1, 1]), [batch, 1, most]);
    const [left, top, right, bottom] = [0, 1, 2, 3].map(side);
    const own = (values: Float32Array) => tf.tensor(values, [1, count, 1]);
    const x = own(locations.x), y = own(locations.y), radius = tf.mul(own(locations.stride), CENTRE_RADIUS);
    const to = [tf.sub(x, left), tf.sub(y, top), tf.sub(right, x), tf.sub(bottom, y)];
    const nearest = to.reduce((a, b) => tf.minimum(a, b)), farthest = to.reduce((a, b) => tf.maximum(a, b));
    const off = tf.maximum(
      tf.abs(tf.sub(x, tf.mul(tf.add(left, right), 0.5))),
      tf.abs(tf.sub(y, tf.mul(tf.add(top, bottom), 0.5))),
    );
    const candidate = [
      tf.greater(nearest, 0),
      tf.less(off, radius),
      tf.greaterEqual(farthest, own(locations.least)),
      tf.lessEqual(farthest, own(locations.most)),
      tf.greater(tf.reshape(objects.mask, [batch, 1, most]), 0),
    ].reduce((a, b) => tf.logicalAnd(a, b));
    const area = tf.mul(tf.sub(right, left), tf.sub(bottom, top));
    const ranked = tf.where(
      candidate,
      tf.add(tf.zeros([batch, count, most]), area),
      tf.fill([batch, count, most], NONE),
    );
    const positive = tf.cast(tf.less(tf.min(ranked, 2), NONE), "float32");
    const chosen = tf.mul(oneHotRows(tf.argMin(ranked, 2), most), tf.expandDims(positive, 2));
    const boxes = matMulFloat32(chosen, objects.boxes);
    const kinds = matMulFloat32(chosen, oneHotRows(objects.classes, classes));
    const strides = tf.tensor(locations.stride, [1, count]), px = tf.tensor(locations.x, [1, count]);
    const py = tf.tensor(locations.y, [1, count]);
    const distance = [
      tf.sub(px, column(boxes, 0)),
      tf.sub(py, column(boxes, 1)),
      tf.sub(column(boxes, 2), px),
      tf.sub(column(boxes, 3), py),
    ].map((d) => tf.where(tf.greater(positive, 0), tf.div(d, strides), tf.onesLike(d)));
    const distances = tf.stack(distance, 2);
    return { positive, classes: kinds, distances, centreness: tf.mul(centrenessOf(distances), positive) };
  });
}

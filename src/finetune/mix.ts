/** Mixup and cutmix (timm's, mode batch): drawn on the host, done on the device; each picture's partner is its mirror in the batch. */
import * as tf from "../engine/tensors.ts";
import { type RandomStream, randomStream } from "../random.ts";

/** How pictures of a batch are mixed. */
export interface MixSettings {
  /** Both parameters of mixup's Beta distribution; 0: no mixup. */
  mixup: number;
  /** Those of cutmix's; 0: no cutmix. */
  cutmix: number;
  /** Chance that a batch is mixed. */
  mixProb: number;
  /** Chance of cutmix where both are on. */
  switchProb: number;
}

/** How one batch is mixed. */
export interface Mix {
  /** Share of the picture itself; 1: not mixed. */
  lambda: number;
  /** The part that is the partner's; null where the whole pictures are blended. */
  box: { top: number; left: number; bottom: number; right: number } | null;
}

/** Whether batches are mixed at all. */
export function isMixed({ mixup, cutmix, mixProb }: MixSettings): boolean {
  return mixProb > 0 && (mixup > 0 || cutmix > 0);
}

/** Draws from Gamma(shape, 1): Marsaglia and Tsang (2000). */
function gamma(random: RandomStream, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * (1 - random.uniform()) ** (1 / shape);
  const d = shape - 1 / 3, c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal(), v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/**
 * Draws from Beta(a, a).
 *
 * @param a Above 0.
 */
export function symmetricBeta(random: RandomStream, a: number): number {
  const x = gamma(random, a), y = gamma(random, a);
  // Of very small parameters both may round to 0: then all lies at the ends.
  return x + y > 0 ? x / (x + y) : Number(random.uniform() < 0.5);
}

/**
 * Draws how a step's batch is mixed.
 *
 * @param step Number of the step in the run, from 0.
 * @param size Side of the pictures in pixels.
 */
export function drawMix(settings: MixSettings, seed: number, step: number, size: number): Mix {
  const { mixup, cutmix, mixProb, switchProb } = settings;
  const random = randomStream(seed, "mix", step);
  if (!isMixed(settings) || random.uniform() >= mixProb) return { lambda: 1, box: null };
  const cuts = cutmix > 0 && (mixup === 0 || random.uniform() < switchProb);
  const lambda = symmetricBeta(random, cuts ? cutmix : mixup);
  if (!cuts) return { lambda, box: null };
  const half = Math.floor(Math.floor(size * Math.sqrt(1 - lambda)) / 2);
  const clip = (at: number) => Math.min(Math.max(at, 0), size);
  const y = random.integer(0, size - 1), x = random.integer(0, size - 1);
  const box = { top: clip(y - half), bottom: clip(y + half), left: clip(x - half), right: clip(x + half) };
  const area = (box.bottom - box.top) * (box.right - box.left);
  return { lambda: 1 - area / size ** 2, box };
}

/** The share of the picture itself at every pixel, size × size numbers. */
export function mixPlane({ lambda, box }: Mix, size: number): Float32Array {
  const plane = new Float32Array(size * size).fill(box ? 1 : lambda);
  for (let y = box?.top ?? 0; box && y < box.bottom; y++) {
    plane.fill(0, y * size + box.left, y * size + box.right);
  }
  return plane;
}

/**
 * Blends each picture with its partner.
 *
 * @param images [B, S, S, 3].
 * @param plane {@linkcode mixPlane}, [1, S, S, 1].
 */
export function mixPictures(images: tf.Tensor, plane: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(images, plane), tf.mul(tf.reverse(images, 0), tf.sub(1, plane)));
}

/**
 * What the scores are compared with: smoothed classes, on 1 − s + s/K, off s/K.
 *
 * @param labels [B] int32.
 * @param classes K.
 * @param smoothing s, 0 … 1.
 * @returns [B, K], rows that sum to 1.
 */
export function smoothTargets(labels: tf.Tensor, classes: number, smoothing: number): tf.Tensor2D {
  const numbers = tf.tensor(Int32Array.from({ length: classes }, (_, k) => k), [1, classes], "int32");
  const hot = tf.cast(tf.equal(tf.reshape(labels, [-1, 1]), numbers), "float32");
  return tf.add(tf.mul(hot, 1 - smoothing), smoothing / classes) as tf.Tensor2D;
}

/**
 * Targets of mixed pictures: λ·y + (1 − λ)·y of the partner.
 *
 * @param targets [B, K].
 * @param lambda A scalar tensor.
 */
export function mixTargets(targets: tf.Tensor, lambda: tf.Tensor): tf.Tensor2D {
  return tf.add(tf.mul(targets, lambda), tf.mul(tf.reverse(targets, 0), tf.sub(1, lambda))) as tf.Tensor2D;
}

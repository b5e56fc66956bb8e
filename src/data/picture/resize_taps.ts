/** Which pixels a resized pixel is made of, and how much of each. */

/** Which pixels each result along one axis takes, and how much of each. */
export interface Taps {
  first: Int32Array;
  count: Int32Array;
  /** `stride` weights a result, whole numbers of 1 / 2²². */
  weights: Int32Array;
  stride: number;
}

/** How a resize weighs pixels: a triangle, or the cubic with a = −0.5. */
export type Filter = "bilinear" | "bicubic";

/** Weights are whole numbers of 1 / 2²². */
const PRECISION = 22;

const REACH: Record<Filter, number> = { bilinear: 1, bicubic: 2 };

function weigh(filter: Filter, t: number): number {
  t = Math.abs(t);
  if (filter === "bilinear") return t < 1 ? 1 - t : 0;
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? -0.5 * (((t - 5) * t + 8) * t - 4) : 0;
}

const cache = new Map<string, Taps>();
/** Bytes of weights above which taps are not kept. */
const KEPT = 2 ** 20;

/** Some of an axis's results, one after the other. */
export interface Span {
  from: number;
  count: number;
}

/**
 * Taps of n → o pixels; docs/spec.md §12 "Resize". Kept, because a data set has few different sizes.
 *
 * @param extent How much of the n pixels the picture takes, if its last pixel is only partly covered.
 * @param span Which of the o results. Default: all.
 */
export function tapsOf(
  n: number,
  o: number,
  filter: Filter,
  extent: number = n,
  { from, count: results }: Span = { from: 0, count: o },
): Taps {
  const name = `${n} ${o} ${filter} ${extent} ${from} ${results}`;
  const known = cache.get(name);
  if (known) return known;
  const scale = extent / o, widen = Math.max(scale, 1), support = REACH[filter] * widen;
  const stride = Math.min(Math.ceil(support) * 2 + 1, n);
  const taps = {
    first: new Int32Array(results),
    count: new Int32Array(results),
    weights: new Int32Array(results * stride),
    stride,
  };
  const real = new Float64Array(stride);
  for (let i = 0; i < results; i++) {
    const centre = (from + i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const count = Math.min(Math.trunc(centre + support + 0.5), n) - first;
    let sum = 0;
    for (let k = 0; k < count; k++) sum += real[k] = weigh(filter, (first + k - centre + 0.5) / widen);
    for (let k = 0; k < count; k++) {
      const weight = (sum === 0 ? 0 : real[k] / sum) * (1 << PRECISION);
      taps.weights[i * stride + k] = Math.trunc(weight + (weight < 0 ? -0.5 : 0.5));
    }
    taps.first[i] = first;
    taps.count[i] = count;
  }
  // Those of very long pictures are large, and do not come again.
  if (taps.weights.byteLength > KEPT) return taps;
  if (cache.size >= 512) cache.clear();
  cache.set(name, taps);
  return taps;
}

const enlarged = new WeakMap<Taps, Taps>();

/**
 * Taps of the half as many samples that libjpeg makes n pixels of before they are resized: pixel 2i is ¾ sample i and ¼ sample
 * i − 1, pixel 2i + 1 is ¾ sample i and ¼ sample i + 1 ("fancy upsampling"; the border's samples go on outside).
 *
 * @param taps Of the n pixels; kept together with the result.
 * @param n Pixels.
 */
export function upsampledTaps(taps: Taps, n: number): Taps {
  const known = enlarged.get(taps);
  if (known) return known;
  const results = taps.first.length, samples = Math.ceil(n / 2);
  const stride = Math.min((taps.stride >> 1) + 3, samples);
  const upsampled: Taps = {
    first: new Int32Array(results),
    count: new Int32Array(results),
    weights: new Int32Array(results * stride),
    stride,
  };
  for (let i = 0; i < results; i++) {
    const from = taps.first[i], to = from + taps.count[i];
    const first = Math.max((from - 1) >> 1, 0), last = Math.min(to >> 1, samples - 1);
    for (let pixel = from; pixel < to; pixel++) {
      const weight = taps.weights[i * taps.stride + pixel - from], near = pixel >> 1;
      const far = Math.min(Math.max(pixel % 2 === 0 ? near - 1 : near + 1, 0), samples - 1);
      const quarter = Math.round(weight / 4);
      upsampled.weights[i * stride + near - first] += weight - quarter;
      upsampled.weights[i * stride + far - first] += quarter;
    }
    upsampled.first[i] = first;
    upsampled.count[i] = last - first + 1;
  }
  enlarged.set(taps, upsampled);
  return upsampled;
}

/**
 * Counter-based random numbers: Philox 4×32-10 (Salmon et al., SC 2011). A stream is named by what it is for, and any
 * draw can be made again alone, so nothing depends on the order of work, on workers or on where a run was resumed.
 */

/** What a stream of numbers is used for; part of its key, so no two uses ever share numbers. */
export const PURPOSE = {
  permutation: 1,
  view: 2,
  dropPath: 3,
  init: 4,
  evaluation: 5,
  shuffle: 6,
  split: 7,
} as const;

/** A name of {@linkcode PURPOSE}. */
export type Purpose = keyof typeof PURPOSE;

/** A stream of random numbers. Drawing advances the stream; nothing else does. */
export interface RandomStream {
  /** The next 32 random bits as an unsigned integer. */
  bits(): number;
  /** Uniform in [0, 1), 53 bits. Takes two words. */
  uniform(low?: number, high?: number): number;
  /** Uniform whole number in [low, high], both ends included. */
  integer(low: number, high: number): number;
  /** Normal with mean 0 and standard deviation 1 (Box–Muller). */
  normal(): number;
}

/** The 64-bit product of two unsigned 32-bit numbers, as [high, low]. */
function multiply(a: number, b: number): [number, number] {
  const al = a & 0xffff, ah = a >>> 16, bl = b & 0xffff, bh = b >>> 16;
  const ll = al * bl, lh = al * bh, hl = ah * bl;
  const mid = (ll >>> 16) + (lh & 0xffff) + (hl & 0xffff);
  const high = ah * bh + (lh >>> 16) + (hl >>> 16) + (mid >>> 16);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}

/**
 * One Philox 4×32-10 block.
 *
 * @param key Two unsigned 32-bit words.
 * @param counter Four unsigned 32-bit words.
 * @returns Four unsigned 32-bit words.
 */
export function philox(
  key: readonly [number, number],
  counter: readonly [number, number, number, number],
): [number, number, number, number] {
  let [k0, k1] = key;
  let [c0, c1, c2, c3] = counter;
  for (let round = 0; round < 10; round++) {
    const [h0, l0] = multiply(0xd2511f53, c0);
    const [h1, l1] = multiply(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(h1 ^ c1 ^ k0) >>> 0, l1, (h0 ^ c3 ^ k1) >>> 0, l0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/**
 * The stream of one purpose at one place.
 *
 * @param seed The run's seed, a whole number from 0 to 2³² − 1.
 * @param purpose What the numbers are for.
 * @param place Up to three whole numbers from 0 to 2³² − 1, such as epoch, image index and view.
 * @returns A fresh stream; the same arguments always give the same numbers.
 * @example
 * ```ts
 * import { randomStream } from "./random.ts";
 * import assert from "node:assert/strict";
 * assert.equal(randomStream(0, "view", 3, 7, 1).uniform(), randomStream(0, "view", 3, 7, 1).uniform());
 * ```
 */
export function randomStream(
  seed: number,
  purpose: Purpose,
  ...place: [number?, number?, number?]
): RandomStream {
  const [a = 0, b = 0, c = 0] = place;
  let block = 0, used = 4;
  let words = [0, 0, 0, 0];
  const bits = () => {
    if (used === 4) {
      words = philox([seed >>> 0, PURPOSE[purpose]], [block++, a >>> 0, b >>> 0, c >>> 0]);
      used = 0;
    }
    return words[used++];
  };
  const uniform = (low = 0, high = 1) => {
    const unit = ((bits() >>> 5) * 67108864 + (bits() >>> 6)) / 9007199254740992;
    return low + (high - low) * unit;
  };
  const integer = (low: number, high: number) => low + Math.floor(uniform() * (high - low + 1));
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { bits, uniform, integer, normal };
}

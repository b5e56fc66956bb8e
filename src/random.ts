/**
 * Counter-based random numbers: Philox 4×32-10 (Salmon et al., SC 2011). A stream is named by what it is for, and any
 * draw can be made again alone, so nothing depends on the order of work, on workers or on where a run was resumed.
 */

/**
 * What a stream of numbers is used for; part of its key, so no two uses ever share numbers. A number is never given to
 * another use: results that were published with it would change.
 */
export const PURPOSE = {
  /** The order of an epoch's records. */
  permutation: 1,
  /** Crop, flip and colour of a view. */
  view: 2,
  /** Stochastic depth. */
  dropPath: 3,
  /** Initial weights of the model. */
  init: 4,
  /** A linear probe: place 0 its initial weights, place 1 the order of its epochs. */
  probe: 5,
  /** Draws from shuffle buffers and from mixtures. */
  shuffle: 6,
  /** Which meanings of the demo are held out. */
  split: 7,
  /** Which pictures a figure shows. */
  figure: 8,
  /** Which pictures of a labelled set are queries. */
  holdout: 9,
  /** Pictures and features that tests and measurements make up. */
  test: 10,
  /** What the endurance test makes up, and the moments at which it kills. */
  soak: 11,
  /** Test pictures that a bootstrap draws anew. */
  bootstrap: 12,
  /** Which training pictures choose among probes. */
  validation: 13,
  /** Which pictures of each class few-shot probes learn from. */
  fewShot: 14,
  /** Random crops that a probe learns from. */
  augment: 15,
  /** How much of which pictures of a batch are mixed. */
  mix: 20,
  /** Which part of a picture is erased, and with what. */
  erase: 21,
  /** Which changes of a picture RandAugment draws. */
  randAugment: 22,
  /** Which labelled pictures a budget of labels leaves. */
  budget: 23,
  /** How large and where a picture lies on the canvas that a detector learns from. */
  canvas: 24,
  /** How the pictures that the demo asks with are turned, shifted, shrunk and recoloured. */
  distortion: 30,
  /** Which pictures of each category the demo's table takes as labelled. */
  examples: 31,
  /** Which pictures stand for a bag of persons in an epoch. */
  bag: 60,
  /** How the picture of a person is mirrored and erased. */
  person: 61,
} as const;

/** The largest seed: a stream's key has 32 bits of it, so larger ones would give the numbers of smaller ones. */
export const LARGEST_SEED: number = 2 ** 32 - 1;

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
  /** Normal with mean 0 and standard deviation 1 (Box–Muller). Takes two uniform numbers. */
  normal(): number;
  /**
   * Fills an array with normal numbers of mean 0. Both numbers of each Box–Muller pair are used, so these are not the
   * numbers that as many calls of `normal` give.
   */
  normals(out: Float32Array | Float64Array, deviation?: number): void;
  /** Puts the items in random order, in place, each order alike (Fisher–Yates). Returns the same array. */
  shuffle<T extends unknown[]>(items: T): T;
  /** Removes a random item from a non-empty array and returns it; the last item takes its place. */
  draw<T>(items: T[]): T;
}

/** The high 32 bits of a 64-bit product; the second factor is given as its high and low 16 bits. */
function highProduct(a: number, high: number, low: number): number {
  const al = a & 0xffff, ah = a >>> 16;
  const middle = ((al * low) >>> 16) + ((ah * low) & 0xffff) + ((al * high) & 0xffff);
  return ah * high + ((ah * low) >>> 16) + ((al * high) >>> 16) + (middle >>> 16);
}

/** One Philox 4×32-10 block into four words of `out`; nothing is allocated, as millions of weights are drawn so. */
function fillBlock(
  k0: number,
  k1: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  out: Uint32Array,
): void {
  for (let round = 0; round < 10; round++) {
    const h0 = highProduct(c0, 0xd251, 0x1f53), l0 = Math.imul(c0, 0xd2511f53);
    const h1 = highProduct(c2, 0xcd9e, 0x8d57), l1 = Math.imul(c2, 0xcd9e8d57);
    c0 = h1 ^ c1 ^ k0;
    c1 = l1;
    c2 = h0 ^ c3 ^ k1;
    c3 = l0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

const isWord = (x: number) => x >= 0 && x <= LARGEST_SEED && Number.isInteger(x);

const scratch = new Uint32Array(4);

/**
 * The first word of one Philox 4×32-10 block: 32 random bits for a key of two words and a counter of four, all unsigned and of
 * 32 bits.
 */
export function philoxWord(k0: number, k1: number, c0: number, c1: number, c2: number, c3: number): number {
  fillBlock(k0, k1, c0, c1, c2, c3, scratch);
  return scratch[0];
}

/**
 * Refuses a seed that gives no numbers.
 *
 * @throws {RangeError} When it is no whole number from 0 to 2³² − 1.
 */
export function requireSeed(seed: number): void {
  if (!isWord(seed)) {
    throw new RangeError(`seed is ${seed}; it must be a whole number from 0 to ${LARGEST_SEED}`);
  }
}

/**
 * The stream of one purpose at one place.
 *
 * @param seed The run's seed, a whole number from 0 to 2³² − 1.
 * @param purpose What the numbers are for.
 * @param place Up to three whole numbers from 0 to 2³² − 1, such as epoch, image index and view.
 * @returns A fresh stream; the same arguments always give the same numbers.
 * @throws {RangeError} When there is no such purpose, or a number is out of its range: it would give the numbers of another.
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
  if (!(isWord(seed) && isWord(a) && isWord(b) && isWord(c) && Object.hasOwn(PURPOSE, purpose))) {
    throw new RangeError(
      `random numbers for ${JSON.stringify(purpose)} with seed ${seed} at ${
        [a, b, c].join(", ")
      }: seed and place are whole ` +
        `numbers from 0 to ${LARGEST_SEED}`,
    );
  }
  let block = 0, used = 4;
  const words = new Uint32Array(4);
  const bits = () => {
    if (used === 4) {
      fillBlock(seed, PURPOSE[purpose], block++, a, b, c, words);
      used = 0;
    }
    return words[used++];
  };
  const uniform = (low = 0, high = 1) => {
    const unit = ((bits() >>> 5) * 67108864 + (bits() >>> 6)) / 9007199254740992;
    return low + (high - low) * unit;
  };
  const integer = (low: number, high: number) => low + Math.floor(uniform() * (high - low + 1));
  const normals = (out: Float32Array | Float64Array, deviation = 1) => {
    for (let i = 0; i < out.length; i += 2) {
      const radius = deviation * Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      out[i] = radius * Math.cos(angle);
      // Past the end of an array of odd length this is ignored.
      out[i + 1] = radius * Math.sin(angle);
    }
  };
  const one = new Float64Array(1);
  const normal = () => {
    normals(one);
    return one[0];
  };
  const shuffle = <T extends unknown[]>(items: T) => {
    for (let last = items.length - 1; last > 0; last--) {
      const other = integer(0, last);
      [items[last], items[other]] = [items[other], items[last]];
    }
    return items;
  };
  const draw = <T>(items: T[]) => {
    const at = integer(0, items.length - 1), item = items[at];
    items[at] = items[items.length - 1];
    items.pop();
    return item;
  };
  return { bits, uniform, integer, normal, normals, shuffle, draw };
}

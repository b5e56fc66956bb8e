import { philoxWord, PURPOSE } from "../../random.ts";

/** Feistel rounds. Four already pass for a random permutation (Luby, Rackoff 1988); the rest is for small halves. */
const ROUNDS = 8;

/** Small counts are permuted inside a larger domain, for a Feistel network over very few bits knows few orders. */
const LEAST_HALF_BITS = 3;

/**
 * The order of one epoch: a pseudo-random permutation of 0 … n − 1 that is computed place by place, so it needs no
 * memory per record and can be entered anywhere.
 *
 * A Feistel network permutes the smallest even number of bits that holds n; a result of n or more is put in again until
 * it falls below n (cycle walking, fewer than four times on average).
 *
 * @param n How many records, 1 … 2³².
 * @param seed The run's seed.
 * @param epoch The epoch; each has an order of its own.
 * @returns A function from a place in the order (0 … n − 1) to the record that stands there.
 * @throws {RangeError} For an `n`, seed, epoch or place out of range.
 * @example
 * ```ts
 * import { permutation } from "./permutation.ts";
 * import assert from "node:assert/strict";
 * const order = permutation(5, 0, 0);
 * assert.deepEqual([0, 1, 2, 3, 4].map(order).sort(), [0, 1, 2, 3, 4]);
 * ```
 */
export function permutation(n: number, seed: number, epoch: number): (place: number) => number {
  if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
    throw new RangeError(`a permutation needs 1 to 2^32 records, not ${n}`);
  }
  for (const [name, value] of [["seed", seed], ["epoch", epoch]] as const) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
      throw new RangeError(`${name} must be a whole number from 0 to 2^32 − 1, not ${value}`);
    }
  }
  let half = LEAST_HALF_BITS;
  while (4 ** half < n) half++;
  const mask = 2 ** half - 1;
  return (place) => {
    if (!Number.isInteger(place) || place < 0 || place >= n) {
      throw new RangeError(`place ${place} is not one of 0 … ${n - 1}`);
    }
    let value = place;
    do {
      let high = Math.floor(value / 2 ** half), low = value & mask;
      for (let round = 0; round < ROUNDS; round++) {
        // n is part of the counter: data sets of different sizes get unrelated orders.
        const mixed = philoxWord(seed, PURPOSE.permutation, low, round, epoch, n >>> 0);
        [high, low] = [low, (high ^ mixed) & mask];
      }
      value = high * 2 ** half + low;
    } while (value >= n);
    return value;
  };
}

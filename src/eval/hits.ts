/** Which test pictures are right: what accuracies and their intervals are made of. */
import { randomStream } from "../random.ts";

/** For each picture 1 where its class has the highest score, or one of the five highest. */
export interface TopHits {
  top1: Uint8Array;
  top5: Uint8Array;
  /**
   * Enters a picture by its scores.
   *
   * @param scores Where its scores are, from `from` on, one a class.
   * @param least A class with no higher score than this is never right; for votes 0.
   */
  enter(
    scores: ArrayLike<number>,
    from: number,
    classes: number,
    picture: number,
    label: number,
    least?: number,
  ): void;
}

/** Hits of so many pictures, none so far. Equal scores: the class that stands first is the higher one. */
export function hitsOf(pictures: number): TopHits {
  const top1 = new Uint8Array(pictures), top5 = new Uint8Array(pictures);
  return {
    top1,
    top5,
    enter(scores, from, classes, picture, label, least = -Infinity) {
      const own = scores[from + label];
      if (!(own > least)) return;
      let above = 0;
      for (let c = 0; c < classes; c++) {
        const other = scores[from + c];
        if (other > own || (other === own && c < label)) above++;
      }
      top1[picture] = above < 1 ? 1 : 0;
      top5[picture] = above < 5 ? 1 : 0;
    },
  };
}

/** A share of pictures, and where it would lie for other test pictures of the same kind. */
export interface Share {
  /** 0 … 1. */
  value: number;
  /** 95 % of the bootstrap's shares lie between these. */
  low: number;
  high: number;
}

/** The mean of some numbers. */
export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** The mean of some shares and the middle 95 % of them. */
export function spread(values: ArrayLike<number>): Share {
  const rising = Float64Array.from(values).sort(), last = rising.length - 1;
  const at = (share: number) => rising[Math.min(last, Math.floor(share * rising.length))];
  return { value: meanOf(values), low: at(0.025), high: at(0.975) };
}

/**
 * The mean of what test pictures count, with a bootstrap interval: as many pictures are drawn anew, with repetition, a
 * thousand times, and the middle 95 % of the means are kept (Efron's percentile interval).
 *
 * @param values What each picture counts, 0 … 1.
 * @param seed Determines the draws.
 * @throws {RangeError} When there are no values, or no draws.
 */
export function bootstrap(values: ArrayLike<number>, seed = 0, draws = 1000): Share {
  if (values.length === 0) throw new RangeError("there are no values to draw from");
  if (!(Number.isInteger(draws) && draws >= 1)) {
    throw new RangeError(`draws is ${draws}; it must be a whole number of at least 1`);
  }
  const length = values.length, means = new Float64Array(draws);
  // A small generator: a thousand draws of 50,000 pictures take a quarter of a second.
  let state = (Math.floor(randomStream(seed, "bootstrap", length).uniform() * 2 ** 32) | 1) >>> 0;
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    for (let i = 0; i < length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      sum += values[Math.floor((state >>> 0) / 2 ** 32 * length)];
    }
    means[draw] = sum / length;
  }
  return { ...spread(means), value: meanOf(values) };
}

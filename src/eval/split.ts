import { select } from "../data/sources/select.ts";
import type { Source } from "../data/types.ts";
import { randomStream } from "../random.ts";

/**
 * Which of so many pictures are held out, at random, the same way for the same seed and number.
 *
 * @param share The share that is held out, above 0 and below 1.
 * @param uri Named in errors.
 * @throws {RangeError} A part would be empty.
 */
export function holdoutOrder(
  length: number,
  share: number,
  seed: number,
  uri: string,
): { train: number[]; test: number[] } {
  const order = randomStream(seed, "holdout").shuffle(Array.from({ length }, (_, i) => i));
  const cut = Math.round(share * length);
  if (!(share > 0 && share < 1) || cut === 0 || cut === length) {
    throw new RangeError(`${uri}: ${length} pictures cannot be split with a share of ${share}`);
  }
  const rising = (part: number[]) => part.sort((a, b) => a - b);
  return { train: rising(order.slice(cut)), test: rising(order.slice(0, cut)) };
}

/**
 * Splits a source in two as {@linkcode holdoutOrder} does.
 *
 * @param share The share of the second part, above 0 and below 1.
 * @throws {RangeError} A part would be empty.
 */
export function splitSource(source: Source, share: number, seed: number): { train: Source; test: Source } {
  const { train, test } = holdoutOrder(source.length, share, seed, source.uri);
  return { train: select(source, train), test: select(source, test) };
}

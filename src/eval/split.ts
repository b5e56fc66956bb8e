import { select } from "../data/sources/select.ts";
import type { Source } from "../data/types.ts";
import { randomStream } from "../random.ts";

/**
 * Splits a source in two at random, the same way for the same seed and length.
 *
 * @param share The share of the second part, above 0 and below 1.
 * @throws {RangeError} A part would be empty.
 */
export function splitSource(source: Source, share: number, seed: number): { train: Source; test: Source } {
  const order = randomStream(seed, "holdout").shuffle(Array.from({ length: source.length }, (_, i) => i));
  const cut = Math.round(share * order.length);
  if (!(share > 0 && share < 1) || cut === 0 || cut === order.length) {
    throw new RangeError(`${source.uri}: ${source.length} pictures cannot be split with a share of ${share}`);
  }
  const rising = (part: number[]) => part.sort((a, b) => a - b);
  return {
    train: select(source, rising(order.slice(cut))),
    test: select(source, rising(order.slice(0, cut))),
  };
}

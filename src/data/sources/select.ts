import { requireIndex } from "../io/compact_lists.ts";
import { requireSource } from "../open/data.ts";
import type { Source } from "../types.ts";

/**
 * Part of a source as a source: a split, a sample, an order.
 *
 * @param source The whole. Closing the part closes it.
 * @param indices Which records, in the order that they get.
 * @returns A source of `indices.length` records with the same labels.
 * @throws {TypeError} When the source is none, or there is no list of indices.
 * @throws {RangeError} When an index is out of range.
 */
export function select(source: Source, indices: ArrayLike<number>): Source {
  requireSource("a source of which some are selected", source);
  if (typeof indices?.length !== "number") throw new TypeError("`indices` must be a list of numbers");
  for (let i = 0; i < indices.length; i++) requireIndex(source.uri, indices[i], source.length);
  const original = (index: number) => {
    if (index in indices) return indices[index];
    throw new RangeError(
      `${source.uri}: record ${index} is not one of the selected 0 … ${indices.length - 1}`,
    );
  };
  return {
    uri: source.uri,
    length: indices.length,
    labels: source.labels,
    get: async (index) => await source.get(original(index)),
    key: async (index) => await source.key(original(index)),
    place: (index) => source.place?.(original(index)) ?? null,
    ...(source.objects && { objects: (index: number) => source.objects!(original(index)) }),
    ...(source.annotations && {
      annotations: {
        ...source.annotations,
        picture: (index: number) => source.annotations!.picture(original(index)),
      },
    }),
    origin: (index) => ({ part: 0, shard: source.origin?.(original(index)).shard }),
    passedOver: () => source.passedOver?.() ?? [],
    close: () => source.close(),
  };
}

import type { Neighbours } from "./nearest.ts";

/** Shares of queries, from 0 to 1. */
export interface TopShares {
  /** The nearest is a right one. */
  top1: number;
  /** A right one is among the five nearest. */
  top5: number;
}

/**
 * How often a right gallery row is the nearest, or among the five nearest.
 *
 * @param neighbours From `nearest`, of at least 5 neighbours (fewer only where the gallery has no more).
 * @param queries What each query is a picture of.
 * @param gallery What each gallery row is a picture of; right is what equals the query's.
 */
export function retrieval(
  neighbours: Neighbours,
  queries: ArrayLike<number>,
  gallery: ArrayLike<number>,
): TopShares {
  const { queries: count, k, indices } = neighbours;
  let top1 = 0, top5 = 0;
  for (let query = 0; query < count; query++) {
    for (let rank = 0; rank < Math.min(5, k); rank++) {
      const index = indices[query * k + rank];
      if (index < 0 || gallery[index] !== queries[query]) continue;
      if (rank === 0) top1++;
      top5++;
      break;
    }
  }
  return { top1: top1 / count, top5: top5 / count };
}

import type { TopHits } from "./hits.ts";
import type { Neighbours } from "./nearest.ts";

/**
 * Which queries have a right gallery row as their nearest, or among their five nearest.
 *
 * @param neighbours From `nearest`, of at least 5 neighbours (fewer only where the gallery has no more).
 * @param queries What each query is a picture of.
 * @param gallery What each gallery row is a picture of; right is what equals the query's.
 * @returns For each query 1 where it has.
 */
export function retrieval(
  neighbours: Neighbours,
  queries: ArrayLike<number>,
  gallery: ArrayLike<number>,
): Pick<TopHits, "top1" | "top5"> {
  const { queries: count, k, indices } = neighbours;
  const top1 = new Uint8Array(count), top5 = new Uint8Array(count);
  for (let query = 0; query < count; query++) {
    for (let rank = 0; rank < Math.min(5, k); rank++) {
      const index = indices[query * k + rank];
      if (index < 0 || gallery[index] !== queries[query]) continue;
      if (rank === 0) top1[query] = 1;
      top5[query] = 1;
      break;
    }
  }
  return { top1, top5 };
}

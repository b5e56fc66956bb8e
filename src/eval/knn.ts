import type { Neighbours } from "./nearest.ts";

/** DINO's temperature of a vote. */
export const VOTE_TEMPERATURE = .07;

/**
 * The class of every query by its k nearest neighbours: each votes exp(cosine / temperature) for its class (Wu et al.,
 * CVPR 2018; docs/spec.md §9). Equal votes go to the class that stands first; a query without neighbours gets −1.
 *
 * @param neighbours From `nearest`, of at least k neighbours.
 * @param labels The class of each gallery row.
 * @param classes How many classes there are.
 * @param k How many neighbours vote.
 * @returns One class a query.
 * @throws {RangeError} Fewer than k neighbours were looked for.
 */
export function knnClasses(
  neighbours: Neighbours,
  labels: ArrayLike<number>,
  classes: number,
  k: number,
  temperature: number = VOTE_TEMPERATURE,
): Int32Array {
  if (k > neighbours.k) {
    throw new RangeError(`k is ${k}, but only ${neighbours.k} neighbours of each query were looked for`);
  }
  const votes = new Float64Array(classes);
  return Int32Array.from({ length: neighbours.queries }, (_, query) => {
    votes.fill(0);
    for (let at = query * neighbours.k; at < query * neighbours.k + k; at++) {
      const index = neighbours.indices[at];
      if (index >= 0) votes[labels[index]] += Math.exp(neighbours.cosines[at] / temperature);
    }
    let best = -1;
    for (let c = 0; c < classes; c++) if (votes[c] > (best < 0 ? 0 : votes[best])) best = c;
    return best;
  });
}

/** The share of equal entries. */
export function accuracy(predicted: ArrayLike<number>, truth: ArrayLike<number>): number {
  let right = 0;
  for (let i = 0; i < truth.length; i++) if (predicted[i] === truth[i]) right++;
  return right / truth.length;
}

import type { Engine } from "../engine/types.ts";
import { hitsOf, type TopHits } from "./hits.ts";
import { checkK, nearest, type Neighbours, withoutOwn } from "./nearest.ts";
import { type Rows, unitRows } from "./rows.ts";
import { type Gallery, keptGallery, rowsGallery } from "./search/gallery.ts";

/** DINO's temperature of a vote. */
export const VOTE_TEMPERATURE = .07;

/** With a lower temperature votes would be infinite, or those of opposite features nothing: exp(±1 / temperature). */
const LEAST_TEMPERATURE = .002;

function checkVotes({ k: found }: Neighbours, k: number, temperature: number): void {
  checkK(k);
  if (k > found) {
    throw new RangeError(`k is ${k}, but only ${found} neighbours of each query were looked for`);
  }
  if (!(temperature >= LEAST_TEMPERATURE)) {
    throw new RangeError(`temperature is ${temperature}; votes need one of ${LEAST_TEMPERATURE} or more`);
  }
}

/** The class of a gallery row, which must be one. */
function labelOf(labels: ArrayLike<number>, row: number, classes: number): number {
  const label = labels[row];
  if (Number.isInteger(label) && label >= 0 && label < classes) return label;
  throw new RangeError(
    `row ${row} of the gallery is of class ${label}, none of the ${classes} classes from 0 on`,
  );
}

/**
 * The class of every query by its k nearest neighbours: each votes exp(cosine / temperature) for its class (Wu et al.,
 * CVPR 2018; docs/spec.md §9). Equal votes go to the class that stands first; a query without neighbours gets −1.
 *
 * @param neighbours From `nearest`, of at least k neighbours.
 * @param labels The class of each gallery row.
 * @param classes How many classes there are.
 * @param k How many neighbours vote.
 * @param temperature At least 0.002. Default: DINO's.
 * @returns One class a query.
 * @throws {RangeError} Fewer than k neighbours were looked for, k is none, a temperature under 0.002, or a neighbour's label is
 * none of the classes.
 */
export function knnClasses(
  neighbours: Neighbours,
  labels: ArrayLike<number>,
  classes: number,
  k: number,
  temperature: number = VOTE_TEMPERATURE,
): Int32Array {
  checkVotes(neighbours, k, temperature);
  const votes = new Float64Array(classes);
  return Int32Array.from({ length: neighbours.queries }, (_, query) => {
    votes.fill(0);
    for (let at = query * neighbours.k; at < query * neighbours.k + k; at++) {
      const index = neighbours.indices[at];
      if (index >= 0) {
        votes[labelOf(labels, index, classes)] += Math.exp(neighbours.cosines[at] / temperature);
      }
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

/** What is compared with: rows of length 0 have no direction and are nobody's neighbours. */
function withDirection(unit: Rows): Rows | Gallery {
  const { rows, width, data } = unit;
  const keep = Array.from(
    { length: rows },
    (_, row) => data.subarray(row * width, (row + 1) * width).some((value) => value !== 0),
  );
  return keep.every((kept) => kept) ? unit : keptGallery(rowsGallery(unit), keep);
}

/**
 * The k nearest gallery rows of every query, of any length. Rows of length 0 are never among them.
 *
 * @param queries Left out: each gallery row is a query, and all others are its gallery.
 * @throws {RangeError} When k is no whole number from 1, or widths differ.
 * @throws {Error} When a feature is no finite number.
 */
export async function findNeighbours(
  engine: Engine,
  gallery: Rows,
  queries: Rows | null,
  k: number,
): Promise<Neighbours> {
  checkK(k);
  const rows = unitRows(gallery), compared = withDirection(rows);
  if (queries) return await nearest(engine, unitRows(queries), compared, k);
  const numbers = Int32Array.from({ length: rows.rows }, (_, i) => i);
  return withoutOwn(await nearest(engine, rows, compared, k + 1), numbers, numbers, k);
}

/**
 * Which queries weighted nearest neighbours get right, for several k in one pass over the neighbours: DINO's protocol. Votes
 * are summed by class as in {@linkcode knnClasses}; top-5 is whether a query's class is among the five with most votes, so
 * one without votes never is.
 *
 * @param neighbours Of at least the largest k.
 * @param labels The class of each gallery row.
 * @param truth The class of each query.
 * @param ks Numbers of neighbours.
 * @param temperature At least 0.002. Default: DINO's.
 * @returns Hits by k.
 * @throws {RangeError} Fewer neighbours than k were looked for, k is none, a temperature under 0.002, a neighbour's label is none
 * of the classes, or there are not as many classes as queries.
 */
export function knnHits(
  neighbours: Neighbours,
  labels: ArrayLike<number>,
  truth: ArrayLike<number>,
  classes: number,
  ks: readonly number[],
  temperature: number = VOTE_TEMPERATURE,
): Map<number, TopHits> {
  const rising = [...new Set(ks)].sort((a, b) => a - b);
  for (const k of rising) checkVotes(neighbours, k, temperature);
  if (truth.length !== neighbours.queries) {
    throw new RangeError(`there are ${neighbours.queries} queries, but classes of ${truth.length}`);
  }
  const hits = new Map(rising.map((k) => [k, hitsOf(neighbours.queries)])), votes = new Float64Array(classes);
  for (let query = 0; query < neighbours.queries; query++) {
    votes.fill(0);
    let used = 0;
    for (const k of rising) {
      for (; used < k; used++) {
        const at = query * neighbours.k + used, index = neighbours.indices[at];
        if (index >= 0) {
          votes[labelOf(labels, index, classes)] += Math.exp(neighbours.cosines[at] / temperature);
        }
      }
      hits.get(k)!.enter(votes, 0, classes, query, truth[query], 0);
    }
  }
  return hits;
}

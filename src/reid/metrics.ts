/** Figures of re-identification from the ranks of right pictures: CMC, mAP, mINP. */
import { bootstrap, type Share } from "../eval/hits.ts";

/** What the right pictures of one query give. */
export interface QueryFigures {
  /** The rank of the first right one. */
  first: number;
  /** Average precision: the mean over right ones of (right ones so far / rank). */
  ap: number;
  /** Average precision by the trapezoid rule of Market-1501's first script: half of `ap` for one right one that is not first. */
  trapezoidAp: number;
  /** Inverse negative penalty: right ones / rank of the last. */
  inp: number;
}

/**
 * The figures of one query.
 *
 * @param ranks Of its right pictures, from 1, rising.
 * @throws {RangeError} When there is none, or they do not rise from 1.
 * @example Two right pictures, at ranks 1 and 4.
 * ```ts
 * import assert from "node:assert/strict";
 * import { queryFigures } from "./metrics.ts";
 * assert.deepEqual(queryFigures([1, 4]), { first: 1, ap: 0.75, trapezoidAp: (1 + (1 / 3 + 2 / 4) / 2) / 2, inp: 0.5 });
 * ```
 */
export function queryFigures(ranks: ArrayLike<number>): QueryFigures {
  const count = ranks.length;
  let sum = 0, trapezoids = 0, last = 0;
  for (let i = 0; i < count; i++) {
    const rank = ranks[i];
    if (!(rank > last && Number.isInteger(rank))) {
      throw new RangeError(`ranks must rise from 1; ${rank} follows ${last}`);
    }
    const here = (i + 1) / rank, before = rank === 1 ? 1 : i / (rank - 1);
    sum += here;
    trapezoids += (here + before) / 2;
    last = rank;
  }
  if (count === 0) throw new RangeError("a query without a right picture has no figures");
  return { first: ranks[0], ap: sum / count, trapezoidAp: trapezoids / count, inp: count / last };
}

/** What was measured over all queries. Shares are of the queries that count, with an interval by bootstrap over them. */
export interface ReidMetrics {
  /** Queries with a right picture in the gallery. */
  counted: number;
  /** Queries without one: they do not count. */
  uncounted: number;
  /** Cumulative matching: the share of queries with a right picture among the first `k`. */
  cmc: { k: number; share: Share }[];
  /** Mean average precision. */
  map: Share;
  /** Mean inverse negative penalty. */
  minp: Share;
  /** The mean of {@linkcode QueryFigures.trapezoidAp}: for comparison with old figures alone. */
  marketTrapezoidMap: Share;
}

/**
 * The figures over all queries, as fast-reid defines them.
 *
 * @param ranks What `rightRanks` gives: a list for each query.
 * @param at Ranks of the cumulative matching. Default 1, 5, 10.
 * @param seed Of the bootstrap.
 * @throws {RangeError} When a rank, or one of `at`, is no whole number from 1.
 * @throws {Error} When no query has a right picture.
 */
export function reidMetrics(
  ranks: readonly ArrayLike<number>[],
  { at = [1, 5, 10], seed = 0 }: { at?: readonly number[]; seed?: number } = {},
): ReidMetrics {
  const odd = at.find((k) => !(Number.isInteger(k) && k >= 1));
  if (odd !== undefined) {
    throw new RangeError(`a rank of the cumulative matching is ${odd}, no whole number from 1`);
  }
  const figures = ranks.filter(({ length }) => length > 0).map(queryFigures);
  if (figures.length === 0) {
    throw new Error(
      `none of ${ranks.length} queries has a right picture in the gallery: one of the same person by another camera`,
    );
  }
  const share = (of: (figures: QueryFigures) => number) => bootstrap(figures.map(of), seed);
  return {
    counted: figures.length,
    uncounted: ranks.length - figures.length,
    cmc: at.map((k) => ({ k, share: share(({ first }) => first <= k ? 1 : 0) })),
    map: share(({ ap }) => ap),
    minp: share(({ inp }) => inp),
    marketTrapezoidMap: share(({ trapezoidAp }) => trapezoidAp),
  };
}

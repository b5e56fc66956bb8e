/** Means, spreads and intervals of a few figures. */

/** Two-sided 95 % points of Student's t by degrees of freedom, from 1. */
const STUDENT_T = [
  ...[12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228],
  ...[2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086],
  ...[2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042],
];

/**
 * The two-sided 95 % point of Student's t: from a table up to 30 degrees of freedom, above by the expansion around the
 * normal distribution, which is right to three digits there.
 *
 * @param freedom Degrees of freedom, a whole number from 1 up.
 * @throws {RangeError} When there are none.
 */
export function studentT(freedom: number): number {
  if (!Number.isSafeInteger(freedom) || freedom < 1) {
    throw new RangeError(`t with ${freedom} degrees of freedom`);
  }
  const z = 1.959964;
  return STUDENT_T[freedom - 1] ??
    z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}

/** Some figures in short. */
export interface Summary {
  count: number;
  mean: number;
  /** Standard deviation of the sample, n − 1; undefined for one figure. */
  deviation?: number;
  /** The 95 % interval of the mean by Student's t; undefined for one figure. */
  interval?: [low: number, high: number];
}

/**
 * Mean, standard deviation and 95 % interval of some figures.
 *
 * @param figures At least one.
 * @throws {RangeError} When there is none.
 */
export function summarise(figures: readonly number[]): Summary {
  const count = figures.length;
  if (count === 0) throw new RangeError("no figures to summarise");
  const mean = figures.reduce((sum, figure) => sum + figure, 0) / count;
  if (count === 1) return { count, mean };
  const squares = figures.reduce((sum, figure) => sum + (figure - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (count - 1));
  const half = studentT(count - 1) * deviation / Math.sqrt(count);
  return { count, mean, deviation, interval: [mean - half, mean + half] };
}

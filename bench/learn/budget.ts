/** Seconds as pictures, pictures as steps, and the steps at which methods are compared: plain arithmetic. */

/** What was measured of a method. */
export interface Rate {
  /** Pictures a second once it runs. */
  steady: number;
  /** Seconds from the start of the program to the end of its first step. */
  first: number;
}

/**
 * The pictures that a method sees in so many seconds, its start included, as a whole number of steps.
 *
 * @throws {RangeError} They are too few for two steps.
 */
export function picturesIn(seconds: number, { steady, first }: Rate, batch: number): number {
  const steps = 1 + Math.floor((seconds - first) * steady / batch);
  if (steps < 2) {
    throw new RangeError(
      `${seconds} seconds are ${Math.max(0, steps)} steps of ${batch} pictures (the first one ends after ` +
        `${first.toFixed(1)} s); give more --minutes`,
    );
  }
  return steps * batch;
}

/**
 * A number of pictures as whole steps.
 *
 * @throws {RangeError} They are fewer than two steps.
 */
export function stepsOf(pictures: number, batch: number): number {
  const steps = Math.round(pictures / batch);
  if (steps < 2) throw new RangeError(`${pictures} pictures are fewer than two steps of ${batch}`);
  return steps;
}

/** Where a run is looked at. */
export interface Mark {
  /** Steps done, and the pictures that were seen, repeated ones counted anew. */
  step: number;
  pictures: number;
}

/** A mark so near to the end that it tells no more than the end does is left out. */
const NEAR = 0.9;

/**
 * The marks of a run: at `first` pictures, twice, four times, … as many, and at the end. Runs of different length share
 * all but the last.
 *
 * @param first The first mark in pictures; it becomes a whole number of steps, at least one.
 */
export function marksOf(steps: number, batch: number, first: number): Mark[] {
  const marks: Mark[] = [], begin = Math.max(1, Math.round(first / batch));
  for (let step = begin; step < NEAR * steps; step *= 2) marks.push({ step, pictures: step * batch });
  return [...marks, { step: steps, pictures: steps * batch }];
}

/** How many steps lie between checkpoints that hold all marks but the end. */
export function markEvery(batch: number, first: number): number {
  return Math.max(1, Math.round(first / batch));
}

/** How far marks of different batches may lie apart and still count as equal pictures. */
const APART = 0.05;

/**
 * The pictures at which all runs have been looked at, falling; at the end of one, others may be a little further.
 *
 * @param runs The marks of each.
 */
export function commonMarks(runs: readonly (readonly Mark[])[]): number[] {
  if (runs.length === 0) return [];
  const near = (marks: readonly Mark[], pictures: number) => markNear(marks, pictures) !== undefined;
  return runs[0].map(({ pictures }) => pictures)
    .filter((pictures) => runs.every((marks) => near(marks, pictures)))
    .sort((a, b) => b - a);
}

/** The mark of a run at so many pictures; undefined where it has none. */
export function markNear<T extends { pictures: number }>(
  marks: readonly T[],
  pictures: number,
): T | undefined {
  const apart = (mark: T) => Math.abs(mark.pictures / pictures - 1);
  const found = [...marks].sort((a, b) => apart(a) - apart(b))[0];
  return found && apart(found) <= APART ? found : undefined;
}

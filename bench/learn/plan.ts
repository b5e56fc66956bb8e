/** Which runs a call of `bench learn` consists of: methods, settings, budgets. */
import type { RunConfig } from "../../src/train/config/settings.ts";
import { commonMarks, marksOf, picturesIn, stepsOf } from "./budget.ts";
import { rateKey } from "./methods.ts";
import type { Rates, Subject } from "./rates.ts";
import { batchOf, type LearnRun } from "./runs.ts";

/** How much each run may see: so many seconds of the machine, or so many pictures. */
export type Budget = { seconds: number } | { pictures: number };

/**
 * The runs of a call: of each seed all subjects in turn.
 *
 * @param config Of ours; says the batch where settings do not.
 * @param rates By `rateKey`; needed for a budget of seconds.
 * @param firstMark Pictures at the first mark.
 * @throws {RangeError} The budget is less than two steps.
 */
export function planRuns(
  subjects: readonly Subject[],
  seeds: readonly number[],
  config: RunConfig,
  budget: Budget,
  rates: Rates,
  firstMark: number,
): LearnRun[] {
  return seeds.flatMap((seed) =>
    subjects.map(({ method, settings }) => {
      const batch = batchOf(config, settings);
      const pictures = "seconds" in budget
        ? picturesIn(budget.seconds, rates[rateKey(method, settings)], batch)
        : budget.pictures;
      const steps = stepsOf(pictures, batch);
      return { method, settings, seed, batch, steps, marks: marksOf(steps, batch, firstMark), firstMark };
    })
  );
}

/** The most pictures at which all runs are looked at; undefined where there are none. */
export function equalPictures(runs: readonly LearnRun[]): number | undefined {
  return commonMarks(runs.map(({ marks }) => marks))[0];
}

/** Evaluators that measure a training's parameters on test pictures. */
import type { BadRecordError } from "../data/types.ts";
import type { Evaluator } from "./evaluators.ts";
import type { Tensors } from "./state.ts";

/** What is measured, and when. */
export interface TestOptions {
  /** Epochs between two measurements; there is one after the last step, too. */
  every: number;
  /** Measure the averaged parameters as well. */
  ema: boolean;
  /** The figure by which the best state is told, and what it is measured on. */
  best: { value: string; on: string };
  /** Told of test pictures that cannot be read, once. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
  /** Measures parameters, trained and frozen ones; `averaged`: whether they are the average. Gives figures by name. */
  measure(
    params: Tensors,
    onBad: TestOptions["onBad"],
    averaged: boolean,
  ): Promise<Record<string, number>>;
}

/** The names of what {@linkcode evaluatorsOfTest} gives. */
export const OWN_EVALUATORS = ["test", "average"] as const;

/** The evaluators `test` and, of averaged parameters, `average`. The state with the highest figure is kept as a checkpoint. */
export function evaluatorsOfTest({ every, ema, best, measure, ...options }: TestOptions): Evaluator[] {
  // They are the same ones each time, so they are told once.
  let told = false;
  const onBad = options.onBad && ((bad: BadRecordError) => {
    if (!told) options.onBad!(bad);
  });
  const one = (name: string, averaged: boolean): Evaluator => ({
    name,
    cadence: { epochs: every, end: true },
    best,
    evaluate: async ({ state }) => {
      const params = { ...state.frozen, ...(averaged ? state.ema : state.params) };
      const found = await measure(params, onBad, averaged);
      told = true;
      return found;
    },
  });
  const [test, average] = OWN_EVALUATORS;
  return ema ? [one(test, false), one(average, true)] : [one(test, false)];
}

import type { Tree } from "../engine/tensors.ts";
import { leaves } from "../engine/tensors.ts";
import { digits } from "../text/amounts.ts";
import type { Run } from "./standing.ts";
import type { BestFigure } from "./run/best.ts";
import { type Evaluation, evaluationLine, failedLine, type MetricsLog } from "./run/metrics_file.ts";
import type { Meter } from "./show/meter.ts";
import type { Progress } from "./show/progress.ts";
import type { TrainState } from "./state.ts";
import type { Watch } from "./watch.ts";

/**
 * When an evaluator looks at a run's state. If several cadences fall on the same step, it looks once. All are counted
 * in steps of the run, so a resumed run is evaluated at the same steps as an unbroken one.
 */
export interface Cadence {
  /** After every so many steps. */
  steps?: number;
  /** After every so many epochs; parts of one are allowed. */
  epochs?: number;
  /** Whenever a state is taken for a checkpoint. */
  checkpoints?: boolean;
  /** After the last step. */
  end?: boolean;
}

/** What an evaluator is shown. */
export interface Moment<State> {
  /** The state after a step, on the engine. To be read only: never disposed, never given to a step. */
  state: Readonly<State>;
  /** Steps done, of how many. */
  step: number;
  total: number;
  /** The epoch that the step's batch was drawn in. */
  epoch: number;
}

/**
 * Looks at a run's state now and then: a probe, a figure, losses on other pictures. Its findings become a line in
 * metrics.jsonl and on the console. It does not affect the training: the losses are the same with and without it, bit
 * for bit.
 *
 * After the last step, evaluators look once the last checkpoint has been written; a run that was stopped skips this.
 * Only the leading one of several processes evaluates; the others wait.
 */
export interface Evaluator<State = TrainState> {
  /** Used in the metrics and on the console. */
  name: string;
  cadence: Cadence;
  /**
   * The number, of those that it finds, by which the best state of the run is told: the higher the better. That state is
   * kept as a checkpoint, see {@linkcode saveBest}. `on` says what the number was measured on; where that changes, an
   * earlier best no longer counts.
   */
  best?: { value: string; on: string };
  /**
   * Looks at the state.
   *
   * @returns Numbers by name; none for one that only draws or writes.
   * @throws {Error} When it cannot look. The run then ends, with a checkpoint of the state that it was shown; a resume begins
   * with the look that is missing.
   */
  evaluate(moment: Moment<State>): Promise<Record<string, number>>;
}

/** An evaluator failed; its own error is the cause. */
export class EvaluatorError extends Error {
  override name = "EvaluatorError";
}

/** A run's evaluators at work. */
export interface Evaluations<State> {
  /** Whether any evaluator is due after this step, which is not the last. `kept`: a checkpoint takes its state. */
  due(step: number, kept: boolean): boolean;
  /**
   * Runs the evaluators that are due.
   *
   * @throws {EvaluatorError} When one cannot.
   */
  look(run: Run<State>, kept: boolean): Promise<void>;
  /** Runs those that could not look at the state that the run goes on from. Throws as `look` does. */
  missed(run: Run<State>): Promise<void>;
  /** Runs the evaluators that are due after the last step. Throws as `look` does. */
  end(run: Run<State>): Promise<void>;
  /** The latest findings, by the names of evaluator and number. */
  found(): Record<string, number>;
}

/** What evaluations need from a run. */
export interface EvaluationsOptions<State> {
  perEpoch: number;
  total: number;
  metrics: Pick<MetricsLog, "write"> & Partial<Pick<MetricsLog, "missed" | "again">>;
  progress: Pick<Progress, "line">;
  /** Its clock is stopped meanwhile. */
  meter: Pick<Meter, "pause">;
  /** Told of a number by which the best state is told, while no step is under way. */
  best?: (run: Run<State>, figure: BestFigure) => Promise<void>;
  signal?: AbortSignal;
  /** Looks for signs that the run fails; a warning has its line of the metrics. */
  watch?: Pick<Watch, "evaluation">;
}

/**
 * Refuses evaluators that cannot be used.
 *
 * @param own Names that the training's own evaluators have.
 * @throws {TypeError} When one is none: it has no cadence, or cannot look.
 * @throws {RangeError} When one cannot be used; names it and says why.
 */
export function checkEvaluators(evaluators: readonly Evaluator<never>[], own: readonly string[] = []): void {
  const names = new Set<string>(own);
  for (const evaluator of evaluators) {
    const { name, cadence, evaluate } = evaluator ?? {};
    if (typeof cadence !== "object" || cadence === null || typeof evaluate !== "function") {
      throw new TypeError(
        `evaluator ${name ?? "without a name"}: needs a cadence and a function \`evaluate\``,
      );
    }
    if (name === "" || names.has(name)) {
      throw new RangeError(
        own.includes(name)
          ? `an evaluator is named "${name}", as the training's own one is: name it otherwise`
          : `two evaluators are named "${name}", or one has no name`,
      );
    }
    names.add(name);
    const { steps, epochs, checkpoints, end } = cadence;
    if (steps !== undefined && !(Number.isSafeInteger(steps) && steps > 0)) {
      throw new RangeError(`evaluator ${name}: steps is ${steps}; it must be a whole number from 1 up`);
    }
    if (epochs !== undefined && !(Number.isFinite(epochs) && epochs > 0)) {
      throw new RangeError(`evaluator ${name}: epochs is ${epochs}; it must be above 0`);
    }
    if (!steps && !epochs && !checkpoints && !end) {
      throw new RangeError(
        `evaluator ${name} would never look: give its cadence steps, epochs, checkpoints or end`,
      );
    }
  }
}

/** Whether an evaluator looks after a step. A step that ends the n-th span of so many epochs is the nearest whole one. */
export function isDue(cadence: Cadence, step: number, perEpoch: number, kept: boolean): boolean {
  const { steps, epochs, checkpoints = false } = cadence;
  if (steps !== undefined && step % steps === 0) return true;
  if (epochs !== undefined) {
    const span = Math.max(1, epochs * perEpoch), n = Math.round(step / span);
    if (n > 0 && Math.round(n * span) === step) return true;
  }
  return checkpoints && kept;
}

/** Refuses findings that are no numbers by name. Throws a TypeError that says what they are. */
function requireNumbers(values: Record<string, number>): void {
  if (typeof values !== "object" || values === null) {
    throw new TypeError(`it gave ${values}, not numbers by name; give {} where there are none`);
  }
  for (const [key, value] of Object.entries(values)) {
    if (typeof value !== "number") throw new TypeError(`its ${key} is ${JSON.stringify(value)}, no number`);
  }
}

/** Evaluators for one run. */
export function openEvaluations<State extends Tree>(
  evaluators: readonly Evaluator<State>[],
  options: EvaluationsOptions<State>,
): Evaluations<State> {
  const { perEpoch, total, metrics, progress, meter, signal } = options;
  const found: Record<string, number> = {};
  const dueAt = (step: number, kept: boolean) =>
    evaluators.filter(({ cadence }) => isDue(cadence, step, perEpoch, kept));
  const look = async (which: readonly Evaluator<State>[], run: Run<State>) => {
    const { state, step, epoch } = run, before = leaves(state);
    for (const [at, evaluator] of which.entries()) {
      const { name } = evaluator;
      const begun = performance.now();
      let values: Record<string, number>;
      try {
        values = await evaluator.evaluate({ state, step, total, epoch });
        requireNumbers(values);
        if (before.some((tensor) => tensor.isDisposed)) {
          throw new Error("it has disposed tensors of the state, which it may only read");
        }
      } catch (cause) {
        const seconds = (performance.now() - begun) / 1000;
        // A line without a reason would count as a look.
        const message = cause instanceof Error ? cause.message : String(cause);
        metrics.write(failedLine({ step, epoch, evaluator: name, seconds }, message));
        for (const { name: other } of which.slice(at + 1)) {
          metrics.write(
            failedLine({ step, epoch, evaluator: other, seconds: 0 }, `${name} failed before it`),
          );
        }
        throw new EvaluatorError(`evaluator ${name}, after step ${step}: ${message}`, { cause });
      }
      const spent = performance.now() - begun;
      meter.pause(spent);
      // One that only draws has a line where one of a failure is to be replaced.
      if (Object.keys(values).length === 0 && !metrics.missed?.includes(name)) continue;
      const evaluation: Evaluation = { step, epoch, evaluator: name, seconds: spent / 1000 };
      await metrics.again?.(name, step);
      metrics.write(evaluationLine(evaluation, values), options.watch?.evaluation(step, name, values));
      const texts = Object.entries(values).map(([key, value]) => {
        found[`${name} ${key}`] = value;
        return `${key} ${digits(value, 4)}`;
      });
      progress.line(`${name.padEnd(10)} step ${step}: ${texts.join(", ")}`);
      if (evaluator.best && Number.isFinite(values[evaluator.best.value])) {
        const { value: key, on } = evaluator.best;
        await options.best?.(run, { figure: `${name} ${key}`, value: values[key], on });
      }
    }
  };
  return {
    due: (step, kept) => step < total && dueAt(step, kept).length > 0,
    missed: (run) => look(evaluators.filter(({ name }) => metrics.missed?.includes(name)), run),
    look: (run, kept) => look(dueAt(run.step, kept), run),
    end: async (run) => {
      const due = dueAt(run.step, true);
      const all = evaluators.filter((evaluator) => evaluator.cadence.end || due.includes(evaluator));
      for (const evaluator of all) if (!signal?.aborted) await look([evaluator], run);
    },
    found: () => found,
  };
}

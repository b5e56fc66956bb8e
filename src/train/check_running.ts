/** What every training runs on, as a program hands it over. */
import { requireEngine } from "../engine/required.ts";
import type { Engine } from "../engine/types.ts";
import { checkEvaluators, type Evaluator } from "./evaluators.ts";
import type { Progress } from "./show/progress.ts";

/** What a training runs on, whatever it trains. */
interface Running {
  engine: Engine;
  evaluators?: readonly Evaluator<never>[];
  progress?: Progress;
  signal?: AbortSignal;
}

/**
 * Refuses what no training can run on, before anything is done.
 *
 * @param own Names that the training's own evaluators have.
 * @throws {TypeError} When the engine is no opened one, or evaluators, progress or signal are none.
 * @throws {RangeError} When an evaluator cannot be used.
 */
export function checkRunning(options: Running, own: readonly string[] = []): void {
  const { engine, evaluators = [], progress, signal } = options ?? {};
  requireEngine(engine);
  if (!Array.isArray(evaluators)) throw new TypeError("`evaluators` must be a list of them");
  checkEvaluators(evaluators, own);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError("`signal` must be an AbortSignal, such as an AbortController has");
  }
  if (progress === undefined) return;
  for (const part of ["line", "step", "close"] as const) {
    if (typeof progress?.[part] !== "function") {
      throw new TypeError(`\`progress\` has no function \`${part}\``);
    }
  }
}

/** What every training runs on, as a program hands it over. */
import { requireEngine } from "../engine/required.ts";
import type { Engine } from "../engine/types.ts";
import { ConfigError } from "./config/config.ts";
import type { RunConfig } from "./config/settings.ts";
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

/**
 * Refuses a run whose settings speak of other devices or nodes than there are.
 *
 * @param engine The engine that it is to run on.
 * @param hosts The nodes that train together, where they are several.
 * @throws {ConfigError} When they differ; says how to make them one.
 */
export function checkDevices(
  { devices, nodes }: Pick<RunConfig, "devices" | "nodes">,
  engine: Pick<Engine, "devices">,
  hosts?: { nodes: number },
): void {
  const joined = hosts?.nodes ?? 1, there = engine.devices / joined;
  if (nodes !== joined) {
    throw new ConfigError(
      `nodes is ${nodes}, but ${hosts ? `${joined} have joined` : "`hosts` is missing, which joins them"}`,
    );
  }
  if (devices === there) return;
  throw new ConfigError(
    `devices is ${devices}, but the engine was opened with ${there}; open it with { devices: ${devices} }, or set ` +
      `devices to ${there}`,
  );
}

/** All runs of an ablation, one after the other. */
import { dirname } from "node:path";
import { requireSource } from "../data/open/data.ts";
import type { Engine } from "../engine/types.ts";
import { type Lock, lockFolder } from "../files/lock.ts";
import { makeFolder } from "../files/make_folder.ts";
import { removePartial } from "../files/publish.ts";
import { initModel } from "../model/init.ts";
import { checkRunning } from "../train/check_running.ts";
import { exists } from "../train/run/folder.ts";
import type { Progress } from "../train/show/progress.ts";
import { disposeTree } from "../train/state.ts";
import { checkPlan } from "./check_plan.ts";
import { type AblationData, refuseOtherData } from "./data.ts";
import type { Embedders } from "./embedders.ts";
import { fullConfig, readResult, resultFile, runConfig } from "./plan.ts";
import { baselineResult, type RunnerOptions, runVariant, scoreOptions, writeResult } from "./run_variant.ts";
import { modelScores, pixelScores } from "./scores.ts";
import type { AblationPlan, AblationResult } from "./types.ts";

/** What {@linkcode ablate} runs with. */
export interface AblateOptions {
  engine: Engine;
  /** The pictures, from `openAblationData`. Not closed. */
  data: AblationData;
  /** The folder of the ablation, which holds its plan, see `writePlan`. */
  out: string;
  /**
   * Shows how a run goes on.
   *
   * `about`: which one it is, such as `full, seed 0 (1 of 21)`; `first`: the first that is trained.
   */
  progress: (about: string, first: boolean) => Progress;
  /** Told what is being done between trainings; empty text: nothing any more. */
  status?: (text: string) => void;
  /** Aborting it finishes the step under way, writes a checkpoint and returns. */
  signal?: AbortSignal;
}

/** What is to be done, in order: every seed has all variants before the next begins. */
interface Work {
  variant: string;
  seed: number;
}

/** The baselines and runs of a plan, in the order in which they are done. */
export function workOf({ variants, baselines, seeds }: AblationPlan): Work[] {
  return seeds.flatMap((seed, i) => [
    // Pixels know no seed; the probe on them does, but one figure is enough.
    ...baselines.filter((name) => name === "random" || i === 0).map((variant) => ({ variant, seed })),
    ...variants.map(({ name }) => ({ variant: name, seed })),
  ]);
}

/** What has come of a plan so far, and what is left to do. */
export async function standing(
  plan: AblationPlan,
  out: string,
): Promise<{ results: AblationResult[]; left: Work[] }> {
  const results: AblationResult[] = [], left: Work[] = [];
  for (const work of workOf(plan)) {
    const result = await readResult(out, work.variant, work.seed);
    if (result) results.push(result);
    else left.push(work);
  }
  return { results, left };
}

/**
 * Makes an ablation's folder this process's own, and removes what a killed one had half done in it. One that is not there is
 * made, and removed again if nothing came of it.
 *
 * @param progress Takes a line for people.
 * @throws {InUseError} When another process has it.
 * @throws {Error} When it cannot be made or written.
 */
export async function lockAblation(out: string, progress?: (line: string) => void): Promise<Lock> {
  const known = await exists(out);
  await makeFolder(out);
  const advice =
    "Wait for its end or stop it; for another ablation beside it, name another folder with --out";
  const lock = await lockFolder(out, { what: `the ablation in ${out}`, advice, progress });
  // Such as the trial of one that was killed while it measured its rate; what cannot be removed does no harm.
  await removePartial(out).catch(() => {});
  const release = async () => {
    await lock.release();
    if (!known) await Deno.remove(out).catch(() => {});
  };
  return { path: lock.path, release, [Symbol.asyncDispose]: release };
}

/** Measures what is not trained. */
async function runBaseline(
  plan: AblationPlan,
  { variant, seed }: Work,
  out: string,
  options: RunnerOptions,
): Promise<AblationResult> {
  const config = fullConfig(plan), how = scoreOptions(seed, options), file = resultFile(out, variant, seed);
  const state = variant === "random" ? initModel(config, seed) : undefined;
  try {
    const scored = state
      ? await modelScores(config, state, options.embedders, how)
      : await pixelScores(config, how);
    const result = baselineResult(variant, seed, scored, options.data);
    await makeFolder(dirname(file));
    await writeResult(file, result);
    return result;
  } finally {
    if (state) disposeTree({ ...state });
    options.status("");
  }
}

/** Refuses what an ablation cannot run on. Throws a TypeError that names it. */
function checkOptions({ engine, data, out, progress, signal }: AblateOptions): void {
  checkRunning({ engine, signal });
  for (const part of ["gallery", "queries"] as const) requireSource(`\`data.${part}\``, data?.[part]);
  if (typeof out !== "string" || out === "") throw new TypeError("`out` must name the ablation's folder");
  if (typeof progress !== "function") {
    throw new TypeError("`progress` must be a function that gives a `Progress`");
  }
}

/**
 * Does all runs of an ablation that are not done yet: trains each variant with each seed on the same pictures in the same
 * order, measures class token and mean patch token, and leaves a run folder of each. It may be killed at any moment: called
 * again it goes on from there, and what is finished is not done again.
 *
 * @param plan What is compared; its seeds give the pairs.
 * @returns All results, those of earlier calls too, and whether the signal stopped it before the last.
 * @throws {TypeError} When the engine, the data or what else it runs on are none; before work starts.
 * @throws {ConfigError} When the plan has nothing to compare or cannot be used, settings do not go together or with the data, or results
 * that are there are of other data; before work starts.
 * @throws {Error} When a training or a measurement fails.
 */
export async function ablate(
  plan: AblationPlan,
  options: AblateOptions,
): Promise<{ results: AblationResult[]; stopped: boolean }> {
  checkPlan(plan);
  checkOptions(options);
  const { engine, data, out, progress, status = () => {}, signal } = options;
  const embedders: Embedders = new Map(), { results, left } = await standing(plan, out);
  if (left.length > 0) refuseOtherData(data, results, out);
  const all = workOf(plan).length, known = new Map(plan.variants.map((variant) => [variant.name, variant]));
  for (const { variant, seed } of left) {
    // Refused before the first run rather than hours later.
    if (known.has(variant)) runConfig(plan, known.get(variant)!, seed, data.train, out);
  }
  const firstRun = left.findIndex(({ variant }) => known.has(variant));
  for (const [i, work] of left.entries()) {
    if (signal?.aborted) return { results, stopped: true };
    const { variant, seed } = work,
      about = `${variant}, seed ${seed} (${all - left.length + i + 1} of ${all})`;
    const shown = progress(about, i === firstRun);
    const tell = (text: string) => status(text === "" ? "" : `${about}: ${text}`);
    const given: RunnerOptions = { engine, data, embedders, progress: shown, status: tell, signal };
    const ready = known.get(variant);
    const running = ready
      ? runVariant(runConfig(plan, ready, seed, data.train, out), { name: variant, seed }, given)
      : runBaseline(plan, work, out, given);
    // While features are measured, the signal's reason is how they end.
    const result = await running.catch((error) => {
      if (signal?.aborted && error === signal.reason) return null;
      throw error;
    });
    if (!result) return { results, stopped: true };
    results.push(result);
  }
  return { results, stopped: false };
}

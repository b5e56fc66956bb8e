/** From what was asked for to the plan of an ablation: a new one, or one that goes on. */
import { join } from "node:path";
import { UsageError } from "../cli/usage_error.ts";
import type { Engine } from "../engine/types.ts";
import { LARGEST_SEED } from "../random.ts";
import { withBatchSize } from "../train/auto_batch.ts";
import { ConfigError, resolveConfig } from "../train/config/config.ts";
import type { RunConfig } from "../train/config/settings.ts";
import { measureRate } from "../train/rate.ts";
import { planSteps } from "../train/run/plan.ts";
import type { AblationData } from "./data.ts";
import { epochPictures, fullConfig, PLAN_FILE, readPlan, resumedPlan } from "./plan.ts";
import type { AblationPlan, Budget } from "./types.ts";
import { BASELINES, chooseVariants, DEFAULT_VARIANTS, readVariants } from "./variants.ts";

/** What is asked of an ablation beside the settings of its runs. */
export interface AblationWish {
  /** Names of variants and baselines. */
  variants?: string[];
  /** A file of further variants, see `readVariants`. */
  also?: string;
  /** How many seeds; 3 where nothing is said. */
  seeds?: number;
  /** Pictures of all runs together. */
  pictures?: number;
  /** Minutes of all runs together. */
  minutes?: number;
  evalTrain?: string;
  evalData?: string;
  holdout?: number;
  /** Whether an ablation goes on. */
  resume: boolean;
}

/** A plan whose length is perhaps not known yet. */
export type BegunPlan =
  & Omit<AblationPlan, "pictures" | "budget" | "data">
  & Partial<Pick<AblationPlan, "pictures" | "budget" | "data">>;

/** Settings of the runs: of a configuration file and, over them, of the command line. */
export interface GivenSettings {
  file: Partial<RunConfig>;
  flags: Partial<RunConfig>;
}

/**
 * The settings together. Beside a budget of pictures or minutes a file's epochs do not count, nor its warm-up, which is for
 * those epochs.
 */
function joinSettings({ file, flags }: GivenSettings, budget: boolean): Partial<RunConfig> {
  const { epochs, warmupEpochs: _, ...others } = file;
  return { ...budget && epochs !== undefined ? others : file, ...flags };
}

/**
 * Refuses what cannot be meant together.
 *
 * @throws {UsageError} When two lengths are given, queries twice, or a part of no pictures.
 */
export function checkWish(given: AblationWish, { file, flags }: GivenSettings): void {
  const { pictures, minutes, evalData, holdout, resume } = given;
  // An option wins over what a file says, such as the configuration of another run.
  const lengths = Object.entries({ pictures, minutes, epochs: flags.epochs }).filter(([, value]) =>
    value !== undefined
  );
  if (lengths.length > 1) {
    throw new UsageError(
      `${lengths.map(([name]) => `--${name}`).join(" and ")} exclude each other: take one`,
    );
  }
  if (evalData !== undefined && holdout !== undefined) {
    throw new UsageError("--holdout draws queries from --data; with --eval-data leave it out");
  }
  if (holdout !== undefined && !resume && !(flags.data ?? file.data)) {
    throw new UsageError(
      "--holdout draws queries from --data, which is missing; the demo's pictures have queries of their own: leave it out",
    );
  }
}

/**
 * Refuses another length or other queries than an ablation began with. A command that is given again says what it said.
 *
 * @throws {UsageError} When they differ.
 */
function checkAgain(given: AblationWish, { budget, holdout }: AblationPlan, out: string): void {
  const total = budget.by === "epochs" ? undefined : budget.total;
  const began = {
    pictures: budget.by === "pictures" ? total : undefined,
    minutes: budget.by === "minutes" ? total : undefined,
    holdout,
  };
  for (const name of ["pictures", "minutes", "holdout"] as const) {
    if (given[name] === undefined || given[name] === began[name]) continue;
    const instead = began[name] === undefined ? "" : `, which was ${began[name]}`;
    throw new UsageError(
      `--resume: the ablation in ${out} began otherwise than with --${name} ${
        given[name]
      }${instead}; each run's length and ` +
        `the queries stay as they were: leave --${name} out`,
    );
  }
}

/**
 * The seeds: the one of the settings and those after it.
 *
 * @throws {ConfigError} When there are not as many.
 */
function seedsFrom(first: number, count: number): number[] {
  if (first + count - 1 > LARGEST_SEED) {
    throw new ConfigError(
      `--seed ${first} and ${
        count - 1
      } after it: the largest seed is ${LARGEST_SEED}; begin with a smaller one`,
    );
  }
  return Array.from({ length: count }, (_, i) => first + i);
}

/** Gallery and queries, as far as they are named. */
const wordsOf = ({ evalTrain, evalData }: AblationWish): AblationPlan["words"] => ({
  ...evalTrain !== undefined && { evalTrain },
  ...evalData !== undefined && { evalData },
});

/**
 * The plan of a new ablation, as far as it is known before the data is open.
 *
 * @throws {UsageError} When variants cannot be used, see `chooseVariants` and `readVariants`.
 * @throws {ConfigError} When settings do not go together, or there are not as many seeds.
 */
export async function newPlan(given: AblationWish, wanted: GivenSettings): Promise<BegunPlan> {
  const { variants = [...DEFAULT_VARIANTS, ...BASELINES], also, seeds = 3 } = given;
  const budget = (given.pictures ?? given.minutes) !== undefined, settings = joinSettings(wanted, budget);
  // Without a budget the epochs are known, so that a longer warm-up is refused before the data is opened.
  const full = budget ? fullConfig({ given: settings }) : resolveConfig(settings);
  const own = also === undefined ? [] : await readVariants(also);
  const chosen = chooseVariants([...variants, ...own.map(({ name }) => name)], full, own);
  return {
    version: 1,
    given: settings,
    ...chosen,
    seeds: seedsFrom(full.seed, seeds),
    words: wordsOf(given),
  };
}

/**
 * The plan of an ablation that goes on: as it was, and perhaps more runs of the same length.
 *
 * @param wanted Settings that are given anew, see `resumedPlan`.
 * @param out The ablation's folder.
 * @throws {UsageError} When variants cannot be used, one has another meaning than before, or another length is given.
 * @throws {Error} When there is no ablation, or a setting is another one.
 */
export async function resumePlan(
  given: AblationWish,
  wanted: GivenSettings,
  out: string,
): Promise<AblationPlan> {
  const begun = await readPlan(out), anew = joinSettings(wanted, begun.budget.by !== "epochs");
  checkAgain(given, begun, out);
  const plan = resumedPlan(begun, anew, wordsOf(given), join(out, PLAN_FILE)), full = fullConfig(plan);
  const { variants, also, seeds } = given, own = also === undefined ? [] : await readVariants(also);
  const known = new Set([...plan.variants.map(({ name }) => name), ...plan.baselines]);
  for (const { name, settings } of own) {
    const before = plan.variants.find((one) => one.name === name);
    if (before && JSON.stringify(before.settings) !== JSON.stringify(settings)) {
      throw new UsageError(
        `${also}: variant "${name}" was another one when the ablation began; choose another name`,
      );
    }
  }
  const names = [...variants ?? [], ...own.map(({ name }) => name)].filter((name) => !known.has(name));
  const more = names.length === 0
    ? { variants: [], baselines: [] }
    : chooseVariants([...names, plan.variants[0].name], full, [...own, ...plan.variants]);
  return {
    ...plan,
    variants: [...plan.variants, ...more.variants.filter(({ name }) => !known.has(name))],
    baselines: [...plan.baselines, ...more.baselines],
    seeds: seedsFrom(plan.seeds[0], Math.max(plan.seeds.length, seeds ?? 0)),
  };
}

/** What the length and the batch of a plan are found with. */
export interface FindOptions {
  /** Opened only where something is measured on it. */
  engine: () => Promise<Engine>;
  data: AblationData;
  /** Takes lines for people. */
  say: (line: string) => void;
}

/**
 * The plan with its batch size: for `auto` what fits for the whole method, which all runs then have, also those of an
 * ablation that goes on.
 *
 * @throws {ConfigError} When it cannot be found, see `withBatchSize`.
 */
export async function planBatch<Plan extends BegunPlan>(
  plan: Plan,
  { engine, data, say }: FindOptions,
): Promise<Plan> {
  const full = fullConfig(plan);
  if (full.batchSize > 0) return plan;
  const found = await withBatchSize(full, { engine: await engine(), source: data.train, progress: say });
  return { ...plan, given: { ...plan.given, batchSize: found.batchSize } };
}

/**
 * How many pictures each run sees. For a budget of minutes the rate is measured.
 *
 * @param plan What is run, its batch size a number, see {@linkcode planBatch}.
 * @param given The budget; none: the epochs of the settings.
 * @returns Null where the signal came while the rate was measured.
 * @throws {ConfigError} When the data is smaller than a batch.
 */
export async function planLength(
  plan: BegunPlan,
  given: Pick<AblationWish, "pictures" | "minutes">,
  { engine, data, out, signal, say }: FindOptions & { out: string; signal: AbortSignal },
): Promise<Pick<AblationPlan, "pictures" | "budget"> | null> {
  const full = fullConfig(plan),
    runs = plan.variants.length * plan.seeds.length,
    { pictures, minutes } = given;
  const part = (total: number, budget: Budget) => ({ pictures: Math.floor(total / runs), budget });
  if (pictures !== undefined) return part(pictures, { by: "pictures", total: pictures });
  if (minutes === undefined) return { pictures: epochPictures(full, data.train), budget: { by: "epochs" } };
  // Refused before an engine is opened.
  planSteps(full, data.train);
  say("measuring how many pictures a second are trained on");
  const rate = await measureRate({ ...full, out }, {
    engine: await engine(),
    source: data.train,
    minutes,
    signal,
    progress: say,
  });
  if (rate === null) return null;
  say(`${rate.toFixed(1)} pictures/s: ${minutes} minutes are ${Math.floor(60 * minutes * rate)} pictures`);
  return part(60 * minutes * rate, { by: "minutes", total: minutes, picturesPerSecond: rate });
}

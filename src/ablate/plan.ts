/** What an ablation is: read, written, turned into runs. */
import { join } from "node:path";
import type { Data } from "../data/open/data.ts";
import { readOwnJson } from "../files/own_json.ts";
import { refuseAddress, requirePath } from "../files/path_error.ts";
import { isPartial, publishFile } from "../files/publish.ts";
import { LOCK_NAME } from "../files/lock.ts";
import { isRedacted, redact } from "../files/redact.ts";
import { digits, plural } from "../text/amounts.ts";
import { ConfigError, KEYS, resolveConfig } from "../train/config/config.ts";
import { checkSameConfig } from "../train/config/same_config.ts";
import type { RunConfig } from "../train/config/settings.ts";
import { planSteps } from "../train/run/plan.ts";
import { checkPlan } from "./check_plan.ts";
import type { AblationPlan, AblationResult } from "./types.ts";
import type { Variant } from "./variants.ts";

/** The file that says what the ablation in a folder is. */
export const PLAN_FILE = "ablate.json";

/** Settings that the ablation itself has, whatever a configuration file says. */
export const OWN_SETTINGS: readonly (keyof RunConfig)[] = [
  ...[
    "out",
    "resume",
    "init",
    "nodes",
    "nodeId",
    "coordinator",
    "nodeWait",
    "nodeSilence",
    "process",
  ] as const,
  ...["steps", "evalData", "evalTrain", "evalEvery", "evalLinear", "evalTeacher"] as const,
];

/** The settings of a configuration without those that the ablation itself has. */
export function commonSettings(given: Partial<RunConfig>): Partial<RunConfig> {
  return Object.fromEntries(
    Object.entries(given).filter(([key]) => !OWN_SETTINGS.includes(key as keyof RunConfig)),
  );
}

/**
 * The whole method's settings. A warm-up that is given is not compared with the epochs: a budget may make runs longer than
 * those of the preset, and {@linkcode runConfig} knows how long they are.
 *
 * @throws {ConfigError} When settings do not go together.
 */
export function fullConfig({ given }: Pick<AblationPlan, "given">): RunConfig {
  const { warmupEpochs, ...others } = given, config = resolveConfig(others);
  return warmupEpochs === undefined ? config : { ...config, warmupEpochs };
}

/** The folder of a run. */
export const runFolder = (out: string, variant: string, seed: number): string =>
  join(out, `${variant}-${seed}`);

/** Where the result of a run, or of a baseline, lies. */
export function resultFile(out: string, variant: string, seed: number): string {
  return join(runFolder(out, variant, seed), "result.json");
}

/**
 * The configuration of a run: the settings, the variant's, and as many epochs as its pictures make. Warm-up is at most a
 * tenth of the run where it was not given.
 *
 * @param plan Its settings and pictures.
 * @param data The pictures that are trained on.
 * @param out The ablation's folder.
 * @throws {ConfigError} When settings do not go together or with the data, the run would have no step, its warm-up is
 * longer than it, or its batch size is `auto` (0).
 */
export function runConfig(
  plan: Pick<AblationPlan, "given" | "pictures" | "variants" | "seeds">,
  variant: Variant,
  seed: number,
  data: Data,
  out: string,
): RunConfig {
  const { epochs: _, steps: __, ...given } = plan.given;
  const own = { ...variant.settings, seed, out: runFolder(out, variant.name, seed), resume: true };
  // The preset's epochs are not the run's: its warm-up is judged below, by those that its pictures make.
  const unwarmed = resolveConfig(given, { ...own, warmupEpochs: 0 }), { batchSize } = unwarmed;
  if (batchSize === 0) {
    throw new ConfigError(
      `batchSize is 0, that is auto (${variant.name}); the runs of an ablation are planned by a number: give it`,
    );
  }
  const steps = Math.floor(plan.pictures / batchSize);
  if (steps === 0) {
    const runs = plan.variants.length * plan.seeds.length;
    throw new ConfigError(
      `the budget comes to ${plural(plan.pictures, "picture")} for each of ${
        plural(runs, "run")
      }, less than a batch of ` +
        `${batchSize} (${variant.name}); take a larger budget (${
          runs * batchSize
        } pictures or more), fewer variants or seeds, or a ` +
        "smaller --batch-size",
    );
  }
  const { perEpoch } = planSteps({ ...unwarmed, epochs: 1, nodes: 1, process: "" }, data);
  const epochs = steps / perEpoch,
    said: Partial<RunConfig> = { ...given, ...own },
    { warmupEpochs = 0 } = said;
  if (warmupEpochs > epochs) {
    const rounded = (value: number) => digits(value, 3);
    throw new ConfigError(
      `warmupEpochs is ${warmupEpochs}, but each run's ${plural(plan.pictures, "picture")} are only ${
        rounded(epochs)
      } epochs (${variant.name}); take a shorter warm-up, such as ${rounded(epochs / 10)}, or longer runs`,
    );
  }
  const config = resolveConfig(given, own, { epochs });
  return {
    ...config,
    figures: said.figures ?? false,
    keep: said.keep ?? 1,
    // A page shows a thousand points.
    logEvery: said.logEvery ?? Math.max(1, Math.floor(steps / 500)),
  };
}

/** Pictures that a run of the settings' own epochs sees. */
export function epochPictures(full: RunConfig, data: Data): number {
  return planSteps({ ...full, steps: 0 }, data).total * full.batchSize;
}

/**
 * Refuses a folder that cannot become an ablation's.
 *
 * @throws {ConfigError} When it is a file, holds something else, or an ablation that is to be resumed.
 */
export async function refuseUsed(out: string): Promise<void> {
  let names: string[];
  try {
    names = (await Array.fromAsync(Deno.readDir(out))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (error instanceof Deno.errors.NotADirectory) {
      throw new ConfigError(`--out ${out}: is a file, not a folder`);
    }
    throw error;
  }
  if (names.includes(PLAN_FILE)) {
    throw new ConfigError(
      `--out ${out}: there is an ablation; to go on with it, add --resume; else name another folder`,
    );
  }
  const other = names.find((name) => !isPartial(name) && name !== LOCK_NAME);
  if (other !== undefined) {
    throw new ConfigError(`--out ${out}: the folder is not empty (${other}); name another folder`);
  }
}

/**
 * Reads the plan of the ablation in a folder.
 *
 * @throws {ConfigError} When there is none, or it cannot be read.
 */
export async function readPlan(out: string): Promise<AblationPlan> {
  requirePath(out);
  const path = join(out, PLAN_FILE);
  try {
    const plan = JSON.parse(await Deno.readTextFile(path)) as AblationPlan;
    if (plan.version !== 1) {
      throw new Error(`has version ${plan.version}; this program knows version 1. Update it`);
    }
    // Earlier versions came to no number with a batch of `auto`, which JSON holds as null.
    if (!(plan.pictures > 0)) {
      throw new Error(`pictures is ${plan.pictures}; begin a new ablation in another folder`);
    }
    checkPlan(plan);
    return plan;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
      throw new ConfigError(
        `--resume: ${out} holds no ablation (no ${PLAN_FILE}); check --out, or leave --resume out`,
      );
    }
    throw new ConfigError(`${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Writes a plan into its folder, without the secrets of addresses.
 *
 * @throws {ConfigError} When it cannot be carried out.
 * @throws {Error} When it cannot be written.
 */
export async function writePlan(out: string, plan: AblationPlan): Promise<void> {
  refuseAddress(out);
  checkPlan(plan);
  const hidden = (_: string, value: unknown) => typeof value === "string" ? redact(value) : value;
  await publishFile(join(out, PLAN_FILE), JSON.stringify(plan, hidden, 2) + "\n");
}

/**
 * A plan with settings given anew: those that change no number of the training, such as the engine or where the data lies.
 *
 * @param given Settings of a file and of flags.
 * @param words Gallery and queries, where they are named anew.
 * @param path The plan's file, for errors.
 * @throws {ConfigError} When an address lacks its secrets, or a run's length is given.
 * @throws {Error} When another setting is given than the ablation was begun with.
 */
export function resumedPlan(
  plan: AblationPlan,
  given: Partial<RunConfig>,
  words: AblationPlan["words"],
  path: string,
): AblationPlan {
  // To go on with the batch that was found, `auto` is as good as nothing said.
  const { batchSize, ...others } = given;
  const settings = { ...plan.given, ...others, ...batchSize && { batchSize } };
  const named = { ...plan.words, ...words };
  if (given.epochs !== undefined && given.epochs !== plan.given.epochs) {
    throw new ConfigError("--epochs: each run's length stays as it was; leave it out");
  }
  checkSameConfig(fullConfig(plan), path, fullConfig({ given: settings }));
  for (
    const [flag, uri] of [["data", settings.data], ["eval-train", named.evalTrain], [
      "eval-data",
      named.evalData,
    ]]
  ) {
    if (uri === undefined || !isRedacted(uri)) continue;
    throw new ConfigError(
      `the data is at ${uri}: passwords and signatures are not stored. Give the whole address again, with --${flag}`,
    );
  }
  return { ...plan, given: settings, words: named };
}

/**
 * The result of a run or of a baseline that is finished; else null.
 *
 * @throws {Error} It is damaged; names the file.
 */
export function readResult(out: string, variant: string, seed: number): Promise<AblationResult | null> {
  const advice = "remove it, and the run is measured once more";
  return readOwnJson<AblationResult>(resultFile(out, variant, seed), advice);
}

/** All settings, for the task's options. */
export const SHARED_KEYS: readonly (keyof RunConfig)[] = KEYS.filter((key) => !OWN_SETTINGS.includes(key));

/** A fine-tuning's settings: checked, completed, stored. */
import { join } from "node:path";
import { misfit } from "../cli/kinds.ts";
import type { Option } from "../cli/command.ts";
import { ENGINE_VARIABLE } from "../cli/engine_options.ts";
import { isRedacted, redact } from "../files/redact.ts";
import { checkModel, PRESETS } from "../model/config.ts";
import { didYouMean } from "../text/nearest.ts";
import { ConfigError } from "../train/config/config.ts";
import { exists } from "../train/run/folder.ts";
import { isMixed } from "./mix.ts";
import type { ClassifierConfig } from "./model.ts";
import { finetunePreset } from "./presets.ts";
import { FINETUNE_SETTINGS, type FinetuneConfig } from "./settings.ts";
import { encoderSizes } from "../weights/warm_start.ts";

type Key = keyof typeof FINETUNE_SETTINGS;
const KEYS = Object.keys(FINETUNE_SETTINGS) as Key[];

/** Settings that the command has an operand or an option of its own for. */
const NO_FLAG: readonly Key[] = ["model"];

/** Every setting as an option; none has a default, since what is not given comes from the file or the preset. */
export const FINETUNE_OPTIONS: Readonly<Record<Exclude<Key, "model">, Option>> = Object.fromEntries(
  KEYS.filter((key) => !NO_FLAG.includes(key)).map((key) => {
    const { kind, help, group } = FINETUNE_SETTINGS[key];
    const env = key === "engine" ? ENGINE_VARIABLE : undefined;
    return [key, { kind, help, group, negatable: kind.kind === "switch", env }];
  }),
) as Record<Exclude<Key, "model">, Option>;

/** The settings among a command's values. */
export function finetuneSettingsIn(given: Readonly<Record<string, unknown>>): Partial<FinetuneConfig> {
  return Object.fromEntries(KEYS.flatMap((key) => given[key] === undefined ? [] : [[key, given[key]]]));
}

/**
 * Checks the settings of one place: known names, right types, values within their bounds.
 *
 * @param where Named in errors, such as a file's path.
 * @throws {ConfigError} When a setting cannot be used, or they are of another task.
 */
export function checkFinetuneSettings(
  values: Readonly<Record<string, unknown>>,
  where: string,
): Partial<FinetuneConfig> {
  const { task = "finetune", ...rest } = values;
  if (task !== "finetune") throw new ConfigError(`${where}: are settings of ${JSON.stringify(task)}`);
  for (const [key, value] of Object.entries(rest)) {
    if (!Object.hasOwn(FINETUNE_SETTINGS, key)) {
      throw new ConfigError(
        `${where}: unknown setting "${key}"${didYouMean(key, KEYS) || "; --help lists them"}`,
      );
    }
    const wrong = misfit(key, FINETUNE_SETTINGS[key as Key].kind, value);
    if (wrong) throw new ConfigError(`${where}: ${wrong}`);
  }
  return rest as Partial<FinetuneConfig>;
}

/**
 * Reads the configuration of a fine-tuning's run folder.
 *
 * @throws {ConfigError} When it cannot be read, or is of a run of another kind.
 */
export async function readFinetuneConfig(path: string): Promise<FinetuneConfig> {
  const parsed: unknown = await Deno.readTextFile(path).then(JSON.parse).catch((cause) => {
    throw new ConfigError(`${path}: cannot be read as configuration: ${(cause as Error).message}`);
  });
  if (typeof parsed !== "object" || parsed === null || !("task" in parsed)) {
    throw new ConfigError(
      `${path}: is not of a fine-tuning; a run of pre-training goes on with deno task train --resume`,
    );
  }
  const settings = checkFinetuneSettings(parsed as Record<string, unknown>, path);
  return { ...settings, task: "finetune" } as FinetuneConfig;
}

/** A configuration as it is stored: without what is said anew at each start, and without the secrets of addresses. */
export function storedFinetuneConfig(config: FinetuneConfig): FinetuneConfig {
  const { data, evalData } = config;
  return { ...config, resume: false, data: redact(data), evalData: redact(evalData) };
}

/** The model that a configuration is of. */
export function classifierConfig(config: FinetuneConfig): ClassifierConfig {
  const { dropPath, rematerialise, pool } = config;
  // First weights are those of pre-training, by the preset whose sizes these are nearest to.
  const like = PRESETS[config.preset];
  return { ...like, ...encoderSizes(config), viewSize: 0, dropPath, rematerialise, pool };
}

/** What does not go together. */
function checkTogether(config: FinetuneConfig): void {
  const { batchSize, depth, freeze, warmupEpochs, epochs, dropPath, fromScratch, model } = config;
  if (warmupEpochs > epochs) {
    throw new ConfigError(
      `warmupEpochs is ${warmupEpochs}, but epochs is only ${epochs}; add --warmup-epochs ${epochs / 10}`,
    );
  }
  if (isMixed(config) && batchSize % 2 !== 0) {
    throw new ConfigError(
      `batchSize is ${batchSize}, but mixup and cutmix pair the pictures of a batch: take --batch-size ${
        batchSize + 1
      }, or --mixup 0 --cutmix 0`,
    );
  }
  if (freeze > depth) {
    throw new ConfigError(`freeze is ${freeze}, but the encoder has only ${depth} blocks`);
  }
  if (freeze > 0 && (fromScratch || model === "")) {
    throw new ConfigError(
      "--freeze keeps what was learned before, and from scratch nothing was: leave it out",
    );
  }
  if (freeze > 0 && dropPath > 0 && freeze === depth) {
    throw new ConfigError(
      `with the whole encoder frozen nothing can learn from drop path: add --drop-path 0`,
    );
  }
  try {
    checkModel(classifierConfig(config));
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause });
  }
}

/**
 * The whole configuration: the preset's values, over them those given, later ones first.
 *
 * @param layers Checked settings: the sizes of the encoder that is started from, a file's, the flags'.
 * @throws {ConfigError} When settings do not go together.
 */
export function resolveFinetuneConfig(...layers: readonly Partial<FinetuneConfig>[]): FinetuneConfig {
  const given: Partial<FinetuneConfig> = Object.assign({}, ...layers);
  const config = { ...finetunePreset(given.preset ?? "demo"), ...given };
  // A run that is shorter than the preset's warms up for at most a tenth of its time, unless the user says otherwise.
  if (given.warmupEpochs === undefined) {
    config.warmupEpochs = Math.min(config.warmupEpochs, config.epochs / 10);
  }
  if (given.dropPath === undefined && config.freeze === config.depth) config.dropPath = 0;
  checkTogether(config);
  for (const [key, flag] of [["data", "data"], ["evalData", "eval-data"]] as const) {
    if (!isRedacted(config[key])) continue;
    throw new ConfigError(
      `the data is at ${
        config[key]
      }: passwords and signatures are not stored with a run. Give the whole address again, with --${flag}`,
    );
  }
  return config;
}

/**
 * The configuration of a run that goes on: its own, over it what the user gave.
 *
 * @param flags What the user gave; `out` names the folder.
 * @throws {ConfigError} When there is no such run, or settings do not go together.
 */
export async function resumedFinetuneConfig(flags: Partial<FinetuneConfig>): Promise<FinetuneConfig> {
  const { out, model } = flags;
  if (!out) throw new ConfigError("--resume needs the run's folder: --out FOLDER");
  const path = join(out, "config.json");
  if (!await exists(path)) {
    throw new ConfigError(
      `--resume: ${out} holds no run (no config.json); check --out, or leave --resume out`,
    );
  }
  const stored = await readFinetuneConfig(path);
  if (model !== undefined && model !== stored.model) {
    throw new ConfigError(
      `${out} was begun from ${
        stored.model || "random weights"
      }, not from ${model}; leave the model out to go on with ` +
        "it, or begin another run in another --out",
    );
  }
  return { ...resolveFinetuneConfig(stored, flags), out, resume: true };
}

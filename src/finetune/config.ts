/** A fine-tuning's settings: checked, completed, stored. */
import { checkModel } from "../model/check_model.ts";
import { encoderSizes, PRESETS } from "../model/config.ts";
import { ConfigError, joinLayers } from "../train/config/config.ts";
import {
  checkAddresses,
  checkTaskSettings,
  readTaskSettings,
  resumedTaskConfig,
  storedTaskConfig,
  type TaskKind,
  taskOptions,
  taskSettingsIn,
} from "../train/config/task_settings.ts";
import { isMixed } from "./mix.ts";
import type { ClassifierConfig } from "./model.ts";
import { finetunePreset } from "./presets.ts";
import { FINETUNE_SETTINGS, type FinetuneConfig } from "./settings.ts";

const KIND: TaskKind<FinetuneConfig> = { task: "finetune", title: "a fine-tuning", table: FINETUNE_SETTINGS };

/** Every setting as an option; none has a default, since what is not given comes from the file or the preset. */
export const FINETUNE_OPTIONS: ReturnType<typeof taskOptions<FinetuneConfig>> = taskOptions(KIND);

/** The settings among a command's values. */
export function finetuneSettingsIn(given: Readonly<Record<string, unknown>>): Partial<FinetuneConfig> {
  return taskSettingsIn(KIND, given);
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
  return checkTaskSettings(KIND, values, where);
}

/**
 * Reads a file of settings: what somebody has written, or the config.json of a fine-tuning's run.
 *
 * @throws {ConfigError} When it cannot be read, a setting cannot be used, or they are of another task.
 */
export async function readFinetuneConfig(path: string): Promise<Partial<FinetuneConfig>> {
  return await readTaskSettings(KIND, path);
}

/** A configuration as it is stored: without what is said anew at each start, and without the secrets of addresses. */
export function storedFinetuneConfig(config: FinetuneConfig): FinetuneConfig {
  return storedTaskConfig(config);
}

/** The model that a configuration is of. */
export function classifierConfig(config: FinetuneConfig): ClassifierConfig {
  const { dropPath, rematerialise, pool } = config;
  // First weights are those of pre-training, by the preset whose sizes these are nearest to.
  const like = PRESETS[config.preset];
  return { ...like, ...encoderSizes(config), viewSize: 0, dropPath, rematerialise, pool };
}

/**
 * Refuses what cannot be trained on an encoder, whatever is trained.
 *
 * @throws {ConfigError} When settings do not go together.
 */
export function checkTraining(
  config: Pick<
    FinetuneConfig,
    "depth" | "freeze" | "warmupEpochs" | "epochs" | "dropPath" | "fromScratch" | "model"
  >,
): void {
  const { depth, freeze, warmupEpochs, epochs, dropPath, fromScratch, model } = config;
  if (warmupEpochs > epochs) {
    throw new ConfigError(
      `warmupEpochs is ${warmupEpochs}, but epochs is only ${epochs}; add --warmup-epochs ${epochs / 10}`,
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
}

/** What does not go together. */
function checkTogether(config: FinetuneConfig): void {
  const { batchSize } = config;
  checkTraining(config);
  if (isMixed(config) && batchSize % 2 !== 0) {
    throw new ConfigError(
      `batchSize is ${batchSize}, but mixup and cutmix pair the pictures of a batch: take --batch-size ${
        batchSize + 1
      }, or --mixup 0 --cutmix 0`,
    );
  }
  try {
    checkModel(classifierConfig(config));
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause });
  }
}

/**
 * Checks a whole configuration, as a program hands it over.
 *
 * @throws {ConfigError} When a setting cannot be used, or settings do not go together.
 */
export function checkFinetuneConfig(config: FinetuneConfig): void {
  checkFinetuneSettings(joinLayers([config]), "the run");
  checkTogether(config);
}

/**
 * Refuses a run that names an encoder and does not get its weights, which would begin from scratch.
 *
 * @throws {ConfigError} Says how to give them.
 */
export function requireEncoder(
  { model, fromScratch, resume }: Pick<FinetuneConfig, "model" | "fromScratch" | "resume">,
  from: unknown,
): void {
  if (from !== undefined || model === "" || fromScratch || resume) return;
  throw new ConfigError(
    `the run is to begin from ${model}, but \`from\` has no tensors: give those of \`await readModel(${
      JSON.stringify(model)
    })\`, or set fromScratch`,
  );
}

/**
 * The whole configuration: the preset's values, over them those given, later ones first.
 *
 * @param layers Settings: the sizes of the encoder that is started from, a file's, the flags'; what is undefined counts as
 * left out.
 * @throws {ConfigError} When a setting cannot be used, or settings do not go together.
 */
export function resolveFinetuneConfig(...layers: readonly Partial<FinetuneConfig>[]): FinetuneConfig {
  const given = checkTaskSettings(KIND, joinLayers<FinetuneConfig>(layers), "settings");
  const config = { ...finetunePreset(given.preset ?? "demo"), ...given };
  // A run that is shorter than the preset's warms up for at most a tenth of its time, unless the user says otherwise.
  if (given.warmupEpochs === undefined) {
    config.warmupEpochs = Math.min(config.warmupEpochs, config.epochs / 10);
  }
  if (given.dropPath === undefined && config.freeze === config.depth) config.dropPath = 0;
  checkTogether(config);
  checkAddresses(config);
  return config;
}

/**
 * The configuration of a run that goes on: its own, over it what the user gave.
 *
 * @param flags What the user gave; `out` names the folder.
 * @throws {ConfigError} When there is no such run, or settings do not go together.
 */
export async function resumedFinetuneConfig(flags: Partial<FinetuneConfig>): Promise<FinetuneConfig> {
  return await resumedTaskConfig(KIND, flags, resolveFinetuneConfig);
}

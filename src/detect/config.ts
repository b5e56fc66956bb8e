/** The settings of a detector's training: checked, completed, stored. */
import { checkTraining } from "../finetune/config.ts";
import { checkModel } from "../model/check_model.ts";
import { encoderSizes, PRESETS } from "../model/config.ts";
import { ConfigError, joinLayers } from "../train/config/config.ts";
import {
  checkAddresses,
  checkTaskSettings,
  readTaskSettings,
  resumedTaskConfig,
  type TaskKind,
  taskOptions,
  taskSettingsIn,
} from "../train/config/task_settings.ts";
import { checkDetector, type DetectorConfig } from "./model.ts";
import { detectPreset } from "./presets.ts";
import { DETECT_SETTINGS, type DetectConfig } from "./settings.ts";

const KIND: TaskKind<DetectConfig> = {
  task: "detect",
  title: "a detector's training",
  table: DETECT_SETTINGS,
};

/** Every setting as an option; none has a default, since what is not given comes from the file or the preset. */
export const DETECT_OPTIONS: ReturnType<typeof taskOptions<DetectConfig>> = taskOptions(KIND);

/** The settings among a command's values. */
export function detectSettingsIn(given: Readonly<Record<string, unknown>>): Partial<DetectConfig> {
  return taskSettingsIn(KIND, given);
}

/**
 * Checks the settings of one place: known names, right types, values within their bounds.
 *
 * @param where Named in errors, such as a file's path.
 * @throws {ConfigError} When a setting cannot be used, or they are of another task.
 */
export function checkDetectSettings(
  values: Readonly<Record<string, unknown>>,
  where: string,
): Partial<DetectConfig> {
  return checkTaskSettings(KIND, values, where);
}

/**
 * Reads a file of settings: what somebody has written, or the config.json of a detector's run.
 *
 * @throws {ConfigError} When it cannot be read, a setting cannot be used, or they are of another task.
 */
export async function readDetectConfig(path: string): Promise<Partial<DetectConfig>> {
  return await readTaskSettings(KIND, path);
}

/** The model that a configuration is of. */
export function detectorConfig(config: DetectConfig): DetectorConfig {
  const { dropPath, rematerialise, upscale, levels, pyramidWidth, towerDepth } = config;
  // First weights are those of pre-training, by the preset whose sizes these are nearest to.
  const like = PRESETS[config.preset], sizes = encoderSizes(config);
  return {
    ...like,
    ...sizes,
    viewSize: 0,
    dropPath,
    rematerialise,
    upscale,
    levels,
    pyramidWidth,
    towerDepth,
  };
}

/** What does not go together. */
function checkTogether(config: DetectConfig): void {
  checkTraining(config);
  try {
    const model = detectorConfig(config);
    checkModel(model);
    checkDetector(model);
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause });
  }
}

/**
 * Checks a whole configuration, as a program hands it over.
 *
 * @throws {ConfigError} When a setting cannot be used, or settings do not go together.
 */
export function checkDetectConfig(config: DetectConfig): void {
  checkDetectSettings(joinLayers([config]), "the run");
  checkTogether(config);
}

/**
 * The whole configuration: the preset's values, over them those given, later ones first.
 *
 * @param layers Settings: the sizes of the encoder that is started from, a file's, the flags'; what is undefined counts as
 * left out.
 * @throws {ConfigError} When a setting cannot be used, or settings do not go together.
 */
export function resolveDetectConfig(...layers: readonly Partial<DetectConfig>[]): DetectConfig {
  const given = checkTaskSettings(KIND, joinLayers<DetectConfig>(layers), "settings");
  const config = { ...detectPreset(given.preset ?? "demo"), ...given };
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
export async function resumedDetectConfig(flags: Partial<DetectConfig>): Promise<DetectConfig> {
  return await resumedTaskConfig(KIND, flags, resolveDetectConfig);
}

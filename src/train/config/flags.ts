/** The settings as options of a command. */
import type { Option } from "../../cli/command.ts";
import { ENGINE_VARIABLE } from "../../cli/engine_options.ts";
import { text } from "../../cli/kinds.ts";
import { KEYS } from "./config.ts";
import { presetConfig } from "./presets.ts";
import { type PresetName, type RunConfig, SETTINGS } from "./settings.ts";

/** Settings that an environment variable may give. */
const VARIABLES: Readonly<Partial<Record<keyof RunConfig, string>>> = { engine: ENGINE_VARIABLE };

/**
 * Every setting as an option, and `--config FILE`. None has a default: what is not given comes from the configuration
 * file or the preset.
 */
export const SETTING_OPTIONS: Readonly<Record<keyof RunConfig | "config", Option>> = {
  config: { kind: text, help: "settings as a JSON object, such as a run's config.json", value: "FILE" },
  ...Object.fromEntries(KEYS.map((key) => {
    const { kind, help, group } = SETTINGS[key];
    return [key, { kind, help, group, negatable: kind.kind === "switch", env: VARIABLES[key] }];
  })) as Record<keyof RunConfig, Option>,
};

/** How the settings of a run come together, for the help. */
export const SETTING_NOTES: readonly string[] = [
  "An option wins over --config FILE (JSON, with keys such as batchSize), and the file over the preset. The defaults " +
  "shown are those of the preset; --help --preset tiny shows those of tiny.",
];

/** The defaults that the help shows beside each setting: those of the preset that is given. */
export function shownSettings(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { ...presetConfig((given.preset ?? "demo") as PresetName) };
}

/** The settings among a command's values; they have been checked as they were read. */
export function settingsIn(given: Readonly<Record<string, unknown>>): Partial<RunConfig> {
  return Object.fromEntries(KEYS.flatMap((key) => given[key] === undefined ? [] : [[key, given[key]]]));
}

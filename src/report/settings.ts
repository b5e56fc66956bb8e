import { flagName } from "../cli/command.ts";
import { detectPreset } from "../detect/presets.ts";
import { finetunePreset } from "../finetune/presets.ts";
import type { FinetunePreset } from "../finetune/settings.ts";
import { FIRST_WAYS, followingSettings, presetConfig } from "../train/config/presets.ts";
import type { PresetName, RunConfig } from "../train/config/settings.ts";
import { shellWord } from "../text/layout.ts";
import { PRESETS } from "../model/config.ts";
import type { Difference } from "./types.ts";

/** What a configuration says, beside its preset. */
export interface SettingsReport {
  preset: string;
  differences: Difference[];
  settings: Record<string, string>;
  command: string;
}

/** Trainings on an encoder, by the mark in their configuration: their command, and what their presets say. */
const TRAININGS: Readonly<Record<string, { command: string; preset(name: FinetunePreset): object }>> = {
  finetune: { command: "finetune", preset: finetunePreset },
  detect: { command: "detect train", preset: detectPreset },
};

/** Settings that say where a run lies and who does it, not what it is. */
const PLACE: ReadonlySet<string> = new Set(["task", "preset", "out", "resume", "nodeId"]);

/** A setting's value as it is written on the command line. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(textOf).join(",");
  return JSON.stringify(value) ?? "";
}

function flag(key: string, value: unknown): string {
  if (typeof value === "boolean") return `--${value ? "" : "no-"}${flagName(key)}`;
  return `--${flagName(key)} ${shellWord(textOf(value))}`;
}

/** What a command of a training on an encoder takes where it is told nothing: of the preset's warm-up a tenth of the epochs at most. */
function untold(
  preset: Readonly<Record<string, unknown>>,
  { epochs = preset.epochs }: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { warmupEpochs } = preset;
  if (typeof warmupEpochs !== "number" || typeof epochs !== "number") return preset;
  return { ...preset, warmupEpochs: Math.min(warmupEpochs, epochs / 10) };
}

/**
 * A stored configuration as differences from its preset, and the one command that does the run again.
 *
 * @param stored What config.json holds; anything.
 */
export function settingsReport(stored: Readonly<Record<string, unknown>>): SettingsReport {
  const name = typeof stored.preset === "string" && Object.hasOwn(PRESETS, stored.preset)
    ? stored.preset
    : "demo";
  const trained = typeof stored.task === "string" && Object.hasOwn(TRAININGS, stored.task)
    ? TRAININGS[stored.task]
    : undefined;
  // A run of an earlier version does not name what was the only way then.
  const config: Readonly<Record<string, unknown>> = trained ? stored : { ...FIRST_WAYS, ...stored };
  const preset: Readonly<Record<string, unknown>> = trained
    ? { ...trained.preset(name as FinetunePreset) }
    : { ...presetConfig(name as PresetName) };
  // What the encoder is from has no name on the command line.
  const model = trained && typeof config.model === "string" && config.model !== ""
    ? ` ${shellWord(config.model)}`
    : "";
  const known = Object.entries(config).filter(([key]) => !PLACE.has(key));
  const own: Readonly<Record<string, unknown>> = trained ? untold(preset, config) : {
    ...preset,
    ...followingSettings(name as PresetName, { ...preset, ...config } as unknown as RunConfig),
  };
  const other = known.filter(([key, value]) =>
    !Object.hasOwn(preset, key) || textOf(value) !== textOf(preset[key])
  );
  const told = known.filter(([key, value]) =>
    Object.hasOwn(own, key) && textOf(value) !== textOf(own[key]) && !(trained && key === "model")
  );
  return {
    preset: name,
    differences: other.map(([key, value]) => ({
      key,
      value: textOf(value),
      preset: Object.hasOwn(preset, key) ? textOf(preset[key]) : "",
    })),
    settings: Object.fromEntries(known.map(([key, value]) => [key, textOf(value)])),
    command: [
      `deno task ${trained ? `${trained.command}${model}` : "train"} --preset ${name}`,
      ...told.map(([key, value]) => flag(key, value)),
    ].join(" "),
  };
}

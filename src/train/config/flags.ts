import { parseArgs } from "node:util";
import { checkSettings, ConfigError, describeKind, KEYS } from "./config.ts";
import { didYouMean } from "../../text/nearest.ts";
import { presetConfig } from "./presets.ts";
import { type Kind, type PresetName, type RunConfig, SETTINGS } from "./settings.ts";

/** `batchSize` → `batch-size`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Reads a flag's text as a value of the kind; text that is no such value stays text, so that the check names it. */
function readText(kind: Kind, text: string): unknown {
  const asNumber = (part: string) => part.trim() === "" || isNaN(Number(part)) ? part : Number(part);
  if (kind.kind === "whole" || kind.kind === "number") return asNumber(text);
  if (kind.kind === "pair") return text.split(",").map(asNumber);
  if (kind.kind === "switch") return text === "true" ? true : text === "false" ? false : text;
  return text;
}

/** What the command line says. */
export interface Flags {
  /** Settings given as flags. */
  settings: Partial<RunConfig>;
  /** The file named by `--config`. */
  config?: string;
  help: boolean;
}

/**
 * Reads the flags of a command: `--batch-size 64`, `--crop-scale 0.3,1`, `--ema`, `--no-ema`, `--config FILE`, `--help`.
 *
 * @throws {ConfigError} For an unknown flag, naming the nearest, or a value that cannot be used.
 */
export function parseFlags(args: readonly string[]): Flags {
  const byFlag = new Map(KEYS.map((key) => [flagName(key), key]));
  const options = Object.fromEntries([
    ...KEYS.map((key) => [
      flagName(key),
      { type: SETTINGS[key].kind.kind === "switch" ? "boolean" : "string" },
    ]),
    ["config", { type: "string" }],
    ["help", { type: "boolean", short: "h" }],
  ]) as Record<string, { type: "boolean" | "string"; short?: string }>;
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const result: Flags = { settings: {}, help: false };
  const given: Record<string, unknown> = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      throw new ConfigError(`"${token.value}" is no flag; settings are given as --name value, see --help`);
    }
    const { name, rawName, value } = token;
    if (name === "help") result.help = true;
    else if (name === "config") {
      if (!value) throw new ConfigError("--config needs the path of a JSON file");
      result.config = value;
    } else {
      const negated = name.startsWith("no-") && !byFlag.has(name);
      const key = byFlag.get(negated ? name.slice(3) : name);
      if (!key || (negated && SETTINGS[key].kind.kind !== "switch")) {
        const meant = didYouMean(name, [...byFlag.keys(), "config", "help"], (near) => `--${near}`);
        throw new ConfigError(`unknown flag ${rawName}${meant || "; see --help"}`);
      }
      const { kind } = SETTINGS[key];
      if (kind.kind === "switch" && value === undefined) given[key] = !negated;
      else if (value === undefined || negated) {
        throw new ConfigError(
          negated ? `${rawName} takes no value` : `${rawName} needs a value: ${describeKind(kind)}`,
        );
      } else given[key] = readText(kind, value);
      checkSettings({ [key]: given[key] }, rawName);
    }
  }
  result.settings = given as Partial<RunConfig>;
  return result;
}

/** The help: every setting with its default in a preset and one line, in groups. */
export function helpText(preset: PresetName = "demo"): string {
  const defaults = presetConfig(preset);
  const lines: string[] = [];
  let group = "";
  for (const key of KEYS) {
    const setting = SETTINGS[key];
    if (setting.group !== group) lines.push("", `${group = setting.group}`);
    const value = defaults[key];
    const shown = Array.isArray(value)
      ? value.map((x) => +Number(x).toPrecision(4)).join(",")
      : String(value);
    const name = setting.kind.kind === "switch" ? `--[no-]${flagName(key)}` : `--${flagName(key)}`;
    const choices = setting.kind.kind === "choice" ? ` (${setting.kind.of.join(", ")})` : "";
    lines.push(`  ${name.padEnd(26)} ${setting.help}${choices} [${shown === "" ? "empty" : shown}]`);
  }
  return [
    `Every setting, with its default in the preset ${preset} (--help --preset tiny shows those of tiny).`,
    "A setting comes from the preset, over it from --config FILE (JSON, keys like batchSize), over it from its flag.",
    "",
    `  ${"--config FILE".padEnd(26)} settings as a JSON object, such as a run's config.json`,
    `  ${"-h, --help".padEnd(26)} this text`,
    ...lines,
  ].join("\n");
}

/** Settings of trainings on an encoder, each kind of which has a table of its own: as options, checked, stored, read. */
import { join } from "node:path";
import type { Option } from "../../cli/command.ts";
import { ENGINE_VARIABLE } from "../../cli/engine_options.ts";
import { isRedacted, redact } from "../../files/redact.ts";
import { exists } from "../run/folder.ts";
import { ConfigError, KEYS, listedByHelp, ofTask, readSettingsFile, refuseMisfits } from "./config.ts";
import type { Setting } from "./setting.ts";

/** The settings that every kind of training has. */
export interface TaskConfig {
  /** Tells config.json from one of another kind. */
  task: string;
  preset: string;
  data: string;
  evalData: string;
  model: string;
  out: string;
  resume: boolean;
}

/** A kind of training, as far as its settings go. */
export interface TaskKind<Config extends TaskConfig> {
  task: Config["task"];
  /** What it is called in errors, such as `a fine-tuning`. */
  title: string;
  /** Every setting but the mark of the task. */
  table: Readonly<Record<Exclude<keyof Config, "task">, Setting>>;
}

/** The names of a kind's settings. */
type Key<Config extends TaskConfig> = Exclude<keyof Config, "task"> & string;

const keysOf = <Config extends TaskConfig>({ table }: TaskKind<Config>) =>
  Object.keys(table) as Key<Config>[];

/** Every setting but the model as an option; none has a default, since what is not given comes from the file or the preset. */
export function taskOptions<Config extends TaskConfig>(
  kind: TaskKind<Config>,
): Readonly<Record<Exclude<Key<Config>, "model">, Option>> {
  return Object.fromEntries(
    keysOf(kind).filter((key) => key !== "model").map((key) => {
      const { kind: values, help, group } = kind.table[key];
      const env = key === "engine" ? ENGINE_VARIABLE : undefined;
      return [key, { kind: values, help, group, negatable: values.kind === "switch", env }];
    }),
  ) as Record<Exclude<Key<Config>, "model">, Option>;
}

/** The settings among a command's values. */
export function taskSettingsIn<Config extends TaskConfig>(
  kind: TaskKind<Config>,
  given: Readonly<Record<string, unknown>>,
): Partial<Config> {
  return Object.fromEntries(
    keysOf(kind).flatMap((key) => given[key] === undefined ? [] : [[key, given[key]]]),
  ) as Partial<Config>;
}

/**
 * Checks the settings of one place: known names, right types, values within their bounds.
 *
 * @param where Named in errors, such as a file's path.
 * @throws {ConfigError} When a setting cannot be used, or they are of another task.
 */
export function checkTaskSettings<Config extends TaskConfig>(
  kind: TaskKind<Config>,
  values: Readonly<Record<string, unknown>>,
  where: string,
): Partial<Config> {
  const { task = kind.task, ...rest } = values;
  if (task !== kind.task) throw new ConfigError(`${where}: ${ofTask(task)}`);
  const kindOf = (key: string) =>
    Object.hasOwn(kind.table, key) ? kind.table[key as Key<Config>].kind : undefined;
  const hint = (key: string) =>
    (KEYS as readonly string[]).includes(key)
      ? ", which is one of deno task train"
      : listedByHelp(key, keysOf(kind));
  refuseMisfits(rest, kindOf, where, hint);
  return rest as Partial<Config>;
}

/**
 * Reads a file of settings that a user names: what somebody has written, or a run folder's config.json.
 *
 * @throws {ConfigError} When it cannot be read, a setting cannot be used, or they are of another task.
 */
export async function readTaskSettings<Config extends TaskConfig>(
  kind: TaskKind<Config>,
  path: string,
): Promise<Partial<Config>> {
  return checkTaskSettings(kind, await readSettingsFile(path), path);
}

/** Reads the configuration of a run folder. Throws when it cannot be read, or is of a run of another kind. */
async function readTaskConfig<Config extends TaskConfig>(
  kind: TaskKind<Config>,
  path: string,
): Promise<Config> {
  const settings = await readSettingsFile(path);
  if (!Object.hasOwn(settings, "task")) {
    throw new ConfigError(
      `${path}: is not of ${kind.title}; a run of pre-training goes on with deno task train --resume`,
    );
  }
  return { ...checkTaskSettings(kind, settings, path), task: kind.task } as Config;
}

/** A configuration as it is stored: without what is said anew at each start, and without the secrets of addresses. */
export function storedTaskConfig<Config extends TaskConfig>(config: Config): Config {
  const { data, evalData } = config;
  return { ...config, resume: false, data: redact(data), evalData: redact(evalData) };
}

/**
 * Refuses addresses of which only the stored form is known.
 *
 * @throws {ConfigError} When one lacks its secrets; says how to give them.
 */
export function checkAddresses(config: Pick<TaskConfig, "data" | "evalData">): void {
  for (const [key, flag] of [["data", "data"], ["evalData", "eval-data"]] as const) {
    if (!isRedacted(config[key])) continue;
    throw new ConfigError(
      `the data is at ${
        config[key]
      }: passwords and signatures are not stored with a run. Give the whole address again, with --${flag}`,
    );
  }
}

/**
 * The configuration of a run that goes on: its own, over it what the user gave.
 *
 * @param flags What the user gave; `out` names the folder.
 * @param resolve Completes and checks it, later settings winning.
 * @throws {ConfigError} When there is no such run, or settings do not go together.
 */
export async function resumedTaskConfig<Config extends TaskConfig>(
  kind: TaskKind<Config>,
  flags: Partial<Config>,
  resolve: (...layers: Partial<Config>[]) => Config,
): Promise<Config> {
  const { out, model } = flags;
  if (!out) throw new ConfigError("--resume needs the run's folder: --out FOLDER");
  const path = join(out, "config.json");
  if (!await exists(path)) {
    throw new ConfigError(
      `--resume: ${out} holds no run (no config.json); check --out, or leave --resume out`,
    );
  }
  const stored = await readTaskConfig(kind, path);
  if (model !== undefined && model !== stored.model) {
    throw new ConfigError(
      `${out} was begun from ${
        stored.model || "random weights"
      }, not from ${model}; leave the model out to go on with ` +
        "it, or begin another run in another --out",
    );
  }
  // A run has its preset's values of its own; another name would only say what is not so.
  const { preset: _, ...given } = flags;
  return { ...resolve(stored, given as Partial<Config>), out, resume: true };
}

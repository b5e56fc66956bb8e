import { type Kind, misfit } from "../../cli/kinds.ts";
import { UsageError } from "../../cli/usage_error.ts";
import { decodeText } from "../../data/io/foreign_text.ts";
import { isObject } from "../../files/json_values.ts";
import { redact } from "../../files/redact.ts";
import { checkModel } from "../../model/check_model.ts";
import { didYouMean } from "../../text/nearest.ts";
import { FIRST_WAYS, followingSettings, presetConfig } from "./presets.ts";
import { type PresetName, type RunConfig, SETTINGS } from "./settings.ts";

/** A setting that cannot be used; the message says which, what was given and what is expected. */
export class ConfigError extends UsageError {
  override name = "ConfigError";
}

type Key = keyof RunConfig;
/** Every setting. */
export const KEYS = Object.keys(SETTINGS) as Key[];
const isKey = (name: string): name is Key => Object.hasOwn(SETTINGS, name);

/**
 * Refuses settings that are unknown, of a wrong type or out of their bounds.
 *
 * @param kindOf What a setting may be; undefined where there is none of that name.
 * @param where Named in errors, such as a file's path.
 * @param hint What follows the name of one that is unknown.
 * @throws {ConfigError} That names the first.
 */
export function refuseMisfits(
  values: Readonly<Record<string, unknown>>,
  kindOf: (key: string) => Kind | undefined,
  where: string,
  hint: (key: string) => string,
): void {
  for (const [key, value] of Object.entries(values)) {
    const kind = kindOf(key);
    if (kind === undefined) throw new ConfigError(`${where}: unknown setting "${key}"${hint(key)}`);
    const wrong = misfit(key, kind, value);
    if (wrong) throw new ConfigError(`${where}: ${wrong}`);
  }
}

/** Says that a command's help has all settings, where no other is near the one that is unknown. */
export function listedByHelp(key: string, keys: readonly string[]): string {
  return didYouMean(key, keys) || "; --help lists them";
}

/**
 * Checks the settings of one place: known names, right types, values within their bounds.
 *
 * @param values Settings by key.
 * @param where Named in errors, such as the configuration file's path.
 * @throws {ConfigError} When a setting cannot be used; names the first.
 */
export function checkSettings(values: Record<string, unknown>, where: string): Partial<RunConfig> {
  const kindOf = (key: string) => isKey(key) ? SETTINGS[key].kind : undefined;
  refuseMisfits(values, kindOf, where, (key) => listedByHelp(key, KEYS));
  return values as Partial<RunConfig>;
}

/** What settings of several places come to, later ones first. What is undefined was not given. */
export function joinLayers<Config extends object>(layers: readonly Partial<Config>[]): Partial<Config> {
  const given = layers.flatMap((layer) => Object.entries(layer)).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<Config>;
}

/** Commands whose runs say in their config.json of which task they are, by that word. */
const TASKS: Readonly<Record<string, string>> = {
  finetune: "finetune",
  detect: "detect train",
  reid: "reid train",
};

/** Says whose settings a file holds that are of another task than was looked for. */
export function ofTask(task: unknown): string {
  const command = typeof task === "string" && Object.hasOwn(TASKS, task) ? TASKS[task] : undefined;
  if (command === undefined) {
    return `holds settings of ${JSON.stringify(task)}, which is no task of this program`;
  }
  return `holds settings of deno task ${command}; a run of it goes on with deno task ${command} --resume`;
}

/**
 * Reads a file of settings as it is: their names and values are not checked.
 *
 * @throws {ConfigError} When it cannot be read, or is no JSON object.
 */
export async function readSettingsFile(path: string): Promise<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decodeText(await Deno.readFile(path)));
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound
      ? "there is no such file"
      : cause instanceof Deno.errors.PermissionDenied
      ? "no permission to read it; check its owner and mode"
      : (cause as Error).message;
    throw new ConfigError(`${path}: cannot be read as configuration: ${why}`);
  }
  if (!isObject(parsed)) {
    throw new ConfigError(`${path}: must hold a JSON object of settings`);
  }
  return parsed;
}

/** Settings that a run's config.json has in every version, and that nobody writes all of. */
const OF_A_RUN: readonly Key[] = ["preset", "out", "resume", "seed", "width", "decoderDepth", "clipKind"];

/**
 * Reads a configuration file: a JSON object of settings, such as a run folder's config.json. That of a run of an earlier
 * version gets what was the only way then.
 *
 * @throws {ConfigError} When it cannot be read, is no JSON object or of another task, or a setting cannot be used.
 */
export async function readConfig(path: string): Promise<Partial<RunConfig>> {
  const settings = await readSettingsFile(path);
  if (Object.hasOwn(settings, "task")) throw new ConfigError(`${path}: ${ofTask(settings.task)}`);
  const checked = checkSettings(settings, path);
  return OF_A_RUN.every((key) => Object.hasOwn(checked, key)) ? { ...FIRST_WAYS, ...checked } : checked;
}

/**
 * A configuration as it is stored, in config.json and in checkpoints: without what is said anew at each start, and without
 * the secrets of addresses.
 */
export function storedConfig(config: RunConfig): RunConfig {
  const { data, evalData, evalTrain } = config;
  return {
    ...config,
    resume: false,
    data: redact(data),
    // A program may hand over a configuration of an earlier version, which lacks these.
    ...evalData !== undefined && { evalData: redact(evalData) },
    ...evalTrain !== undefined && { evalTrain: redact(evalTrain) },
  };
}

/**
 * The whole configuration: the preset's values, over them those of the places given, later ones first.
 *
 * @param layers Settings, such as a file's and then the flags'; what is undefined counts as left out.
 * @throws {ConfigError} When a setting cannot be used, or settings do not go together.
 */
export function resolveConfig(...layers: readonly Partial<RunConfig>[]): RunConfig {
  const given = checkSettings(joinLayers(layers), "settings");
  const preset: PresetName = given.preset ?? "demo";
  const named: RunConfig = { ...presetConfig(preset), ...given };
  const config: RunConfig = { ...named, ...followingSettings(preset, named), ...given };
  if (config.warmupEpochs > config.epochs) {
    throw new ConfigError(
      `warmupEpochs is ${config.warmupEpochs}, but epochs is only ${config.epochs}; ` +
        `add --warmup-epochs ${config.epochs / 10}, or take more epochs`,
    );
  }
  if (config.headLayers === 1 && config.headWidth !== presetConfig(preset).headWidth) {
    throw new ConfigError(
      "--head-width is the width of a head's hidden layers, but heads of one layer (--head-layers 1) have none; " +
        "add --head-layers 2 or more, or leave it out",
    );
  }
  const sharers = config.devices * config.nodes;
  if (config.batchSize % sharers !== 0) {
    const nearest = Math.max(1, Math.round(config.batchSize / sharers)) * sharers;
    throw new ConfigError(
      `batchSize is ${config.batchSize}, which ${sharers} devices cannot share evenly; ` +
        `use --batch-size ${nearest}, or another number of --devices`,
    );
  }
  if (config.gradientSums === "bfloat16" && config.precision !== "bfloat16") {
    throw new ConfigError("--gradient-sums bfloat16 needs --precision bfloat16: other gradients are float32");
  }
  if (config.shardOptimizer && config.optimizer === "muon") {
    throw new ConfigError(
      "--shard-optimizer divides AdamW's moments, but --optimizer muon works on whole matrices; leave one of them out",
    );
  }
  if (config.shardOptimizer && config.devices === 1) {
    throw new ConfigError(
      "--shard-optimizer divides the optimiser's state among the devices of a node, but --devices is 1; leave it out " +
        "(a resumed run: --no-shard-optimizer)",
    );
  }
  if (config.nodes > 1) checkNodes(config);
  checkEvaluation(config);
  const needy = config.attention === "cudnn"
    ? "attention cudnn"
    : config.residualPrecision === "bfloat16" && "residualPrecision bfloat16";
  if (needy && config.precision !== "bfloat16") {
    throw new ConfigError(`${needy} needs products in bfloat16; add --precision bfloat16`);
  }
  try {
    checkModel(config);
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause });
  }
  return config;
}

/**
 * Checks the settings of the evaluation while training.
 *
 * @throws {ConfigError} When they do not go together.
 */
function checkEvaluation({ evalData, evalTrain, evalLinear, evalTeacher, ema }: RunConfig): void {
  if (evalData === "" && (evalTrain !== "" || evalLinear || evalTeacher)) {
    const name = evalTrain !== "" ? "train" : evalLinear ? "linear" : "teacher";
    throw new ConfigError(`--eval-${name} needs --eval-data: labelled pictures whose class is asked for`);
  }
  if (evalLinear && evalTrain === "") {
    throw new ConfigError("--eval-linear needs --eval-train: pictures to learn from, apart from --eval-data");
  }
  if (evalTeacher && !ema) {
    throw new ConfigError("--eval-teacher looks at averaged parameters, which only a run with --ema has");
  }
}

/**
 * Checks the settings of a run on several nodes.
 *
 * @throws {ConfigError} When they do not go together.
 */
export function checkNodes({ nodes, nodeId, coordinator, process, engine }: RunConfig): void {
  if (nodeId >= nodes) {
    throw new ConfigError(`nodeId is ${nodeId}, but the ${nodes} nodes count from 0 to ${nodes - 1}`);
  }
  if (coordinator === "") {
    throw new ConfigError(
      `${nodes} nodes need --coordinator HOST:PORT: an address of node 0 that all of them reach`,
    );
  }
  if (process !== "") {
    throw new ConfigError(
      "--process names a part of the data, but --nodes gives each node its own; leave it out",
    );
  }
  if (engine !== "auto" && engine !== "xla") {
    throw new ConfigError(`engine ${engine} cannot train on several nodes; take engine xla`);
  }
}

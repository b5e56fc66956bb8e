/** The methods of `bench learn`, and what each is told. */
import { UsageError } from "../../src/cli/usage_error.ts";
import { isObject } from "../../src/files/json_values.ts";
import { checkSettings } from "../../src/train/config/config.ts";

/** Ours and its peers; `supervised` is the ceiling. */
export const METHODS = ["saae", "dino", "mae", "simclr", "supervised"] as const;

/** One of {@linkcode METHODS}. */
export type MethodName = typeof METHODS[number];

/** What is changed of a method's own settings: of `deno task train`, or of the peer's DEFAULTS (bench/peers/learn_*.py). */
export type MethodSettings = Readonly<Record<string, unknown>>;

/** Settings that say how much is learned, but not how long a step takes: their runs share a measured rate. */
const WITHOUT_TIME = new Set([
  ...["lr", "minLr", "warmup", "warmupEpochs", "weightDecay", "weightDecayEnd", "betas", "clip", "clipGrad"],
  ...["temperature", "studentTemperature", "teacherTemperature", "firstTeacherTemperature"],
  ...["temperatureWarmup", "momentum", "centreMomentum", "freezeLast", "smoothing", "normalisePixels"],
  ...[
    "scale",
    "ratio",
    "flip",
    "brightness",
    "contrast",
    "saturation",
    "hue",
    "cropScale",
    "cropRatio",
    "blurRadius",
  ],
  ...["reconstructionWeight", "classWeight", "patchWeight", "initPosition", "initLinear"],
]);

/** Text that is equal for equal settings, in whatever order they were written. */
export function settingsText(settings: MethodSettings): string {
  return JSON.stringify(Object.fromEntries(Object.entries(settings).sort(([a], [b]) => a < b ? -1 : 1)));
}

/** What a measured rate is of: a method, and those of its settings that change how long a step takes. */
export function rateKey(method: MethodName, settings: MethodSettings): string {
  const kept = Object.entries(settings).filter(([name]) => !WITHOUT_TIME.has(name));
  return `${method} ${settingsText(Object.fromEntries(kept))}`;
}

/** A name for a method with settings: short, for folders. */
export async function shortName(method: MethodName, settings: MethodSettings): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(settingsText(settings)));
  const letters = Array.from(
    new Uint8Array(digest).subarray(0, 4),
    (byte) => byte.toString(16).padStart(2, "0"),
  );
  return Object.keys(settings).length === 0 ? method : `${method}-${letters.join("")}`;
}

/** What `config` of a run would be, and is no setting of a method. */
const OWN = [
  "data",
  "out",
  "resume",
  "seed",
  "engine",
  "epochs",
  "steps",
  "keep",
  "imageSize",
  "patchSize",
  "preset",
];

/**
 * Checks what a file says of a method.
 *
 * @param where Named in errors.
 * @throws {UsageError} It is no object, or names what the benchmark itself decides.
 */
export function checkMethodSettings(method: MethodName, given: unknown, where: string): MethodSettings {
  if (!isObject(given)) {
    throw new UsageError(`${where}: ${method}: must be an object of settings, such as {"lr": 0.001}`);
  }
  const own = OWN.find((name) => Object.hasOwn(given, name));
  if (own) throw new UsageError(`${where}: ${method}: ${own} is decided by the benchmark`);
  if (method === "saae") checkSettings(given, `${where}: ${method}`);
  return given;
}

/** Settings by method: an object, or a list of them where `many`. */
function parse<T>(
  text: string,
  where: string,
  read: (method: MethodName, value: unknown) => T,
): Partial<Record<MethodName, T>> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${where}: is no JSON: ${(error as Error).message}`);
  }
  if (!isObject(given)) {
    throw new UsageError(`${where}: must hold an object whose keys are methods: ${METHODS.join(", ")}`);
  }
  const found: Partial<Record<MethodName, T>> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!(METHODS as readonly string[]).includes(name)) {
      throw new UsageError(`${where}: unknown method "${name}"; there are ${METHODS.join(", ")}`);
    }
    found[name as MethodName] = read(name as MethodName, value);
  }
  return found;
}

/**
 * Reads settings: `{"saae": {"lr": 0.01}, "mae": {"maskRatio": 0.6}}`.
 *
 * @throws {UsageError} They cannot be used; says which.
 */
export function parseSettings(text: string, where: string): Partial<Record<MethodName, MethodSettings>> {
  return parse(text, where, (method, value) => checkMethodSettings(method, value, where));
}

/**
 * Reads trials: `{"saae": [{}, {"lr": 0.01}], "mae": [{}, {"maskRatio": 0.6}]}`.
 *
 * @param methods Those that take part: each must have as many trials as the others.
 * @throws {UsageError} They cannot be used, or a method has more trials than another.
 */
export function parseTrials(
  text: string,
  where: string,
  methods: readonly MethodName[],
): Partial<Record<MethodName, MethodSettings[]>> {
  const all = parse(text, where, (method, value) => {
    if (!Array.isArray(value)) throw new UsageError(`${where}: ${method}: must be a list of settings`);
    const trials = value.map((one) => checkMethodSettings(method, one, where));
    const twice = trials.find((one, i) =>
      trials.findIndex((other) => settingsText(other) === settingsText(one)) < i
    );
    if (twice) {
      throw new UsageError(`${where}: ${method}: the trial ${settingsText(twice)} stands there twice`);
    }
    return trials;
  });
  const wanted = methods.map((method) => ({ method, count: all[method]?.length ?? 0 }));
  const none = wanted.find(({ count }) => count === 0);
  if (none) throw new UsageError(`${where}: has no trials for ${none.method}`);
  const other = wanted.find(({ count }) => count !== wanted[0].count);
  if (other) {
    throw new UsageError(
      `${where}: ${wanted[0].method} has ${wanted[0].count} trials and ${other.method} ${other.count}; ` +
        "a fair comparison tunes each equally often",
    );
  }
  return Object.fromEntries(methods.map((method) => [method, all[method]!]));
}

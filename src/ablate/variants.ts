/** What is compared: the method, and the method with one thing changed. */
import { UsageError } from "../cli/usage_error.ts";
import { decodeText } from "../data/io/foreign_text.ts";
import { isObject } from "../files/json_values.ts";
import { didYouMean } from "../text/nearest.ts";
import { checkSettings } from "../train/config/config.ts";
import type { RunConfig } from "../train/config/settings.ts";

/** One way to train that is compared with the others. */
export interface Variant {
  /** Its name, which the names of its run folders begin with. */
  name: string;
  /** What it is, as a part of a sentence. */
  does: string;
  /** Settings in which it differs from the whole method. */
  settings: Partial<RunConfig>;
}

/** What a variant's name may be: names of folders begin with it. */
export const VARIANT_NAME = /^[a-z0-9][a-z0-9-]{0,60}$/;

/** The method as the settings say. The others are compared with it. */
export const FULL = "full";

/** Cards of the reference's published run. */
const CARDS = 8;

/** A ready variant. Its settings may depend on those of the whole method. */
interface Ready {
  does: string;
  settings(full: RunConfig): Partial<RunConfig>;
}

const changed = (does: string, settings: Partial<RunConfig> = {}): Ready => ({
  does,
  settings: () => settings,
});

/** The ready variants by their names. */
export const VARIANTS: Readonly<Record<string, Ready>> = {
  [FULL]: changed("the method as the settings say"),
  "no-aligner": changed(
    "codes fill the canvas as they are, whatever the crop; the target is the whole picture, every cell of it, and patch " +
      "codes are contrasted with those of the same cell of the other view's own grid",
    { aligner: false },
  ),
  "same-view": changed(
    "the decoder gets the view's own grid and reconstructs the view itself, every cell of it; the contrasts stay",
    { reconstructionTarget: "view" },
  ),
  "reconstruction-only": changed("no contrasts", { classWeight: 0, patchWeight: 0 }),
  "contrast-only": changed("no reconstruction", { reconstructionWeight: 0 }),
  "shipped-flip": changed(
    "a flip mirrors a code's channels instead of the columns, as the reference's code does (docs/spec.md §10 D1)",
    { flipRule: "channels" },
  ),
  "eight-cards": {
    does:
      `both contrasts at 1/${CARDS} of their weights, the reference's effective weights on ${CARDS} cards (docs/spec.md §10 D4)`,
    settings: ({ classWeight, patchWeight }) => ({
      classWeight: classWeight / CARDS,
      patchWeight: patchWeight / CARDS,
    }),
  },
  "class-only": changed("the contrast of class tokens alone", { reconstructionWeight: 0, patchWeight: 0 }),
  "reconstruction-only-no-aligner": changed("no contrasts, and no aligner", {
    classWeight: 0,
    patchWeight: 0,
    aligner: false,
  }),
  "reconstruction-only-same-view": changed("no contrasts, and the target is the view", {
    classWeight: 0,
    patchWeight: 0,
    reconstructionTarget: "view",
  }),
};

/** What is compared where nothing else is said: the order of the paper. */
export const DEFAULT_VARIANTS: readonly string[] = [
  FULL,
  "no-aligner",
  "same-view",
  "reconstruction-only",
  "contrast-only",
  "shipped-flip",
  "eight-cards",
];

/** What stands beside the variants without being trained. */
export const BASELINES = ["random", "pixels"] as const;

/** A name of {@linkcode BASELINES}. */
export type Baseline = typeof BASELINES[number];

/**
 * What variants must not change: they would be other runs on other pictures, or runs of another length. The engine and the data
 * are opened once, for all of them.
 */
const COMMON: readonly (keyof RunConfig)[] = [
  "preset",
  "data",
  "out",
  "resume",
  "init",
  "seed",
  "epochs",
  "steps",
  "nodes",
  "nodeId",
  "coordinator",
  "process",
  "evalData",
  "evalTrain",
  "engine",
  "devices",
  "plugin",
  "memoryFraction",
  "preallocate",
  "labels",
];

/** The first of a variant's settings that must be the same for all; undefined where there is none. */
export function commonKey(settings: object): string | undefined {
  return COMMON.find((key) => Object.hasOwn(settings, key));
}

/**
 * Reads variants of the user's own: a JSON object with the settings of each by its name, such as
 * `{"wide-crops": {"cropScale": [0.2, 1]}}`.
 *
 * @throws {UsageError} When the file cannot be read or is of another form, a name is taken or no name, or a setting cannot
 * be used.
 */
export async function readVariants(path: string): Promise<Variant[]> {
  let found: unknown;
  try {
    found = JSON.parse(decodeText(await Deno.readFile(path)));
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "there is no such file" : (cause as Error).message;
    throw new UsageError(`${path}: the variants cannot be read: ${why}`, { cause });
  }
  if (!isObject(found) || Object.keys(found).length === 0) {
    throw new UsageError(`${path}: must hold a JSON object: the settings of each variant by its name`);
  }
  return Object.entries(found).map(([name, settings]) => {
    const where = `${path}: variant "${name}"`;
    if (!VARIANT_NAME.test(name)) {
      throw new UsageError(`${where}: a name has small letters, digits and hyphens, such as wide-crops`);
    }
    if (Object.hasOwn(VARIANTS, name) || BASELINES.includes(name as Baseline)) {
      throw new UsageError(`${where}: this name is taken; choose another`);
    }
    if (!isObject(settings)) throw new UsageError(`${where}: must be a JSON object of settings`);
    const common = commonKey(settings);
    if (common) throw new UsageError(`${where}: ${common} is the same for all variants; leave it out`);
    const given = checkSettings(settings, where);
    if (given.batchSize === 0) {
      throw new UsageError(
        `${where}: batchSize is 0, that is auto; give a number, or leave it out for that of all`,
      );
    }
    return { name, does: `with ${JSON.stringify(settings)}`, settings: given };
  });
}

/** What of a list of names is trained, and what is not. */
export interface Chosen {
  variants: Variant[];
  baselines: Baseline[];
}

/**
 * The variants and baselines that names stand for, each once, in their order.
 *
 * @param names Of {@linkcode VARIANTS}, {@linkcode BASELINES} and `own`.
 * @param full The settings of the whole method.
 * @param own Variants of the user's own.
 * @throws {UsageError} When a name stands for nothing, or none is trained.
 */
export function chooseVariants(
  names: readonly string[],
  full: RunConfig,
  own: readonly Variant[] = [],
): Chosen {
  const all = [...Object.keys(VARIANTS), ...own.map(({ name }) => name), ...BASELINES];
  const variants: Variant[] = [], baselines: Baseline[] = [];
  for (const name of new Set(names)) {
    const given = own.find((one) => one.name === name);
    if (given) variants.push(given);
    else if (Object.hasOwn(VARIANTS, name)) {
      const { does, settings } = VARIANTS[name];
      variants.push({ name, does, settings: settings(full) });
    } else if (BASELINES.includes(name as Baseline)) baselines.push(name as Baseline);
    else {
      const meant = didYouMean(name, all, (near) => near);
      throw new UsageError(`there is no variant "${name}"${meant || `; take some of ${all.join(", ")}`}`);
    }
  }
  if (variants.length === 0) throw new UsageError(`no variant is trained; add ${FULL}, for example`);
  return { variants, baselines };
}

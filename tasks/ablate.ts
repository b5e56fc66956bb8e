/** `deno task ablate`: trains the method and variants of it on the same pictures, and compares what they learn. */
import { join } from "node:path";
import { ablate, lockAblation, standing } from "../src/ablate/ablate.ts";
import { type AblationData, HOLDOUT, openAblationData } from "../src/ablate/data.ts";
import {
  commonSettings,
  epochPictures,
  fullConfig,
  PLAN_FILE,
  readPlan,
  refuseUsed,
  resumedPlan,
  runConfig,
  SHARED_KEYS,
  writePlan,
} from "../src/ablate/plan.ts";
import { ablationProgress } from "../src/ablate/progress.ts";
import { measureRate } from "../src/ablate/rate.ts";
import { formatAblation } from "../src/ablate/table.ts";
import type { AblationPlan, Budget } from "../src/ablate/types.ts";
import {
  BASELINES,
  chooseVariants,
  DEFAULT_VARIANTS,
  readVariants,
  VARIANTS,
} from "../src/ablate/variants.ts";
import { writeAblation } from "../src/ablate/write.ts";
import { type Options, task } from "../src/cli/command.ts";
import { SOURCES_HELP } from "../src/cli/data_options.ts";
import { choice, list, onOff, text, whole } from "../src/cli/kinds.ts";
import { start } from "../src/cli/run.ts";
import type { Shell } from "../src/cli/shell.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { prepareDemo } from "../src/demo/mod.ts";
import { openEngine } from "../src/engine/open.ts";
import type { Engine } from "../src/engine/types.ts";
import { readConfig } from "../src/train/config/config.ts";
import { SETTING_NOTES, SETTING_OPTIONS, settingsIn, shownSettings } from "../src/train/config/flags.ts";
import type { RunConfig } from "../src/train/config/settings.ts";
import { planSteps } from "../src/train/run/plan.ts";

/** Options that are the ablation's own. */
const OWN = {
  variants: {
    kind: list(text),
    help:
      "what is compared, by the names below; the first is usually full, which the others are compared with",
    value: "LIST",
    usually: [...DEFAULT_VARIANTS, ...BASELINES].join(","),
  },
  also: {
    kind: text,
    help:
      'variants of your own: a JSON object of settings by name, such as {"wide-crops": {"cropScale": [0.2, 1]}}',
    value: "FILE",
  },
  seeds: { kind: whole(1, 100), help: "seeds of each variant: --seed and those after it", usually: "3" },
  pictures: {
    kind: whole(1),
    help: "pictures of all runs together; each run gets an equal part",
    value: "N",
  },
  minutes: {
    kind: { kind: "number", above: 0 },
    help: "minutes of training of all runs together; they become pictures by a rate that is measured once",
    value: "X",
  },
  evalTrain: {
    kind: text,
    help: "labelled pictures that vote and that probes learn from",
    value: "URI",
    usually: "those of --data that are trained on",
  },
  evalData: {
    kind: text,
    help: "labelled pictures whose class is asked for",
    value: "URI",
    usually: "a part of --data, which is then not trained on",
  },
  holdout: {
    kind: { kind: "number", above: 0, below: 1 },
    help: "without --eval-data: that part, drawn at random, the same for all seeds",
    value: "SHARE",
    usually: String(HOLDOUT),
  },
  out: {
    kind: text,
    help: "folder of the ablation, with a run folder for each run",
    value: "FOLDER",
    usually: "runs/ablate",
  },
  resume: {
    kind: onOff,
    help: "go on with the ablation in --out; --seeds, --variants and --also may add runs of the same length",
  },
  table: {
    kind: choice("text", "markdown"),
    help: "how the table is printed",
    value: "NAME",
    default: "text",
  },
  json: { kind: onOff, help: "print the table and all results as JSON" },
} as const satisfies Options;

/** What was given of them. */
interface Given {
  variants?: string[];
  also?: string;
  seeds?: number;
  pictures?: number;
  minutes?: number;
  evalTrain?: string;
  evalData?: string;
  holdout?: number;
  out?: string;
  resume: boolean;
  table: "text" | "markdown";
  json: boolean;
}

/** A plan whose length is not known yet. */
type Begun =
  & Omit<AblationPlan, "pictures" | "budget" | "data">
  & Partial<Pick<AblationPlan, "pictures" | "budget" | "data">>;

/** What cannot be meant together. */
function checkGiven(given: Given, settings: Partial<RunConfig>): void {
  const { pictures, minutes, evalData, holdout, resume } = given;
  const lengths = Object.entries({ pictures, minutes, epochs: settings.epochs }).filter(([, value]) =>
    value !== undefined
  );
  if (lengths.length > 1) {
    throw new UsageError(
      `${lengths.map(([name]) => `--${name}`).join(" and ")} exclude each other: take one`,
    );
  }
  if (evalData !== undefined && holdout !== undefined) {
    throw new UsageError("--holdout draws queries from --data; with --eval-data leave it out");
  }
  if (resume && (pictures ?? minutes ?? holdout) !== undefined) {
    throw new UsageError(
      "--resume: each run's length and the queries stay as they were; leave --pictures, --minutes and --holdout out",
    );
  }
}

/** The seeds: the one of the settings and those after it. */
const seedsFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

/** Gallery and queries, as far as they are named. */
const wordsOf = ({ evalTrain, evalData }: Given): AblationPlan["words"] => ({
  ...evalTrain !== undefined && { evalTrain },
  ...evalData !== undefined && { evalData },
});

/** The plan of a new ablation, as far as it is known before the data is open. */
async function newPlan(given: Given, settings: Partial<RunConfig>): Promise<Begun> {
  const { variants = [...DEFAULT_VARIANTS, ...BASELINES], also, seeds = 3 } = given;
  const full = fullConfig({ given: settings }), own = also === undefined ? [] : await readVariants(also);
  const chosen = chooseVariants([...variants, ...own.map(({ name }) => name)], full, own);
  return {
    version: 1,
    given: settings,
    ...chosen,
    seeds: seedsFrom(full.seed, seeds),
    words: wordsOf(given),
  };
}

/** The plan of an ablation that goes on: as it was, and perhaps more runs of the same length. */
async function goOn(given: Given, settings: Partial<RunConfig>, out: string): Promise<AblationPlan> {
  const plan = resumedPlan(await readPlan(out), settings, wordsOf(given), join(out, PLAN_FILE)),
    full = fullConfig(plan);
  const { variants, also, seeds } = given, own = also === undefined ? [] : await readVariants(also);
  const known = new Set([...plan.variants.map(({ name }) => name), ...plan.baselines]);
  for (const { name, settings } of own) {
    const before = plan.variants.find((one) => one.name === name);
    if (before && JSON.stringify(before.settings) !== JSON.stringify(settings)) {
      throw new UsageError(
        `${also}: variant "${name}" was another one when the ablation began; choose another name`,
      );
    }
  }
  const names = [...variants ?? [], ...own.map(({ name }) => name)].filter((name) => !known.has(name));
  const more = names.length === 0
    ? { variants: [], baselines: [] }
    : chooseVariants([...names, plan.variants[0].name], full, [...own, ...plan.variants]);
  return {
    ...plan,
    variants: [...plan.variants, ...more.variants.filter(({ name }) => !known.has(name))],
    baselines: [...plan.baselines, ...more.baselines],
    seeds: seedsFrom(plan.seeds[0], Math.max(plan.seeds.length, seeds ?? 0)),
  };
}

/** Opens the pictures: those that are named, else the demo's. */
async function openPictures(
  { given: { data = "", labels }, words, holdout }: Begun,
  given: Given,
  say: (line: string) => void,
): Promise<AblationData> {
  const uris = { ...words, holdout: given.holdout ?? holdout, labels: labels || undefined };
  if (data !== "") return await openAblationData({ ...uris, data }, say);
  const { train, heldout } = await prepareDemo(say);
  return await openAblationData({ ...uris, data: train, evalData: uris.evalData ?? heldout }, say);
}

/** How many pictures each run sees. Null where the signal came while the rate was measured. */
async function lengthOf(
  plan: Begun,
  given: Given,
  { engine, data, out, signal, say }: {
    engine: () => Promise<Engine>;
    data: AblationData;
    out: string;
    signal: AbortSignal;
    say: (line: string) => void;
  },
): Promise<Pick<AblationPlan, "pictures" | "budget"> | null> {
  const full = fullConfig(plan),
    runs = plan.variants.length * plan.seeds.length,
    { pictures, minutes } = given;
  const part = (total: number, budget: Budget) => ({ pictures: Math.floor(total / runs), budget });
  if (pictures !== undefined) return part(pictures, { by: "pictures", total: pictures });
  if (minutes === undefined) return { pictures: epochPictures(full, data.train), budget: { by: "epochs" } };
  // Refused before an engine is opened.
  planSteps(full, data.train);
  say("measuring how many pictures a second are trained on");
  const rate = await measureRate(full, { engine: await engine(), data: data.train, out, minutes, signal });
  if (rate === null) return null;
  say(`${rate.toFixed(1)} pictures/s: ${minutes} minutes are ${Math.floor(60 * minutes * rate)} pictures`);
  return part(60 * minutes * rate, { by: "minutes", total: minutes, picturesPerSecond: rate });
}

/** Opens the engine that the settings name. */
function openFor(plan: Pick<AblationPlan, "given">, progress: (line: string) => void): Promise<Engine> {
  const config = fullConfig(plan);
  return openEngine(config.engine, {
    devices: config.devices,
    plugin: config.plugin || undefined,
    memoryFraction: config.memoryFraction || undefined,
    preallocate: config.preallocate === "auto" ? undefined : config.preallocate === "on",
    progress,
  });
}

/** Does the runs and prints the table. Gives the exit code. */
async function run(given: Given, settings: Partial<RunConfig>, shell: Shell): Promise<number> {
  const { progress, print } = shell, say = progress.line, out = given.out ?? join("runs", "ablate");
  checkGiven(given, settings);
  if (given.resume) await readPlan(out);
  else await refuseUsed(out);
  const begun: Begun = given.resume ? await goOn(given, settings, out) : await newPlan(given, settings);
  await using _lock = await lockAblation(out, say);
  const show = async (plan: AblationPlan) => {
    const { results } = await standing(plan, out), table = await writeAblation(plan, results, out);
    progress.close();
    print(given.json ? JSON.stringify({ out, ...table, results }) : formatAblation(table, given.table));
    say(`runs, table.md, table.json and report.html: ${out}`);
  };
  const isWhole = (plan: Begun): plan is AblationPlan => plan.pictures !== undefined;
  if (isWhole(begun) && (await standing(begun, out)).left.length === 0) {
    await show(begun);
    return 0;
  }
  const data = await openPictures(begun, given, say);
  const stop = shell.interruptible("finishing the step under way and writing a checkpoint"),
    { signal } = stop;
  let engine: Engine | undefined;
  const opened = async () => engine ??= await openFor(begun, say);
  try {
    const length = isWhole(begun)
      ? begun
      : await lengthOf(begun, given, { engine: opened, data, out, signal, say });
    if (length === null) return stop.code() || 1;
    const plan: AblationPlan = {
      ...begun,
      data: data.uris,
      ...data.holdout !== undefined && { holdout: data.holdout },
      pictures: length.pictures,
      budget: length.budget!,
    } as AblationPlan;
    for (const variant of plan.variants) runConfig(plan, variant, plan.seeds[0], data.train, out);
    await writePlan(out, plan);
    const about =
      `${plan.variants.length} variants × ${plan.seeds.length} seeds, ${plan.pictures} pictures each`;
    say(`${out}: ${about}`);
    const { stopped } = await ablate(plan, {
      engine: await opened(),
      data,
      out,
      progress: (about, first) => ablationProgress(progress, about, first),
      status: (text) => text === "" ? progress.close() : progress.status(() => text),
      signal,
    });
    if (!stopped) {
      await show(plan);
      return 0;
    }
    say(`stopped; to go on: deno task ablate --resume --out ${out}`);
    return stop.code() || 1;
  } finally {
    stop.close();
    await data.close();
    await engine?.close();
  }
}

const SHARED = Object.fromEntries(
  (["config", ...SHARED_KEYS] as const).map((key) => [key, SETTING_OPTIONS[key]]),
) as Options;

export const ablateTask = task({
  name: "ablate",
  summary:
    "Trains the method and variants of it on the same pictures with the same seeds, and compares what they have learned.",
  options: {
    ...OWN,
    ...SHARED,
    data: { ...SETTING_OPTIONS.data, help: `pictures to train on: ${SOURCES_HELP}; empty: the demo's` },
  },
  stray: "data",
  shown: shownSettings,
  notes: [
    "All settings of train are options and hold for every variant. Each run is a run folder; a seed gives all variants the " +
    "same pictures in the same order with the same crops, so that figures can be compared in pairs. Without --pictures, " +
    "--minutes or --epochs each run has the preset's epochs.",
    "Killed or stopped, it goes on with --resume, and does nothing twice.",
    ...SETTING_NOTES,
  ],
  examples: [
    [
      "ablate --data ./labelled --pictures 2000000",
      "the paper's order, three seeds, a fifth of the pictures as queries",
    ],
    [
      "ablate --data train.parquet --eval-data test.parquet --minutes 90 --image-size 32 --patch-size 4",
      "in 90 minutes",
    ],
    ["ablate --resume --out runs/ablate --seeds 5", "two seeds more"],
  ],
  tables: {
    Variants: {
      ...Object.fromEntries(Object.entries(VARIANTS).map(([name, { does }]) => [name, does])),
      random: "the random encoder that training begins with, for each seed; not trained",
      pixels: "pictures shrunk to about 8×8 and 16×16, each picture's mean taken off; not trained",
    },
  },
}, async (given, shell) => {
  const { config } = given as { config?: string };
  const file = config ? await readConfig(config) : {};
  const settings = commonSettings({ ...file, ...settingsIn(given as Record<string, unknown>) });
  return await run(given as unknown as Given, settings, shell);
});

if (import.meta.main) await start(ablateTask);

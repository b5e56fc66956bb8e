/** `deno task ablate`: trains the method and variants of it on the same pictures, and compares what they learn. */
import { join } from "node:path";
import { ablate, lockAblation, standing } from "../src/ablate/ablate.ts";
import { type AblationData, HOLDOUT, openAblationData, refuseOtherData } from "../src/ablate/data.ts";
import {
  type AblationWish,
  type BegunPlan,
  checkWish,
  type GivenSettings,
  newPlan,
  planBatch,
  planLength,
  resumePlan,
} from "../src/ablate/begin.ts";
import {
  commonSettings,
  fullConfig,
  OWN_SETTINGS,
  readPlan,
  refuseUsed,
  runConfig,
  SHARED_KEYS,
  writePlan,
} from "../src/ablate/plan.ts";
import { ablationProgress } from "../src/ablate/progress.ts";
import { ablationTable, formatAblation } from "../src/ablate/table.ts";
import type { AblationPlan } from "../src/ablate/types.ts";
import { BASELINES, DEFAULT_VARIANTS, VARIANTS } from "../src/ablate/variants.ts";
import { writeAblation } from "../src/ablate/write.ts";
import { flagName, type Options, task } from "../src/cli/command.ts";
import { configuredEngine } from "../src/cli/engine_options.ts";
import { SOURCES_HELP } from "../src/cli/data_options.ts";
import { choice, list, onOff, text, whole } from "../src/cli/kinds.ts";
import { start } from "../src/cli/run.ts";
import type { Shell } from "../src/cli/shell.ts";
import { prepareDemo } from "../src/demo/mod.ts";
import { openEngine } from "../src/engine/open.ts";
import type { Engine } from "../src/engine/types.ts";
import { shellWord } from "../src/text/layout.ts";
import { readConfig } from "../src/train/config/config.ts";
import { SETTING_NOTES, SETTING_OPTIONS, settingsIn, shownSettings } from "../src/train/config/flags.ts";

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
    help:
      "without --eval-data: that part of --data, drawn at random, the same for all seeds; the demo has its own",
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
interface Given extends AblationWish {
  out?: string;
  resume: boolean;
  table: "text" | "markdown";
  json: boolean;
}

/** Opens the pictures: those that are named, else the demo's. */
async function openPictures(
  { given: { data = "", labels }, words, holdout }: BegunPlan,
  given: Given,
  say: (line: string) => void,
): Promise<AblationData> {
  const uris = { ...words, holdout: given.holdout ?? holdout, labels: labels || undefined };
  if (data !== "") return await openAblationData({ ...uris, data }, say);
  const { train, heldout } = await prepareDemo(say);
  return await openAblationData({ ...uris, data: train, evalData: uris.evalData ?? heldout }, say);
}

/** Opens the engine that the settings name. */
function openFor(plan: Pick<AblationPlan, "given">, progress: (line: string) => void): Promise<Engine> {
  const config = fullConfig(plan);
  return openEngine(config.engine, { ...configuredEngine(config), progress });
}

/** Does the runs and prints the table. Gives the exit code. */
async function run(given: Given, settings: GivenSettings, shell: Shell): Promise<number> {
  const { progress, print } = shell, say = progress.line, out = given.out ?? join("runs", "ablate");
  checkWish(given, settings);
  if (given.resume) await readPlan(out);
  else await refuseUsed(out);
  let begun: BegunPlan = given.resume
    ? await resumePlan(given, settings, out)
    : await newPlan(given, settings);
  await using _lock = await lockAblation(out, say);
  const show = async (plan: AblationPlan) => {
    const { results } = await standing(plan, out), table = ablationTable(plan, results);
    progress.close();
    print(given.json ? JSON.stringify({ out, ...table, results }) : formatAblation(table, given.table));
    // Behind the table, which must be seen where the files cannot be written.
    await writeAblation(plan, results, table, out);
    say(`runs, table.md, table.json and report.html: ${out}`);
  };
  const isWhole = (plan: BegunPlan): plan is AblationPlan => plan.pictures !== undefined;
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
    // Before the plan is written, which says where the data lies.
    if (isWhole(begun)) refuseOtherData(data, (await standing(begun, out)).results, out);
    begun = await planBatch(begun, { engine: opened, data, say });
    const length = isWhole(begun)
      ? begun
      : await planLength(begun, given, { engine: opened, data, out, signal, say });
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
    const { variants, seeds, pictures } = plan;
    say(`${out}: ${variants.length} variants × ${seeds.length} seeds, ${pictures} pictures each`);
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
    say(`stopped; to go on: deno task ablate --resume --out ${shellWord(out)}`);
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

/** Options of train that are none here. */
const MISSING = OWN_SETTINGS.filter((key) => !(key in OWN)).map((key) => `--${flagName(key)}`).join(", ");

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
  // What a run leaves beside its figures is less than that of train.
  shown: (given) => ({ ...shownSettings(given), keep: 1, figures: false, logEvery: "at most 500 lines" }),
  notes: [
    `All settings of train are options and hold for every variant, except ${MISSING}; these are ignored where ` +
    "--config FILE has them. Each run is a run folder; a seed gives all variants the same pictures in the same order with " +
    "the same crops, so that figures can be compared in pairs. Without --pictures, --minutes or --epochs each run has the " +
    "epochs of that file or the preset.",
    "Killed or stopped, it goes on with --resume, and does nothing twice.",
    ...SETTING_NOTES,
  ],
  examples: [
    ["ablate --data ./labelled --pictures 2000000", "the paper's order, three seeds, a fifth as queries"],
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
  const file = commonSettings(config ? await readConfig(config) : {});
  const flags = commonSettings(settingsIn(given as Record<string, unknown>));
  return await run(given as unknown as Given, { file, flags }, shell);
});

if (import.meta.main) await start(ablateTask);

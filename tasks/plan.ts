/** `deno task plan`: what a training will take on graphics cards that are not here. */
import { task } from "../src/cli/command.ts";
import { SOURCES_HELP } from "../src/cli/data_options.ts";
import { choice, fits, onOff, readValue, text, whole } from "../src/cli/kinds.ts";
import { openOutput } from "../src/cli/output_file.ts";
import { start } from "../src/cli/run.ts";
import type { Shell } from "../src/cli/shell.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { closeData, dataLength } from "../src/data/open/data.ts";
import { openData } from "../src/data/open/open_data.ts";
import { type Card, CARDS } from "../src/plan/cards.ts";
import { findCompiler } from "../src/plan/compiler.ts";
import { NETWORKS } from "../src/plan/exchange.ts";
import { readCard } from "../src/plan/gpu_file.ts";
import { plan } from "../src/plan/plan.ts";
import { formatPlan, planJson } from "../src/plan/plan_text.ts";
import { didYouMean } from "../src/text/nearest.ts";
import { readConfig } from "../src/train/config/config.ts";
import { SETTING_NOTES, SETTING_OPTIONS, settingsIn, shownSettings } from "../src/train/config/flags.ts";
import type { RunConfig } from "../src/train/config/settings.ts";

/** Pictures of ImageNet's training set. */
const IMAGENET = 1_281_167;

/** The card that is meant. */
async function cardOf(gpu: string | undefined, file: string | undefined): Promise<Card> {
  const names = Object.keys(CARDS);
  if (file !== undefined) {
    if (gpu !== undefined) throw new UsageError("--gpu and --gpu-file both name a card; give one of them");
    return await readCard(file);
  }
  if (gpu === undefined) {
    throw new UsageError(`say for which card: --gpu NAME (one of ${names.join(", ")}), or --gpu-file FILE`);
  }
  if (Object.hasOwn(CARDS, gpu)) return CARDS[gpu];
  throw new UsageError(
    `--gpu is "${gpu}", but it must be one of ${
      names.join(", ")
    }, or --gpu-file must name XLA's description of the card${didYouMean(gpu, names, (near) => near)}`,
  );
}

/** The settings of the run that is planned; no batch where the largest is to be found. */
async function settingsOf(given: Readonly<Record<string, unknown>>): Promise<Partial<RunConfig>> {
  const { config, batchSize, ...others } = given as { config?: string; batchSize?: string };
  const file = config ? await readConfig(config) : {};
  const settings = { ...file, ...settingsIn(others) };
  // What is about the machine at hand says nothing of the one that is planned.
  delete settings.engine;
  // A configuration file may ask for what fits, too.
  if (batchSize === undefined) {
    return settings.batchSize === 0 ? { ...settings, batchSize: undefined } : settings;
  }
  if (batchSize === "auto") return { ...settings, batchSize: undefined };
  const kind = whole(1), size = readValue(kind, batchSize);
  if (!fits(kind, size)) {
    throw new UsageError(`--batch-size is "${batchSize}", but it must be a whole number from 1 up, or auto`);
  }
  return { ...settings, batchSize: size as number };
}

/** How many pictures an epoch has, and where that is known from. */
async function picturesOf(settings: Partial<RunConfig>, shell: Shell): Promise<number> {
  const { data, epochPictures, labels } = settings;
  if (!data) {
    if (epochPictures) return epochPictures;
    shell.progress.line(
      `for ImageNet's ${IMAGENET.toLocaleString("en-US")} pictures; --data or --epoch-pictures name others`,
    );
    return IMAGENET;
  }
  const opened = await openData(data, {
    labels: labels || undefined,
    classes: false,
    progress: shell.progress.line,
  });
  try {
    const length = dataLength(opened) ?? epochPictures;
    if (length) return length;
  } finally {
    await closeData(opened);
  }
  throw new UsageError(`${data} does not tell how many pictures it has: say it with --epoch-pictures N`);
}

export const planTask = task({
  name: "plan",
  summary:
    "Says what a training will take on graphics cards that are not here: memory, time, what feeds them.",
  options: {
    gpu: { kind: text, help: `the card: one of ${Object.keys(CARDS).join(", ")}`, value: "NAME" },
    gpuFile: {
      kind: text,
      help: "another card: XLA's description of it (GpuTargetConfigProto)",
      value: "FILE",
    },
    network: {
      kind: choice(...Object.keys(NETWORKS)),
      help: "what connects several nodes",
      default: "infiniband-400",
    },
    kernels: { kind: onOff, help: "list the compiled kernels by what they cost, by part of the model" },
    dump: { kind: text, help: "write the optimised program as XLA shows it", value: "FILE" },
    json: { kind: onOff, help: "print the plan as one line of JSON" },
    ...SETTING_OPTIONS,
    data: {
      ...SETTING_OPTIONS.data,
      help:
        `pictures, which are counted: ${SOURCES_HELP}; empty: as many as --epoch-pictures says, or ImageNet has`,
    },
    batchSize: {
      kind: text,
      help: "pictures in a step, of all cards; auto: the largest that fits, without and with --rematerialise",
      value: "N",
      usually: "auto",
      group: "Training",
    },
  },
  shown: shownSettings,
  notes: [
    "Compiles the real step for a described card and adds what its kernels cannot do without. It needs no card, but a " +
    "compiler, once: deno task engine install xla-cuda13-compiler. All times are lower bounds.",
    ...SETTING_NOTES,
  ],
  examples: [
    ["plan --gpu h100 --preset base --precision bfloat16", "the largest batch, its memory and its time"],
    [
      "plan --gpu a100-80 --devices 8 --preset small --batch-size 2048 --epochs 300",
      "eight cards, and hours",
    ],
    ["plan --gpu rtx-4090 --preset tiny --batch-size 256 --kernels", "where the time goes"],
  ],
}, async (given, shell) => {
  const card = await cardOf(given.gpu, given.gpuFile);
  const settings = await settingsOf(given);
  // Compiling takes minutes: a wrong path is told before.
  const dump = given.dump === undefined ? undefined : await openOutput(given.dump);
  const compiler = await findCompiler({ plugin: settings.plugin || undefined });
  const pictures = await picturesOf(settings, shell);
  const made = await plan({
    card,
    compiler,
    settings,
    network: NETWORKS[given.network],
    pictures,
    progress: shell.progress.line,
  });
  shell.print(
    given.json
      ? JSON.stringify(planJson(made))
      : formatPlan(made, { kernels: given.kernels ? 20 : undefined }),
  );
  await dump?.write(made.step.hlo);
});

if (import.meta.main) await start(planTask);

/**
 * `deno task eval RUN_OR_CHECKPOINT --data URI`: probes a trained encoder on labelled pictures.
 */
import { parseArgs } from "node:util";
import { collect } from "../src/data/open/collect.ts";
import { openData } from "../src/data/open/opened.ts";
import type { BadRecordError, Source } from "../src/data/types.ts";
import { evaluateDemo, formatTable, prepareDemo } from "../src/demo/mod.ts";
import { openEngine } from "../src/engine/open.ts";
import { type EngineName, ENGINES } from "../src/engine/types.ts";
import { readModel } from "../src/eval/stored_model.ts";
import { probe, splitSource } from "../src/eval/probe.ts";
import { formatProbe } from "../src/eval/table_text.ts";
import { type ModelPreset, PRESETS } from "../src/model/config.ts";
import { initModel } from "../src/model/init.ts";
import { ConfigError } from "../src/train/config/config.ts";

const HELP =
  `Probes a trained encoder on labelled pictures: weighted k nearest neighbours (votes exp(cos/.07)), top-1.

  deno task eval RUN_OR_CHECKPOINT [flags]

  RUN_OR_CHECKPOINT    a run folder (its last checkpoint), a checkpoint, or with --preset any safetensors file of weights

  --data URI           labelled pictures: folders named after their classes, LMDB shards, tar shards, Parquet,
                       coco:PATH, imagenet:PATH, http(s) URLs. Each picture is asked and all others vote, unless
                       --holdout says otherwise
  --labels FILE        class names, one a line, for tar shards and LMDBs whose classes are numbers
  --holdout SHARE      of --data, ask this share at random and let the others vote, such as 0.2 (default: leave one out;
                       with --linear 0.2)
  --train URI          pictures that vote, in place of --data
  --test URI           pictures that are asked, with --train
  --k LIST             numbers of votes (default 10,20,100,200, as many as there are pictures for)
  --linear             train a linear probe too, on the class tokens of the last four blocks
  --teacher            take the averaged parameters of a run made with --ema
  --preset NAME        weights from elsewhere: their sizes, one of ${Object.keys(PRESETS).join(", ")}
  --batch-size N       pictures embedded at once (default 64)
  --seed N             of --holdout's split (default 0)
  --engine NAME        auto, ${ENGINES.join(", ")} (default auto)
  --plugin PATH        a PJRT plugin for engine xla
  --memory-fraction F  largest share of a graphics card's memory that engine xla uses
  --preallocate WHEN   take that share at once: on or off
  --json               print the result as JSON
  --help               this text

Without pictures, a run on the demo is evaluated by the demo's table.
Pictures that cannot be read are named and left out; more than 1 % of them are an error.`;

/** The share of pictures that may be bad. */
const MAX_BAD = .01;

const OPTIONS = {
  data: { type: "string" },
  labels: { type: "string" },
  holdout: { type: "string" },
  train: { type: "string" },
  test: { type: "string" },
  k: { type: "string" },
  linear: { type: "boolean", default: false },
  teacher: { type: "boolean", default: false },
  preset: { type: "string" },
  "batch-size": { type: "string", default: "64" },
  seed: { type: "string", default: "0" },
  engine: { type: "string", default: "auto" },
  plugin: { type: "string" },
  "memory-fraction": { type: "string" },
  preallocate: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value < 2 ** 32) return value;
  throw new ConfigError(`--${flag}: "${text}" is no whole number from ${least} up`);
}

function share(flag: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new ConfigError(`--${flag}: "${text}" is no number above 0 and at most 1`);
}

function oneOf<T extends string>(flag: string, text: string, names: readonly T[]): T {
  const found = names.find((name) => name === text);
  if (found) return found;
  throw new ConfigError(`--${flag}: "${text}" is none of ${names.join(", ")}`);
}

function readArguments(args: string[]) {
  let parsed;
  try {
    parsed = parseArgs({ args, allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw new ConfigError(`${(error as Error).message.split(". ")[0]}; see --help`);
  }
  const { values, positionals } = parsed;
  if (values.help) return null;
  const { data, train, test } = values;
  if (positionals.length !== 1) throw new ConfigError("eval takes one run or checkpoint; see --help");
  if (data !== undefined && (train !== undefined || test !== undefined)) {
    throw new ConfigError("--data and --train/--test exclude each other: name one source, or two");
  }
  if ((train === undefined) !== (test === undefined)) {
    throw new ConfigError("--train and --test belong together; for one source take --data");
  }
  const holdout = values.holdout === undefined ? undefined : Number(values.holdout);
  if (holdout !== undefined && !(holdout > 0 && holdout < 1)) {
    throw new ConfigError(`--holdout: "${values.holdout}" is no number between 0 and 1`);
  }
  if (holdout !== undefined && data === undefined) {
    throw new ConfigError("--holdout splits --data, which is missing");
  }
  return {
    model: positionals[0],
    data,
    labels: values.labels,
    train,
    test,
    holdout: holdout ?? (values.linear ? .2 : undefined),
    k: values.k?.split(",").map((text) => wholeNumber("k", text.trim(), 1)),
    linear: values.linear,
    teacher: values.teacher,
    preset: values.preset === undefined
      ? undefined
      : oneOf("preset", values.preset, Object.keys(PRESETS) as ModelPreset[]),
    batchSize: wholeNumber("batch-size", values["batch-size"], 1),
    seed: wholeNumber("seed", values.seed, 0),
    engine: oneOf<EngineName | "auto">("engine", values.engine, ["auto", ...ENGINES]),
    plugin: values.plugin,
    memoryFraction: values["memory-fraction"] === undefined
      ? undefined
      : share("memory-fraction", values["memory-fraction"]),
    preallocate: values.preallocate === undefined
      ? undefined
      : oneOf("preallocate", values.preallocate, ["on", "off"]) === "on",
    json: values.json,
  };
}

/** What evaluates is said on the error output, so that the result can be piped. */
function openProgress() {
  const terminal = Deno.stderr.isTerminal(), encoder = new TextEncoder();
  let shown = performance.now(), open = false;
  const write = (text: string) => Deno.stderr.writeSync(encoder.encode(text));
  return {
    line(text: string) {
      write(`${open ? "\r\x1b[K" : ""}${text}\n`);
      open = false;
    },
    embedded(done: number, total: number) {
      const now = performance.now();
      if (done < total && now - shown < (terminal ? 100 : 10_000)) return;
      shown = now;
      open = terminal && done < total;
      write(
        terminal
          ? `\r\x1b[Kembedded ${done} of ${total}${open ? "" : "\n"}`
          : `embedded ${done} of ${total}\n`,
      );
    },
  };
}

/** Names bad pictures, the first few of them, and fails when there are too many. */
function badCounter(total: number, say: (line: string) => void) {
  let count = 0;
  return (bad: BadRecordError) => {
    if (++count <= 5) say(`left out: ${bad.message}`);
    if (count > Math.max(1, MAX_BAD * total)) {
      throw new Error(
        `${count} of ${total} pictures cannot be read, more than ${
          100 * MAX_BAD
        } %; the last: ${bad.message}`,
      );
    }
  };
}

async function main(): Promise<number> {
  const settings = readArguments(Deno.args);
  if (!settings) {
    console.log(HELP);
    return 0;
  }
  const progress = openProgress(), sources: Source[] = [];
  const open = async (uri: string) => {
    const source = await collect(await openData(uri, { labels: settings.labels }), {
      onBad: (bad) => progress.line(`left out: ${bad.message}`),
    });
    sources.push(source);
    return source;
  };
  // The model is read before an engine is opened, so that a wrong path is told at once.
  const model = await readModel(settings.model, settings);
  if (!settings.data && !settings.train && !model.demo) {
    throw new ConfigError("name labelled pictures: --data PATH, or --train and --test; see --help");
  }
  const { config, name, seed } = model;
  try {
    let pair: { train: Source; test?: Source } | undefined;
    if (settings.train) pair = { train: await open(settings.train), test: await open(settings.test!) };
    else if (settings.data) {
      const source = await open(settings.data);
      pair = settings.holdout ? splitSource(source, settings.holdout, settings.seed) : { train: source };
    }
    const { plugin, memoryFraction, preallocate } = settings;
    const engine = await openEngine(settings.engine, {
      plugin,
      memoryFraction,
      preallocate,
      progress: progress.line,
    });
    try {
      const state = await model.load();
      progress.line(`${name}, on ${engine.description}`);
      if (pair) {
        const total = pair.train.length + (pair.test?.length ?? 0);
        const report = await probe({
          engine,
          config,
          state,
          ...pair,
          k: settings.k,
          linear: settings.linear,
          batchSize: settings.batchSize,
          onBad: badCounter(total, progress.line),
          progress: progress.embedded,
        });
        console.log(settings.json ? JSON.stringify({ model: name, ...report }) : formatProbe(report));
        return 0;
      }
      const shards = await prepareDemo(progress.line);
      const random = initModel(config, seed);
      const table = await evaluateDemo({ engine, config, state, random, ...shards, progress: progress.line });
      console.log(settings.json ? JSON.stringify({ model: name, ...table }) : formatTable(table));
      return 0;
    } finally {
      await engine.close();
    }
  } finally {
    for (const source of sources) await source.close();
  }
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main();
  } catch (error) {
    // What went wrong outside is told in its own words; for a mistake of the program its place helps.
    const ours = error instanceof Error && !(error instanceof TypeError || error instanceof ReferenceError);
    console.error(ours ? `error: ${error.message}` : error);
    Deno.exitCode = error instanceof ConfigError ? 2 : 1;
  }
}

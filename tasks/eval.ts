/** `deno task eval MODEL --data URI`: probes a trained encoder on labelled pictures. */
import { task } from "../src/cli/command.ts";
import { badPictures, LABELS, SOURCES_HELP } from "../src/cli/data_options.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../src/cli/engine_options.ts";
import { list, onOff, text, whole } from "../src/cli/kinds.ts";
import { MODEL_CHOICE, MODEL_HELP } from "../src/cli/model_options.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { collect } from "../src/data/open/collect.ts";
import { describePassedOver } from "../src/data/sources/passed_over.ts";
import { openData } from "../src/data/open/open_data.ts";
import type { Source } from "../src/data/types.ts";
import { evaluateDemo, formatTable, prepareDemo } from "../src/demo/mod.ts";
import { openEngine } from "../src/engine/open.ts";
import { probe } from "../src/eval/probe.ts";
import { splitSource } from "../src/eval/split.ts";
import { readModel } from "../src/eval/stored_model.ts";
import { formatProbe } from "../src/eval/table_text.ts";
import { initModel } from "../src/model/init.ts";

/** What of the pictures is asked for does not go together. */
function checkSources(given: { data?: string; train?: string; test?: string; holdout?: number }): void {
  const { data, train, test, holdout } = given;
  if (data !== undefined && (train !== undefined || test !== undefined)) {
    throw new UsageError("--data and --train/--test exclude each other: name one source, or two");
  }
  if ((train === undefined) !== (test === undefined)) {
    throw new UsageError("--train and --test belong together; for one source take --data");
  }
  if (holdout !== undefined && data === undefined) {
    throw new UsageError("--holdout splits --data, which is missing");
  }
}

export const evalTask = task({
  name: "eval",
  summary:
    "Probes a trained encoder on labelled pictures: top-1 of weighted k nearest neighbours (votes exp(cos/.07)).",
  operands: {
    model: { value: "MODEL", help: MODEL_HELP },
  },
  options: {
    data: {
      kind: text,
      help:
        `labelled pictures: ${SOURCES_HELP}. Each picture is a query and all others its gallery, unless --holdout says otherwise`,
      value: "URI",
    },
    labels: LABELS,
    holdout: {
      kind: { kind: "number", above: 0, below: 1 },
      help: "the share of --data to draw at random as queries, such as 0.2; the rest is the gallery",
      value: "SHARE",
      usually: "leave one out; with --linear 0.2",
    },
    train: { kind: text, help: "the gallery: pictures that vote, instead of --data", value: "URI" },
    test: { kind: text, help: "the queries: pictures whose class is predicted, with --train", value: "URI" },
    k: {
      kind: list(whole(1)),
      help: "how many nearest neighbours vote: one figure for each k that the gallery has pictures for",
      usually: "10,20,100,200",
    },
    linear: { kind: onOff, help: "train a linear probe too, on the class tokens of the last four blocks" },
    ...MODEL_CHOICE,
    batchSize: { kind: whole(1), help: "pictures embedded at once", default: 64 },
    seed: { kind: whole(0, 2 ** 32 - 1), help: "determines --holdout's split", default: 0 },
    ...ENGINE_AND_MEMORY,
    json: { kind: onOff, help: "print the result as JSON" },
  },
  notes: [
    "Without pictures, a run on the demo gets the demo's table.",
    "Pictures that cannot be read are named and left out; more than 1 % of them are an error.",
  ],
  examples: [
    ["eval runs/mine --data ./labelled", "nearest neighbours, leaving one out"],
    ["eval runs/mine --train ./train --test ./test --linear", "and a linear probe"],
    ["eval dino_vits16.pth --data ./labelled", "weights that others have trained"],
  ],
}, async (given, { print, progress }) => {
  const { linear, holdout = linear ? 0.2 : undefined, json } = given;
  checkSources(given);
  const sources: Source[] = [];
  const open = async (uri: string, role: "train" | "test" = "train") => {
    const data = await openData(uri, {
      labels: given.labels,
      role,
      progress: progress.line,
    });
    const source = await collect(data, { onBad: (bad) => progress.line(`left out: ${bad.message}`) });
    const passedOver = describePassedOver(source.passedOver?.() ?? []);
    if (passedOver) progress.line(`${source.uri}: ${passedOver}`);
    sources.push(source);
    return source;
  };
  // The model is read before an engine is opened, so that a wrong path is told at once.
  const model = await readModel(given.model, given);
  model.notes.forEach(progress.line);
  if (!given.data && !given.train && !model.demo) {
    throw new UsageError("name labelled pictures: --data PATH, or --train and --test; see --help");
  }
  const { config, name, seed } = model;
  try {
    let pair: { train: Source; test?: Source } | undefined;
    if (given.train) pair = { train: await open(given.train), test: await open(given.test!, "test") };
    else if (given.data) {
      const source = await open(given.data);
      pair = holdout ? splitSource(source, holdout, given.seed) : { train: source };
    }
    const engine = await openEngine(...engineArguments(given, progress));
    try {
      const state = await model.load();
      progress.line(`${name}, on ${engine.description}`);
      if (pair) {
        const report = await probe({
          engine,
          config,
          state,
          ...pair,
          k: given.k,
          linear,
          batchSize: given.batchSize,
          onBad: badPictures(pair.train.length + (pair.test?.length ?? 0), progress),
          progress: (done, total) => progress.status(() => `embedded ${done} of ${total}`, done === total),
        });
        print(json ? JSON.stringify({ model: name, ...report }) : formatProbe(report));
        return;
      }
      const line = (text: string) => progress.line(text);
      const shards = await prepareDemo(line);
      const random = initModel(config, seed);
      const table = await evaluateDemo({ engine, config, state, random, ...shards, progress: line });
      print(json ? JSON.stringify({ model: name, ...table }) : formatTable(table));
    } finally {
      await engine.close();
    }
  } finally {
    for (const source of sources) await source.close();
  }
});

if (import.meta.main) await start(evalTask);

/** `deno task eval MODEL --data URI`: measures a trained encoder, or an embedding file, on labelled pictures. */
import { flagName, type Given, task } from "../src/cli/command.ts";
import { badPictures, LABELS, SOURCES_HELP } from "../src/cli/data_options.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../src/cli/engine_options.ts";
import { list, onOff, text, whole } from "../src/cli/kinds.ts";
import type { Lines } from "../src/cli/lines.ts";
import { MODEL_CHOICE, MODEL_HELP } from "../src/cli/model_options.ts";
import { start } from "../src/cli/run.ts";
import type { Shell } from "../src/cli/shell.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { collect } from "../src/data/open/collect.ts";
import { openData } from "../src/data/open/open_data.ts";
import { describePassedOver } from "../src/data/sources/passed_over.ts";
import type { Source } from "../src/data/types.ts";
import { evaluateDemo, formatTable, prepareDemo } from "../src/demo/mod.ts";
import { openEngine } from "../src/engine/open.ts";
import { isEmbedding } from "../src/eval/embedding/open.ts";
import { measure, type Measured, type MeasureOptions } from "../src/eval/measure.ts";
import { probe } from "../src/eval/probe.ts";
import { PROTOCOL_OPTIONS } from "../src/eval/protocols/options.ts";
import { formatMeasures } from "../src/eval/protocols/table.ts";
import { splitSource } from "../src/eval/split.ts";
import { readModel } from "../src/eval/stored_model.ts";
import { readSubset } from "../src/eval/subset.ts";
import { formatProbe } from "../src/eval/table_text.ts";
import { initModel } from "../src/model/init.ts";

const OPTIONS = {
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
  train: {
    kind: text,
    help:
      "the gallery: pictures that vote and that probes learn from, instead of --data; or their embedding file",
    value: "URI",
  },
  test: {
    kind: text,
    help: "the queries: pictures whose class is predicted, with --train; or their embedding file",
    value: "URI",
  },
  k: {
    kind: list(whole(1)),
    help: "how many nearest neighbours vote: one figure for each k that the gallery has pictures for",
    usually: "10,20,100,200",
  },
  linear: { kind: onOff, help: "train a linear probe too, on the class tokens of the last four blocks" },
  ...PROTOCOL_OPTIONS,
  ...MODEL_CHOICE,
  batchSize: { kind: whole(1), help: "pictures embedded at once", default: 64 },
  seed: { kind: whole(0, 2 ** 32 - 1), help: "determines splits, draws and probes", default: 0 },
  ...ENGINE_AND_MEMORY,
  json: { kind: onOff, help: "print the result as JSON" },
} as const;

/** What a command line of it gives. */
type EvalGiven = Given<{ model: { value: string; help: string } }, typeof OPTIONS>;

/** What of the pictures is asked for does not go together, where a model is measured. */
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

/** Opens labelled pictures by index, and says what was passed over. Sources are added to `opened`, to be closed. */
function opener(labels: string | undefined, progress: Lines, opened: Source[]) {
  return async (uri: string, role: "train" | "test" = "train") => {
    const data = await openData(uri, { labels, role, progress: progress.line });
    const source = await collect(data, { onBad: (bad) => progress.line(`left out: ${bad.message}`) });
    const passedOver = describePassedOver(source.passedOver?.() ?? []);
    if (passedOver) progress.line(`${source.uri}: ${passedOver}`);
    opened.push(source);
    return source;
  };
}

/** The embedding files among what was given. */
async function embeddingsAmong(
  given: Partial<Record<"model" | "data" | "train" | "test" | "validation", string>>,
) {
  const { model, data, train, test, validation } = given, files = new Set<string>();
  for (const path of [model, data, train, test, validation]) {
    if (path !== undefined && await isEmbedding(path)) files.add(path);
  }
  return files;
}

/** Which pictures are learned from and which are tested, by what was given. */
function roles(given: EvalGiven, files: ReadonlySet<string>) {
  const { model, data, train, test, protocol = ["knn"] } = given;
  if (files.has(model) && (data ?? train) !== undefined) {
    throw new UsageError(
      `${model}: an embedding file stands for --data and --train; name the queries by --test`,
    );
  }
  const from = files.has(model) ? model : train ?? data;
  if (from === undefined || (!files.has(model) && (train === undefined) !== (test === undefined))) {
    throw new UsageError("name labelled pictures: --data PATH, or --train and --test; see --help");
  }
  if (data !== undefined && train !== undefined) {
    throw new UsageError("--data and --train/--test exclude each other: name one source, or two");
  }
  if (given.holdout !== undefined && test !== undefined) {
    throw new UsageError("--holdout takes the queries from the one source; leave out --test");
  }
  const others = protocol.some((name) => name !== "knn");
  return {
    from,
    test,
    protocols: protocol,
    holdout: test === undefined && others ? given.holdout ?? 0.2 : given.holdout,
  };
}

/** Measures by named protocols. */
async function measured(
  given: EvalGiven,
  files: ReadonlySet<string>,
  { print, progress }: Pick<Shell, "print" | "progress">,
) {
  const { from, test, protocols, holdout } = roles(given, files), { validation, subset, n, pool, lr } = given;
  const sources: Source[] = [], open = opener(given.labels, progress, sources);
  const opened = async (uri: string, role: "train" | "test"): Promise<Measured> =>
    files.has(uri) ? uri : await open(uri, role);
  const names = subset === undefined ? undefined : await readSubset(subset);
  const model = files.has(given.model) ? undefined : await readModel(given.model, given);
  model?.notes.forEach(progress.line);
  try {
    const sets = {
      train: await opened(from, "train"),
      test: test === undefined ? undefined : await opened(test, "test"),
      validation: validation === undefined ? undefined : await opened(validation, "test"),
    };
    const engine = await openEngine(...engineArguments(given, progress));
    try {
      progress.line(`${model?.name ?? given.model}, on ${engine.description}`);
      const options: MeasureOptions = {
        engine,
        model: model && { name: model.name, config: model.config, state: await model.load() },
        ...sets,
        protocols,
        holdout,
        subset: names && { names, path: subset! },
        k: given.k,
        recipes: given.recipe,
        blocks: n,
        pool: pool === undefined ? undefined : [pool],
        lrs: lr,
        epochs: given.epochs,
        augment: given.augment,
        batchSize: given.probeBatch,
        shots: given.shots,
        tries: given.tries,
        seed: given.seed,
        embedBatch: given.batchSize,
        onBad: badPictures(sources.reduce((sum, { length }) => sum + length, 0), progress),
        embedded: (done, total) => progress.status(() => `embedded ${done} of ${total}`, done === total),
        progress: (text) => progress.status(() => text),
      };
      const report = await measure(options);
      progress.close();
      print(given.json ? JSON.stringify(report) : formatMeasures(report, given.table ?? "text"));
    } finally {
      await engine.close();
    }
  } finally {
    for (const source of sources) await source.close();
  }
}

export const evalTask = task({
  name: "eval",
  summary:
    "Measures a trained encoder on labelled pictures: weighted k nearest neighbours (votes exp(cos/.07)), or other protocols.",
  operands: {
    model: {
      value: "MODEL",
      help: `${MODEL_HELP}; or an embedding file of the training pictures (deno task embed)`,
    },
  },
  options: OPTIONS,
  notes: [
    "Without pictures, a run on the demo gets the demo's table.",
    "Pictures that cannot be read are named and left out; more than 1 % of them are an error.",
    "Protocols look at frozen features of pictures without augmentation. Each figure comes with an interval by bootstrap.",
  ],
  examples: [
    ["eval runs/mine --data ./labelled", "nearest neighbours, leaving one out"],
    ["eval runs/mine --train ./train --test ./test --linear", "and a linear probe"],
    ["eval dino_vits16.pth --data ./labelled", "weights that others have trained"],
    [
      "eval train.safetensors --test test.safetensors --protocol knn,linear,logreg --recipe saae,grid --table markdown",
      "embedding files, and a table",
    ],
  ],
}, async (given, { print, progress }) => {
  const { linear, json, protocol } = given;
  const files = await embeddingsAmong(given);
  if (linear && (protocol || files.size > 0)) {
    throw new UsageError("with protocols say --protocol knn,linear");
  }
  if (protocol || files.size > 0) return await measured(given, files, { print, progress });
  const other = Object.keys(PROTOCOL_OPTIONS).find((key) =>
    given[key as keyof typeof PROTOCOL_OPTIONS] !== undefined
  );
  if (other) throw new UsageError(`--${flagName(other)} belongs to --protocol, which is missing`);
  const sources: Source[] = [], open = opener(given.labels, progress, sources);
  const { holdout = linear ? 0.2 : undefined } = given;
  checkSources(given);
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

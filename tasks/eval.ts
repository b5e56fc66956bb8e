/** `deno task eval MODEL --data URI`: measures a trained encoder, or an embedding file, on labelled pictures. */
import { flagName, task } from "../src/cli/command.ts";
import { badPictures } from "../src/cli/data_options.ts";
import { engineArguments } from "../src/cli/engine_options.ts";
import { MODEL_HELP } from "../src/cli/model_options.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import type { Source } from "../src/data/types.ts";
import { evaluateDemo, formatTable, prepareDemo } from "../src/demo/mod.ts";
import { openEngine } from "../src/engine/open.ts";
import { probe } from "../src/eval/probe.ts";
import { PROTOCOL_OPTIONS } from "../src/eval/protocols/options.ts";
import { splitSource } from "../src/eval/split.ts";
import { readModel } from "../src/eval/stored_model.ts";
import { formatProbe } from "../src/eval/table_text.ts";
import { initModel } from "../src/model/init.ts";
import { checkSources, embeddingsAmong, opener, OPTIONS } from "./eval/given.ts";
import { measureByProtocols } from "./eval/protocols.ts";

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
    const [file] = files, why = protocol ? "--protocol is given" : `${file} is an embedding file`;
    throw new UsageError(`--linear: ${why}, so say --protocol knn,linear instead`);
  }
  if (protocol || files.size > 0) return await measureByProtocols(given, files, { print, progress });
  const other = Object.keys(PROTOCOL_OPTIONS).find((key) =>
    given[key as keyof typeof PROTOCOL_OPTIONS] !== undefined
  );
  if (other) throw new UsageError(`--${flagName(other)} belongs to --protocol, which is missing`);
  const sources: Source[] = [], open = opener(given.labels, progress, sources);
  const { holdout = linear ? 0.2 : undefined } = given;
  checkSources(given);
  const idle = linear ? "--linear" : given.k && "--k";
  if (idle && !given.data && !given.train) {
    throw new UsageError(`${idle} needs labelled pictures: --data PATH, or --train and --test; see --help`);
  }
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
          seed: given.seed,
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

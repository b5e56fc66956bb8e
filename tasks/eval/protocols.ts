/** `deno task eval --protocol …`: a trained encoder, or embedding files, measured by named protocols. */
import { badPictures } from "../../src/cli/data_options.ts";
import { engineArguments } from "../../src/cli/engine_options.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import type { Source } from "../../src/data/types.ts";
import { openEngine } from "../../src/engine/open.ts";
import { measure, type Measured, type MeasureOptions } from "../../src/eval/measure.ts";
import { formatMeasures } from "../../src/eval/protocols/table.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { readSubset } from "../../src/eval/subset.ts";
import { type EvalGiven, opener } from "./given.ts";

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
export async function measureByProtocols(
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

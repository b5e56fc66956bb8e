/** What `deno task eval` takes, and the pictures that are named by it. */
import type { Given } from "../../src/cli/command.ts";
import { LABELS, SOURCES_HELP } from "../../src/cli/data_options.ts";
import { ENGINE_AND_MEMORY } from "../../src/cli/engine_options.ts";
import { list, onOff, text, whole } from "../../src/cli/kinds.ts";
import type { Lines } from "../../src/cli/lines.ts";
import { MODEL_CHOICE } from "../../src/cli/model_options.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { collect } from "../../src/data/open/collect.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { describePassedOver } from "../../src/data/sources/passed_over.ts";
import type { Source } from "../../src/data/types.ts";
import { isEmbedding } from "../../src/eval/embedding/open.ts";
import { PROTOCOL_OPTIONS } from "../../src/eval/protocols/options.ts";

/** Its options. */
export const OPTIONS = {
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
export type EvalGiven = Given<{ model: { value: string; help: string } }, typeof OPTIONS>;

/** What of the pictures is asked for does not go together, where a model is measured. */
export function checkSources(
  given: { data?: string; train?: string; test?: string; holdout?: number },
): void {
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
export function opener(labels: string | undefined, progress: Lines, opened: Source[]) {
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
export async function embeddingsAmong(
  given: Partial<Record<"model" | "data" | "train" | "test" | "validation", string>>,
) {
  const { model, data, train, test, validation } = given, files = new Set<string>();
  for (const path of [model, data, train, test, validation]) {
    if (path !== undefined && await isEmbedding(path)) files.add(path);
  }
  return files;
}

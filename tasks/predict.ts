/** `deno task predict MODEL PICTURES…`: classes of pictures by a classifier that `deno task finetune` has trained. */
import { task } from "../src/cli/command.ts";
import { badPictures, LABELS, SOURCES_HELP } from "../src/cli/data_options.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../src/cli/engine_options.ts";
import { choice, onOff, text, whole } from "../src/cli/kinds.ts";
import { start } from "../src/cli/run.ts";
import type { Shell } from "../src/cli/shell.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import type { Source } from "../src/data/types.ts";
import { openEngine } from "../src/engine/open.ts";
import type { Engine } from "../src/engine/types.ts";
import { readClassifier, type StoredClassifier } from "../src/finetune/classifier_file.ts";
import { type TestPictures, testPictures } from "../src/finetune/evaluate.ts";
import { judge, type Judged } from "../src/finetune/measures.ts";
import { openLabelled } from "../src/finetune/open_labelled.ts";
import { openPictures } from "../src/finetune/open_pictures.ts";
import { type PredictOptions, predictPictures } from "../src/finetune/predict.ts";
import {
  formatReport,
  namedPrediction,
  PREDICTION_FORMS,
  type PredictionForm,
  predictionLines,
} from "../src/finetune/report_text.ts";

/** Lines that are printed at once. */
const TOGETHER = 256;

/** Refuses what would do nothing: some options are for pictures, some for the figures of `--data`. */
function checkGiven(
  { pictures = [], data, labels, top, format, json }: {
    pictures?: readonly string[];
    data?: string;
    labels?: string;
    top?: number;
    format?: PredictionForm;
    json: boolean;
  },
): void {
  if ((pictures.length === 0) === (data === undefined)) {
    throw new UsageError("name either pictures, or labelled ones with --data; see --help");
  }
  if (data !== undefined && (top ?? format) !== undefined) {
    throw new UsageError("--top and --format are for pictures that are named; with --data leave them out");
  }
  if (data === undefined && labels !== undefined) {
    throw new UsageError("--labels names the classes of --data, which is missing");
  }
  if (json && format !== undefined && format !== "jsonl") {
    throw new UsageError(`--json prints JSON, not ${format}: leave one of them out`);
  }
}

/** Says what each picture is. */
async function list(
  source: Source,
  { classes }: StoredClassifier,
  how: PredictOptions,
  { form, top, print, gone }: { form: PredictionForm; top: number } & Pick<Shell, "print" | "gone">,
): Promise<void> {
  let waiting: ReturnType<typeof namedPrediction>[] = [], first = true;
  const flush = () => {
    const lines = predictionLines(waiting, form);
    // The names of the columns stand once.
    const shown = first || form !== "csv" ? lines : lines.slice(1);
    if (shown.length > 0) print(shown.join("\n"));
    [waiting, first] = [[], false];
  };
  for await (const { key, probabilities } of predictPictures(source, how)) {
    waiting.push(namedPrediction(key, probabilities, classes, Math.min(top, classes.length)));
    if (waiting.length === TOGETHER) flush();
    if (gone()) return;
  }
  if (waiting.length > 0) flush();
}

/** Measures the classifier on labelled pictures. */
async function measured(
  { source, labels }: TestPictures,
  { classes, name }: StoredClassifier,
  how: PredictOptions,
  json: boolean,
  { print, progress }: Pick<Shell, "print" | "progress">,
): Promise<void> {
  const judged: Judged[] = [];
  for await (const { index, probabilities } of predictPictures(source, how)) {
    judged.push({ label: labels[index], probabilities });
    progress.status(() => `classified ${judged.length} of ${labels.length}`, judged.length === labels.length);
  }
  const report = judge(judged, classes);
  print(json ? JSON.stringify({ model: name, data: source.uri, ...report }) : formatReport(report));
}

export const predictTask = task({
  name: "predict",
  summary:
    "Says of which class pictures are, by a classifier that finetune has trained; with --data measures it.",
  operands: {
    model: { value: "MODEL", help: "a run folder of finetune (its last checkpoint), or a checkpoint in it" },
    pictures: { value: "PICTURE", help: `pictures' files, or ${SOURCES_HELP}`, optional: true, many: true },
  },
  options: {
    data: {
      kind: text,
      help:
        "labelled pictures: print accuracy, a table of the classes, the confusion matrix and the calibration",
      value: "URI",
    },
    labels: LABELS,
    best: { kind: onOff, help: "take the state that was best on the run's --eval-data, not the last one" },
    teacher: { kind: onOff, help: "take the averaged parameters of a run with --ema" },
    top: { kind: whole(1), help: "how many classes of each picture are named", usually: "1" },
    format: { kind: choice(...PREDICTION_FORMS), help: "how predictions are printed", usually: "table" },
    batchSize: { kind: whole(1), help: "pictures classified at once", default: 64 },
    ...ENGINE_AND_MEMORY,
    json: { kind: onOff, help: "print the figures of --data as JSON, or predictions as JSON lines" },
  },
  notes: ["Pictures that cannot be read are named and left out; more than 1 % of them are an error."],
  examples: [
    ["predict runs/finetune-demo cat.jpg dog.jpg", "two pictures"],
    ["predict runs/finetune-demo ./photos --top 5 --format csv", "a folder, as CSV"],
    ["predict runs/finetune-demo --data ./test --best", "accuracy, confusion matrix, calibration"],
  ],
}, async (given, { print, gone, progress }) => {
  checkGiven(given);
  const { model, pictures = [], data, labels = "", top = 1, json } = given, opened: Source[] = [];
  // The model is read before an engine is opened, so that a wrong path is told at once.
  const classifier = await readClassifier(model, given);
  let engine: Engine | undefined;
  try {
    let test: TestPictures | undefined;
    if (data !== undefined) {
      const found = await openLabelled(data, { labels, role: "test", progress });
      opened.push(found.source);
      test = testPictures(found, classifier.classes, classifier.path);
      test.notes.forEach((note) => progress.line(`${data}: ${note}`));
    } else opened.push(await openPictures(pictures, progress));
    engine = await openEngine(...engineArguments(given, progress));
    progress.line(`${classifier.name}, on ${engine.description}`);
    const { config, settings: { evalShare } } = classifier, source = test?.source ?? opened[0];
    const onBad = badPictures(source.length, progress);
    const how = { engine, config, params: classifier.load(), evalShare, batchSize: given.batchSize, onBad };
    const form = json ? "jsonl" : given.format ?? "table";
    if (test) await measured(test, classifier, how, json, { print, progress });
    else await list(source, classifier, how, { form, top, print, gone });
  } finally {
    await engine?.close();
    for (const source of opened) await source.close();
  }
});

if (import.meta.main) await start(predictTask);

/** `deno task detect eval MODEL --data URI`: measures a detector as COCO does. */
import { task } from "../../src/cli/command.ts";
import { badPictures } from "../../src/cli/data_options.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../../src/cli/engine_options.ts";
import { onOff, text, whole } from "../../src/cli/kinds.ts";
import { openOutput, refuseInputs } from "../../src/cli/output_file.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { openAnnotated } from "../../src/detect/annotated.ts";
import { finder } from "../../src/detect/candidates.ts";
import { readDetector } from "../../src/detect/detector_file.ts";
import { measureDetector } from "../../src/detect/evaluate.ts";
import { resultsJson } from "../../src/detect/text.ts";
import { testObjects } from "../../src/detect/truth.ts";
import { openEngine } from "../../src/engine/open.ts";
import type { Engine } from "../../src/engine/types.ts";

export const detectEvalTask = task({
  name: "detect eval",
  summary: "Measures a detector by COCO's average precision, equal to pycocotools'.",
  operands: {
    model: {
      value: "MODEL",
      help: "a run folder of detect train (its last checkpoint), or a checkpoint in it",
    },
  },
  options: {
    data: {
      kind: text,
      help: "pictures with boxes, such as coco:./coco/val2017; all of them count, those without objects too",
      value: "URI",
    },
    out: { kind: text, help: "also write what was found, in the layout of COCO's results", value: "FILE" },
    best: { kind: onOff, help: "take the state that was best on the run's --eval-data, not the last one" },
    teacher: { kind: onOff, help: "take the averaged parameters of a run with --ema" },
    batchSize: { kind: whole(1), help: "pictures looked at at once", default: 16 },
    ...ENGINE_AND_MEMORY,
    json: { kind: onOff, help: "print the figures as JSON" },
  },
  notes: [
    "Prints pycocotools' twelve lines and a table by category, in per cent. Classes are matched by name; objects of classes that " +
    "the detector does not know count as not found.",
    "Pictures that cannot be read are named, and nothing is found in them; more than 1 % of them are an error.",
  ],
  examples: [
    ["detect eval runs/detect-demo --data coco:./coco/val2017", "COCO's table"],
    [
      "detect eval runs/detect-demo --data coco:./coco/val2017 --best --out boxes.json",
      "and the boxes themselves",
    ],
  ],
}, async (given, { print, progress }) => {
  const { model, data, out, json, batchSize } = given;
  if (data === undefined) {
    throw new UsageError("name the pictures with boxes that it is measured on: --data URI");
  }
  // Before work begins: a wrong path is told at once.
  const detector = await readDetector(model, given),
    file = out === undefined ? undefined : await openOutput(out);
  const source = await openAnnotated(data, "test", progress);
  let engine: Engine | undefined;
  try {
    if (out !== undefined) await refuseInputs(out, [source.annotations?.file]);
    const test = await testObjects(source, detector.classes, detector.path);
    test.notes.forEach((note) => progress.line(`${data}: ${note}`));
    engine = await openEngine(...engineArguments(given, progress));
    progress.line(`${detector.name}, on ${engine.description}`);
    const { config } = detector, { length } = source, prepared = finder(engine, config, batchSize);
    let seen = 0;
    const onFound = () => progress.status(() => `looked at ${seen} of ${length} pictures`, ++seen === length);
    const how = { imageSize: config.imageSize, batchSize, onBad: badPictures(length, progress), onFound };
    const { report, text, results } = await measureDetector(prepared, detector.load(), test, how);
    prepared.close();
    for (const note of report.notes) progress.line(`note: ${note}`);
    print(json ? JSON.stringify({ model: detector.name, data: source.uri, ...report }) : text);
    // Behind the figures, which must not be lost where the boxes cannot be written.
    await file?.write(resultsJson(results) + "\n");
    if (file && !test.idsOfFile) {
      progress.line(
        `note: ${out} numbers pictures from 1 in the order of ${data}, and its classes from 1; the ids of a file of annotations ` +
          "are others",
      );
    }
  } finally {
    await engine?.close();
    await source.close();
  }
});

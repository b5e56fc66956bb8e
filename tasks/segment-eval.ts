/** `deno task segment-eval MODEL --train DIR --test DIR`: measures dense features on pictures with masks. */
import { task } from "../src/cli/command.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../src/cli/engine_options.ts";
import { number, onOff, text, whole } from "../src/cli/kinds.ts";
import { MODEL_CHOICE, MODEL_HELP } from "../src/cli/model_options.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { openEngine } from "../src/engine/open.ts";
import { maskedFiles } from "../src/eval/segmentation/masked_files.ts";
import { segmentationProbe, type SegmentationReport } from "../src/eval/segmentation/probe.ts";
import { readModel } from "../src/eval/stored_model.ts";
import { percent } from "../src/text/amounts.ts";
import { alignCells } from "../src/text/table.ts";
import { splitFiles } from "../src/eval/segmentation/split.ts";

/** The figures as lines of text. */
function formatSegmentation({ miou, accuracy, classes, train, test }: SegmentationReport): string {
  const total = classes.reduce((sum, { pixels }) => sum + pixels, 0);
  const rows = classes.map((
    { name, pixels, iou },
  ) => [name, percent(pixels, total), iou === null ? "–" : percent(iou)]);
  return [
    `mIoU ${percent(miou)}, pixels ${percent(accuracy)} right: ${test} pictures, learned from ${train}`,
    "",
    ...alignCells([["class", "pixels", "IoU"], ...rows], 1),
  ].join("\n");
}

export const segmentEvalTask = task({
  name: "segment-eval",
  summary: "Measures an encoder's patch tokens: a linear layer on them tells the class of each pixel (mIoU).",
  operands: { model: { value: "MODEL", help: MODEL_HELP } },
  options: {
    train: {
      kind: text,
      help:
        "a folder with images/ and masks/ to learn from: files of the same names, each colour of a mask a class, white does not count",
      value: "DIR",
    },
    test: {
      kind: text,
      help: "another such folder, to be measured on",
      value: "DIR",
      usually: "a fifth of --train",
    },
    ...MODEL_CHOICE,
    epochs: { kind: whole(1), help: "passes over the patches", default: 20 },
    lr: { kind: number(), help: "learning rate for 256 patches a step", default: 0.01 },
    batchSize: { kind: whole(1), help: "patches in a step", default: 1024 },
    seed: { kind: whole(0, 2 ** 32 - 1), help: "determines first weights, orders and the split", default: 0 },
    ...ENGINE_AND_MEMORY,
    json: { kind: onOff, help: "print the figures as JSON" },
  },
  examples: [
    ["segment-eval runs/mine --train ./drawn", "learned from four fifths of a folder"],
    [
      "segment-eval dino_vits16.pth --train ./train --test ./val --image-size 448",
      "others' weights, larger pictures",
    ],
  ],
}, async (given, { print, progress }) => {
  const { train: folder, test: other, epochs, lr, batchSize, seed, json } = given;
  if (folder === undefined) throw new UsageError("name the pictures with masks: --train DIR");
  const all = await maskedFiles(folder);
  const { train, test } = other === undefined
    ? splitFiles(all, 0.2, seed, folder)
    : { train: all, test: await maskedFiles(other) };
  const model = await readModel(given.model, given);
  model.notes.forEach(progress.line);
  const engine = await openEngine(...engineArguments(given, progress));
  try {
    progress.line(`${model.name}, on ${engine.description}`);
    const report = await segmentationProbe({
      ...{
        engine,
        config: model.config,
        state: await model.load(),
        train,
        test,
        epochs,
        lr,
        batchSize,
        seed,
      },
      progress: (text) => progress.status(() => text),
    });
    progress.close();
    print(json ? JSON.stringify({ model: model.name, ...report }) : formatSegmentation(report));
  } finally {
    await engine.close();
  }
});

if (import.meta.main) await start(segmentEvalTask);

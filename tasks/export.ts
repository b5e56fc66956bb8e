/** `deno task export MODEL DIR --to FORMAT`: takes a model to other programs. */
import { flagName, task } from "../src/cli/command.ts";
import { choice, onOff } from "../src/cli/kinds.ts";
import { MODEL_CHOICE, MODEL_HELP } from "../src/cli/model_options.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { readModel } from "../src/eval/stored_model.ts";
import { isClassifier, readClassifier } from "../src/finetune/classifier_file.ts";
import { exportedClassifier } from "../src/finetune/export.ts";
import { binaryBytes } from "../src/text/amounts.ts";
import { exportModel } from "../src/weights/export/export.ts";
import { EXPORT_FORMATS, type ExportFormat } from "../src/weights/export/formats.ts";

const FORMATS = Object.keys(EXPORT_FORMATS) as ExportFormat[];

export const exportTask = task({
  name: "export",
  summary:
    "Takes a trained encoder or classifier to other programs: weights, what these need to know, and a model card.",
  operands: {
    model: { value: "MODEL", help: `${MODEL_HELP}; or a run of finetune` },
    dest: { value: "DIR", help: "a folder that must not exist" },
  },
  options: {
    to: {
      kind: choice(...FORMATS),
      help: FORMATS.map((name) => `${name}: ${EXPORT_FORMATS[name]}`).join("; "),
      value: "FORMAT",
    },
    ...MODEL_CHOICE,
    best: { kind: onOff, help: "of a run of finetune, the state that was best on its --eval-data" },
  },
  notes: [
    "Features of the exported model equal ours from the same pixels. DIR/README.md says how to load it and how pictures have " +
    "to be resized and normalised.",
  ],
  examples: [
    ["export runs/mine ./mine-hf --to hf", "for transformers in Python and JavaScript"],
    ["export runs/mine ./mine-timm --to timm", "for timm"],
    ["export runs/finetune-demo ./birds --to onnx --best", "a classifier"],
    ["export dino_vits16.pth ./dino-onnx --to onnx --image-size 448", "others' weights, for larger pictures"],
  ],
}, async ({ model: path, dest, to, ...choice }, { print, progress, interruptible }) => {
  if (to === undefined) throw new UsageError(`say what to export to: --to ${FORMATS.join(", --to ")}`);
  const classifies = await isClassifier(path);
  if (!classifies && choice.best) {
    throw new UsageError(`--best is for runs of finetune, which ${path} is not`);
  }
  const other = (["key", "preset", "heads", "imageSize"] as const).find((key) => choice[key] !== undefined);
  if (classifies && other) {
    throw new UsageError(`${path}: is a classifier, which takes no --${flagName(other)}`);
  }
  const model = classifies
    ? exportedClassifier(await readClassifier(path, choice))
    : await readModel(path, choice);
  model.notes.forEach(progress.line);
  const { signal } = interruptible("nothing is written");
  const files = await exportModel(model, dest, { to, signal });
  print(`${dest}: ${model.name}`);
  for (const { name, bytes } of files) print(`  ${name.padEnd(26)} ${binaryBytes(bytes)}`);
});

if (import.meta.main) await start(exportTask);

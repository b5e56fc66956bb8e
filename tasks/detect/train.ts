/** `deno task detect train MODEL --data URI`: trains a detector on an encoder. */
import { task } from "../../src/cli/command.ts";
import {
  type AnnotatedSource,
  openAnnotated,
  type TrainingPictures,
  trainingPictures,
} from "../../src/detect/annotated.ts";
import {
  DETECT_OPTIONS,
  detectorConfig,
  detectSettingsIn,
  readDetectConfig,
  resolveDetectConfig,
  resumedDetectConfig,
} from "../../src/detect/config.ts";
import { detectPreset } from "../../src/detect/presets.ts";
import type { DetectConfig, DetectPreset } from "../../src/detect/settings.ts";
import { trainDetector } from "../../src/detect/train.ts";
import { type TestObjects, testObjects } from "../../src/detect/truth.ts";
import { type Beginning, beginOnEncoder } from "../../src/finetune/begin.ts";
import { shellWord } from "../../src/text/layout.ts";
import {
  CONFIG_FILE,
  type DownstreamCommand,
  ENCODER,
  LAYERS_NOTE,
  RESULT_JSON,
  runDownstreamCommand,
} from "../../src/train/downstream_command.ts";
import { runProgress } from "../../src/train/show/progress.ts";

/** How a detector's training begins. */
const BEGINNING: Beginning<DetectConfig> = {
  resolve: resolveDetectConfig,
  resumed: resumedDetectConfig,
  model: detectorConfig,
  // The encoder is read for canvases of the run's size.
  imageSize: ({ imageSize, preset = "demo" }) => imageSize ?? detectPreset(preset).imageSize,
  pictures: "the pictures with boxes",
};

/** Average precision in per cent, as COCO's table has it. */
const percent = (share: number) => (100 * share).toFixed(1);

/** What the command does that other trainings on an encoder do not. */
const COMMAND: DownstreamCommand<DetectConfig, { source: AnnotatedSource }, TrainingPictures, TestObjects> = {
  name: "detect train",
  open: async (uri, role, _config, lines) => ({ source: await openAnnotated(uri, role, lines) }),
  pictures: ({ source }) => trainingPictures(source),
  test: (opened, { names, source }) => testObjects(opened.source, names, source.uri),
  train: trainDetector,
  result: ({ "test AP": ap, "test AP50": ap50 }, { evalData, out }) => [
    ...ap === undefined ? [] : [`AP ${percent(ap)}, AP50 ${percent(ap50)} on ${evalData}`],
    `find objects: deno task detect predict ${shellWord(out)} PICTURE…`,
  ],
};

export const detectTrainTask = task({
  name: "detect train",
  summary: "Trains a detector: an encoder with a feature pyramid and FCOS's head, on pictures with boxes.",
  operands: { model: ENCODER },
  options: { config: CONFIG_FILE, ...DETECT_OPTIONS, json: RESULT_JSON },
  shown: (given) => ({ ...detectPreset((given.preset ?? "demo") as DetectPreset) }),
  notes: [
    `${LAYERS_NOTE}, but for the pictures' size, for which its positions are resized.`,
  ],
  examples: [
    [
      "detect train runs/mine --data coco:./coco/train2017 --eval-data coco:./coco/val2017",
      "from a run of this program",
    ],
    [
      "detect train mae_vit_base.pth --data coco:./coco/train2017 --preset base --image-size 384",
      "MAE's weights, larger canvases",
    ],
    [
      "detect train runs/mine --from-scratch --data coco:./mine/train",
      "the control: the same model without its weights",
    ],
    ["detect train runs/mine --data coco:./mine/train --freeze 12", "the encoder frozen"],
    ["detect train --resume --out runs/detect-demo", "continues a run that was stopped or killed"],
  ],
}, async (given, shell) => {
  const { config } = given as { config?: string };
  const file = config ? await readDetectConfig(config) : {}, progress = runProgress(shell.progress);
  const begun = await beginOnEncoder(BEGINNING, file, detectSettingsIn(given), progress.line);
  const run = { config: begun.config, from: begun.encoder?.tensors, json: given.json === true };
  return await runDownstreamCommand(COMMAND, { ...run, shell, progress });
});

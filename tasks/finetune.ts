/** `deno task finetune MODEL --data URI`: trains a classifier on an encoder. */
import { task } from "../src/cli/command.ts";
import { start } from "../src/cli/run.ts";
import { type Beginning, beginOnEncoder } from "../src/finetune/begin.ts";
import { withinBudget } from "../src/finetune/budget.ts";
import {
  classifierConfig,
  FINETUNE_OPTIONS,
  finetuneSettingsIn,
  readFinetuneConfig,
  resolveFinetuneConfig,
  resumedFinetuneConfig,
} from "../src/finetune/config.ts";
import { type TestPictures, testPictures } from "../src/finetune/evaluate.ts";
import { finetune } from "../src/finetune/finetune.ts";
import type { LabelledPictures } from "../src/finetune/labelled.ts";
import { openLabelled } from "../src/finetune/open_labelled.ts";
import { finetunePreset } from "../src/finetune/presets.ts";
import type { FinetuneConfig, FinetunePreset } from "../src/finetune/settings.ts";
import { percent } from "../src/text/amounts.ts";
import { shellWord } from "../src/text/layout.ts";
import {
  CONFIG_FILE,
  type DownstreamCommand,
  ENCODER,
  LAYERS_NOTE,
  RESULT_JSON,
  runDownstreamCommand,
} from "../src/train/downstream_command.ts";
import { runProgress } from "../src/train/show/progress.ts";

/** How a fine-tuning begins. */
const BEGINNING: Beginning<FinetuneConfig> = {
  resolve: resolveFinetuneConfig,
  resumed: resumedFinetuneConfig,
  model: classifierConfig,
  imageSize: ({ imageSize }) => imageSize,
  pictures: "the labelled pictures",
};

/** What the command does that other trainings on an encoder do not. */
const COMMAND: DownstreamCommand<FinetuneConfig, LabelledPictures, LabelledPictures, TestPictures> = {
  name: "finetune",
  open: (uri, role, { labels }, progress) => openLabelled(uri, { labels, role, progress }),
  pictures: async (whole, config, say) => {
    const { pictures, notes } = await withinBudget(whole, config, config.seed);
    notes.forEach(say);
    return pictures;
  },
  test: (opened, { names, source }) => testPictures(opened, names, source.uri),
  train: finetune,
  result: ({ "test top1": top1, "test top5": top5 }, { evalData, out }) => [
    ...top1 === undefined ? [] : [`top-1 ${percent(top1)}, top-5 ${percent(top5)} on ${evalData}`],
    `classify pictures: deno task predict ${shellWord(out)} PICTURE…`,
  ],
};

export const finetuneTask = task({
  name: "finetune",
  summary: "Trains a classifier: an encoder with a head on labelled pictures, by MAE's recipe.",
  operands: { model: ENCODER },
  options: { config: CONFIG_FILE, ...FINETUNE_OPTIONS, json: RESULT_JSON },
  shown: (given) => ({ ...finetunePreset((given.preset ?? "demo") as FinetunePreset) }),
  notes: [
    `${LAYERS_NOTE}.`,
    "One budget of labels can be given: --subset, --per-class or --share.",
  ],
  examples: [
    ["finetune runs/mine --data ./train --eval-data ./test", "from a run of this program"],
    [
      "finetune mae_vit_base.pth --data ./train --eval-data ./test --preset base",
      "MAE's weights and its recipe",
    ],
    [
      "finetune runs/mine --from-scratch --data ./train --eval-data ./test",
      "the control: the same model without its weights",
    ],
    [
      "finetune runs/mine --data ./train --share 0.01 --freeze 12",
      "one label in a hundred, the encoder frozen",
    ],
    ["finetune --resume --out runs/finetune-demo", "continues a run that was stopped or killed"],
  ],
}, async (given, shell) => {
  const { config } = given as { config?: string };
  const file = config ? await readFinetuneConfig(config) : {}, progress = runProgress(shell.progress);
  const begun = await beginOnEncoder(BEGINNING, file, finetuneSettingsIn(given), progress.line);
  const run = { config: begun.config, from: begun.encoder?.tensors, json: given.json === true };
  return await runDownstreamCommand(COMMAND, { ...run, shell, progress });
});

if (import.meta.main) await start(finetuneTask);

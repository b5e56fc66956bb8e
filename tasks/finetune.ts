/** `deno task finetune MODEL --data URI`: trains a classifier on an encoder. */
import { task } from "../src/cli/command.ts";
import { configuredEngine } from "../src/cli/engine_options.ts";
import { badPictures } from "../src/cli/data_options.ts";
import type { Interruption } from "../src/cli/interrupt.ts";
import { onOff, text } from "../src/cli/kinds.ts";
import { MODEL_HELP } from "../src/cli/model_options.ts";
import { start } from "../src/cli/run.ts";
import type { Shell } from "../src/cli/shell.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { openEngine } from "../src/engine/open.ts";
import { readModel, type StoredModel } from "../src/eval/stored_model.ts";
import { withinBudget } from "../src/finetune/budget.ts";
import {
  classifierConfig,
  FINETUNE_OPTIONS,
  finetuneSettingsIn,
  readFinetuneConfig,
  resolveFinetuneConfig,
  resumedFinetuneConfig,
} from "../src/finetune/config.ts";
import { testPictures } from "../src/finetune/evaluate.ts";
import { finetune } from "../src/finetune/finetune.ts";
import type { LabelledPictures } from "../src/finetune/labelled.ts";
import { openLabelled } from "../src/finetune/open_labelled.ts";
import { finetunePreset } from "../src/finetune/presets.ts";
import type { FinetuneConfig, FinetunePreset } from "../src/finetune/settings.ts";
import { percent } from "../src/text/amounts.ts";
import { latestCheckpoint } from "../src/train/run/checkpoint.ts";
import { claimRun } from "../src/train/run/plan.ts";
import { runProgress } from "../src/train/show/progress.ts";
import { disposeTree } from "../src/train/state.ts";
import { checkWarmStart, encoderSizes } from "../src/weights/warm_start.ts";

/** Reads the encoder that a run begins with. */
async function readEncoder(
  { model, teacher, key, heads, imageSize }: Partial<FinetuneConfig>,
  say: (line: string) => void,
): Promise<StoredModel | undefined> {
  if (!model) return undefined;
  const found = await readModel(model, { teacher, key: key || undefined, heads, imageSize });
  found.notes.forEach(say);
  return found;
}

/** What the run is, and the encoder that it begins with. */
async function plan(
  file: Partial<FinetuneConfig>,
  flags: Partial<FinetuneConfig>,
  say: (line: string) => void,
) {
  const given = { ...file, ...flags };
  if (given.resume) {
    const config = await resumedFinetuneConfig(given);
    const begins = await latestCheckpoint(config.out) === null;
    return { config, encoder: begins ? await readEncoder(config, say) : undefined };
  }
  if (!given.model && !given.fromScratch) {
    throw new UsageError("name what the encoder is from, or say --from-scratch; see --help");
  }
  const encoder = await readEncoder(given, say), sizes = encoder && encoderSizes(encoder.config);
  const config = resolveFinetuneConfig({ ...sizes }, file, flags);
  if (config.data === "") throw new UsageError("name the labelled pictures to learn from: --data URI");
  if (encoder) checkWarmStart(classifierConfig(config), encoder.config, encoder.name);
  return { config, encoder };
}

/** Trains and evaluates. Gives the exit code. */
async function run(
  file: Partial<FinetuneConfig>,
  flags: Partial<FinetuneConfig>,
  json: boolean,
  shell: Shell,
): Promise<number> {
  const progress = runProgress(shell.progress), say = progress.line;
  const { config: planned, encoder } = await plan(file, flags, say);
  const { out, resume, preset } = planned;
  const claimed = await claimRun({ out, resume, preset: `finetune-${preset}` }, say);
  await using lock = claimed.lock;
  const config: FinetuneConfig = { ...planned, out: claimed.config.out }, { data, evalData, labels } = config;
  const opened: LabelledPictures[] = [];
  const open = async (uri: string, role: "train" | "test") => {
    const pictures = await openLabelled(uri, { labels, role, progress: shell.progress });
    opened.push(pictures);
    return pictures;
  };
  let stop: Interruption | undefined;
  try {
    const whole = await open(data, "train");
    const { pictures, notes } = await withinBudget(whole, config, config.seed);
    notes.forEach(say);
    const known = whole.source.uri;
    const test = evalData ? testPictures(await open(evalData, "test"), whole.names, known) : undefined;
    const engine = await openEngine(config.engine, {
      ...configuredEngine(config),
      progress: say,
    });
    try {
      stop = shell.interruptible("finishing what is under way and writing a checkpoint");
      const from = config.fromScratch ? undefined : encoder?.tensors, { signal } = stop;
      const onBad = test && badPictures(test.labels.length, shell.progress);
      const options = { engine, pictures, test, from, onBad, progress, signal, lock };
      const { state, ...done } = await finetune(config, options);
      disposeTree(state);
      if (json) shell.print(JSON.stringify({ run: config.out, ...done }));
      else {
        const { "test top1": top1, "test top5": top5 } = done.found;
        if (top1 !== undefined) shell.print(`top-1 ${percent(top1)}, top-5 ${percent(top5)} on ${evalData}`);
        shell.print(`classify pictures: deno task predict ${config.out} PICTURE…`);
      }
      if (!done.stopped && !signal.aborted) return 0;
      say(`stopped; to go on: deno task finetune --resume --out ${config.out}`);
      return stop.code();
    } finally {
      await engine.close();
    }
  } finally {
    stop?.close();
    for (const { source } of opened) await source.close();
  }
}

export const finetuneTask = task({
  name: "finetune",
  summary: "Trains a classifier: an encoder with a head on labelled pictures, by MAE's recipe.",
  operands: {
    model: { value: "MODEL", help: `what the encoder is from: ${MODEL_HELP}`, optional: true },
  },
  options: {
    config: { kind: text, help: "settings as a JSON object, such as a run's config.json", value: "FILE" },
    ...FINETUNE_OPTIONS,
    json: { kind: onOff, help: "print what the run ended with as JSON" },
  },
  shown: (given) => ({ ...finetunePreset((given.preset ?? "demo") as FinetunePreset) }),
  notes: [
    "An option wins over --config FILE, and the file over the preset. The defaults shown are those of the preset; " +
    "--help --preset base shows those of base. With MODEL, its sizes are taken.",
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
  const file = config ? await readFinetuneConfig(config) : {};
  return await run(file, finetuneSettingsIn(given), given.json === true, shell);
});

if (import.meta.main) await start(finetuneTask);

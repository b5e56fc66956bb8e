/** `deno task detect train MODEL --data URI`: trains a detector on an encoder. */
import { task } from "../../src/cli/command.ts";
import { configuredEngine } from "../../src/cli/engine_options.ts";
import { badPictures } from "../../src/cli/data_options.ts";
import type { Interruption } from "../../src/cli/interrupt.ts";
import { onOff, text } from "../../src/cli/kinds.ts";
import { MODEL_HELP } from "../../src/cli/model_options.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { type AnnotatedSource, openAnnotated, trainingPictures } from "../../src/detect/annotated.ts";
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
import { testObjects } from "../../src/detect/truth.ts";
import { openEngine } from "../../src/engine/open.ts";
import { readModel, type StoredModel } from "../../src/eval/stored_model.ts";
import { latestCheckpoint } from "../../src/train/run/checkpoint.ts";
import { claimRun } from "../../src/train/run/plan.ts";
import { runProgress } from "../../src/train/show/progress.ts";
import { disposeTree } from "../../src/train/state.ts";
import { checkWarmStart, encoderSizes } from "../../src/weights/warm_start.ts";

/** Reads the encoder that a run begins with, for canvases of the run's size. */
async function readEncoder(
  { model, teacher, key, heads, imageSize, preset = "demo" }: Partial<DetectConfig>,
  say: (line: string) => void,
): Promise<StoredModel | undefined> {
  if (!model) return undefined;
  const size = imageSize ?? detectPreset(preset).imageSize;
  const found = await readModel(model, { teacher, key: key || undefined, heads, imageSize: size });
  found.notes.forEach(say);
  return found;
}

/** What the run is, and the encoder that it begins with. */
async function plan(file: Partial<DetectConfig>, flags: Partial<DetectConfig>, say: (line: string) => void) {
  const given = { ...file, ...flags };
  if (given.resume) {
    const config = await resumedDetectConfig(given);
    const begins = await latestCheckpoint(config.out) === null;
    return { config, encoder: begins ? await readEncoder(config, say) : undefined };
  }
  if (!given.model && !given.fromScratch) {
    throw new UsageError("name what the encoder is from, or say --from-scratch; see --help");
  }
  const encoder = await readEncoder(given, say), sizes = encoder && encoderSizes(encoder.config);
  const config = resolveDetectConfig({ ...sizes }, file, flags);
  if (config.data === "") throw new UsageError("name the pictures with boxes to learn from: --data URI");
  if (encoder) checkWarmStart(detectorConfig(config), encoder.config, encoder.name);
  return { config, encoder };
}

/** Trains and evaluates. Gives the exit code. */
async function run(
  file: Partial<DetectConfig>,
  flags: Partial<DetectConfig>,
  json: boolean,
  shell: Shell,
): Promise<number> {
  const progress = runProgress(shell.progress), say = progress.line;
  const { config: planned, encoder } = await plan(file, flags, say);
  const { out, resume, preset } = planned;
  const claimed = await claimRun({ out, resume, preset: `detect-${preset}` }, say);
  await using lock = claimed.lock;
  const config: DetectConfig = { ...planned, out: claimed.config.out }, { data, evalData } = config;
  const opened: AnnotatedSource[] = [];
  const open = async (uri: string, role: "train" | "test") => {
    const source = await openAnnotated(uri, role, shell.progress);
    opened.push(source);
    return source;
  };
  let stop: Interruption | undefined;
  try {
    const pictures = trainingPictures(await open(data, "train")), { names, source: { uri } } = pictures;
    const test = evalData ? await testObjects(await open(evalData, "test"), names, uri) : undefined;
    const engine = await openEngine(config.engine, {
      ...configuredEngine(config),
      progress: say,
    });
    try {
      stop = shell.interruptible("finishing what is under way and writing a checkpoint");
      const from = config.fromScratch ? undefined : encoder?.tensors, { signal } = stop;
      const onBad = test && badPictures(test.source.length, shell.progress);
      const options = { engine, pictures, test, from, onBad, progress, signal, lock };
      const { state, ...done } = await trainDetector(config, options);
      disposeTree(state);
      if (json) shell.print(JSON.stringify({ run: config.out, ...done }));
      else {
        const { "test AP": ap, "test AP50": ap50 } = done.found,
          percent = (x: number) => (100 * x).toFixed(1);
        if (ap !== undefined) shell.print(`AP ${percent(ap)}, AP50 ${percent(ap50)} on ${evalData}`);
        shell.print(`find objects: deno task detect predict ${config.out} PICTURE…`);
      }
      if (!done.stopped && !signal.aborted) return 0;
      say(`stopped; to go on: deno task detect train --resume --out ${config.out}`);
      return stop.code();
    } finally {
      await engine.close();
    }
  } finally {
    stop?.close();
    for (const source of opened) await source.close();
  }
}

export const detectTrainTask = task({
  name: "detect train",
  summary: "Trains a detector: an encoder with a feature pyramid and FCOS's head, on pictures with boxes.",
  operands: {
    model: { value: "MODEL", help: `what the encoder is from: ${MODEL_HELP}`, optional: true },
  },
  options: {
    config: { kind: text, help: "settings as a JSON object, such as a run's config.json", value: "FILE" },
    ...DETECT_OPTIONS,
    json: { kind: onOff, help: "print what the run ended with as JSON" },
  },
  shown: (given) => ({ ...detectPreset((given.preset ?? "demo") as DetectPreset) }),
  notes: [
    "An option wins over --config FILE, and the file over the preset. The defaults shown are those of the preset; " +
    "--help --preset base shows those of base. With MODEL, its sizes are taken, but for the pictures' size, for which its " +
    "positions are resized.",
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
  const file = config ? await readDetectConfig(config) : {};
  return await run(file, detectSettingsIn(given), given.json === true, shell);
});

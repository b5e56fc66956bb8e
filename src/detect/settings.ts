/** The settings of a detector's training: those that it shares with fine-tuning, and its own. */
import { whole } from "../cli/kinds.ts";
import { FINETUNE_SETTINGS, type FinetuneConfig, type FinetunePreset } from "../finetune/settings.ts";
import type { Setting } from "../train/config/setting.ts";

/** What only a classifier's training has. */
const OTHERS = [
  "labels",
  "smoothing",
  "pool",
  "cropScale",
  "cropRatio",
  "randMagnitude",
  "randLayers",
  "erasing",
  "mixup",
  "cutmix",
  "mixProb",
  "switchProb",
  "subset",
  "perClass",
  "share",
  "evalShare",
] as const satisfies readonly (keyof FinetuneConfig)[];

/** Everything that defines a detector's training; config.json in the run folder holds it whole. {@linkcode DETECT_SETTINGS} explains each. */
export interface DetectConfig extends Omit<FinetuneConfig, "task" | typeof OTHERS[number]> {
  /** Tells config.json from one of another kind. */
  task: "detect";
  jitter: readonly [number, number];
  maxObjects: number;
  upscale: number;
  levels: number;
  pyramidWidth: number;
  towerDepth: number;
}

/** A preset of a detector's training. */
export type DetectPreset = FinetunePreset;

type Table = Readonly<Record<Exclude<keyof DetectConfig, "task">, Setting>>;

const own = (group: string, kind: Setting["kind"], help: string, free = false): Setting => ({
  group,
  kind,
  help,
  free,
});

/** The settings that are fine-tuning's too. */
const SHARED = Object.fromEntries(
  Object.entries(FINETUNE_SETTINGS).filter(([key]) => !(OTHERS as readonly string[]).includes(key)),
) as Pick<typeof FINETUNE_SETTINGS, Exclude<keyof DetectConfig, "task"> & keyof typeof FINETUNE_SETTINGS>;

/** Every setting but the mark of the task: its key in a configuration file; as a flag, the key with hyphens. */
export const DETECT_SETTINGS: Table = {
  ...SHARED,
  data: {
    ...SHARED.data,
    help: "pictures with boxes to learn from: COCO's layout, such as coco:./coco/train2017, or a pack of it",
  },
  out: { ...SHARED.out, help: "run folder; empty: the first of runs/detect-<preset>, … that is free" },
  evalData: {
    ...SHARED.evalData,
    help: "pictures with boxes, in these forms, that the detector is measured on; empty: none",
  },
  seed: { ...SHARED.seed, help: "determines all random numbers" },
  batchSize: { ...SHARED.batchSize, help: "pictures in a step" },
  imageSize: {
    ...SHARED.imageSize,
    help: "side of the square canvas that pictures are looked at on, in pixels",
  },
  baseSize: {
    ...SHARED.baseSize,
    help:
      "side that pictures are squeezed to before they are placed, in pixels; 0: the canvas's. A larger one keeps more detail",
  },
  jitter: own(
    "Pictures",
    { kind: "pair", min: 0.1, max: 10, ordered: true },
    "smallest,largest size of a picture, 1 being that which just fits onto the canvas",
  ),
  maxObjects: own(
    "Pictures",
    whole(1, 1000),
    "objects of a picture that are learned from at most, the first ones",
  ),
  upscale: own("Model", whole(0, 2), "how often the encoder's map is doubled for the finest level"),
  levels: own("Model", whole(1, 7), "levels of the pyramid, each half as fine as the one before"),
  pyramidWidth: own("Model", whole(8), "channels of pyramid and head, a multiple of 8"),
  towerDepth: own("Model", whole(0, 16), "convolutions of the head before its last one"),
};

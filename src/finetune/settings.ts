/** The settings of fine-tuning: names, kinds, help. */
import { choice, number, onOff, share, whole } from "../cli/kinds.ts";
import { SOURCES_HELP } from "../cli/data_options.ts";
import { type EngineName, ENGINES, type Precision } from "../engine/types.ts";
import { group, pair, type Setting, text } from "../train/config/setting.ts";
import type { EncoderSizes } from "../model/config.ts";
import type { MixSettings } from "./mix.ts";
import type { Pooling } from "./model.ts";
import type { RateSettings } from "./rates.ts";
import type { LabelBudget } from "./budget.ts";

/** A preset of fine-tuning. */
export type FinetunePreset = "demo" | "tiny" | "small" | "base";

/** Everything that defines a fine-tuning; config.json in the run folder holds it whole. {@linkcode FINETUNE_SETTINGS} explains each. */
export interface FinetuneConfig extends EncoderSizes, RateSettings, MixSettings, LabelBudget {
  /** Tells config.json from one of pre-training. */
  task: "finetune";
  preset: FinetunePreset;
  /** What the encoder is from; empty: random weights of the preset's sizes. */
  model: string;
  fromScratch: boolean;
  teacher: boolean;
  key: string;
  data: string;
  labels: string;
  out: string;
  resume: boolean;
  engine: EngineName | "auto";
  plugin: string;
  memoryFraction: number;
  memoryLimit: number;
  overMemory: "stop" | "try";
  precision: Precision;
  seed: number;
  keep: number;
  checkpointMinutes: number;
  checkpointSteps: number;
  logEvery: number;
  tensorboard: boolean;
  steps: number;
  layerDecay: number;
  clipGrad: number;
  ema: boolean;
  freeze: number;
  pool: Pooling;
  dropPath: number;
  rematerialise: boolean;
  smoothing: number;
  cropScale: readonly [number, number];
  cropRatio: readonly [number, number];
  flip: number;
  randMagnitude: number;
  randLayers: number;
  erasing: number;
  baseSize: number;
  onBad: "skip" | "fail";
  concurrency: number;
  workers: number;
  prefetch: number;
  evalData: string;
  evalEvery: number;
  evalShare: number;
}

const run = group("Run"), training = group("Training"), pictures = group("Pictures");
const data = group("Data"), model = group("Model"), evaluation = group("Evaluation");

/** Every setting but the mark of the task: its key in a configuration file; as a flag, the key with hyphens. */
export const FINETUNE_SETTINGS: Readonly<Record<Exclude<keyof FinetuneConfig, "task">, Setting>> = {
  preset: run(choice("demo", "tiny", "small", "base"), "sets the defaults of all other settings"),
  data: run(text("URI"), `labelled pictures to learn from: ${SOURCES_HELP}`, true),
  out: run(text("FOLDER"), "run folder; empty: the first of runs/finetune-<preset>, … that is free", true),
  resume: run(onOff, "continue the run in --out from its last checkpoint", true),
  engine: run(choice("auto", ...ENGINES), "what runs the tensors", true),
  plugin: run(text("PATH"), "a PJRT plugin for engine xla", true),
  memoryFraction: run(
    number(0, 1),
    "largest share of a graphics card's memory that engine xla uses; 0: 0.75",
    true,
  ),
  memoryLimit: run(number(), "GB of the device's memory that a step may use; 0: all of it", true),
  overMemory: run(choice("stop", "try"), "what to do if a step needs more", true),
  precision: run(
    choice("float32", "tf32", "bfloat16"),
    "element type of matrix products; tf32: float32, of which graphics cards may use 10 bits",
  ),
  seed: run(whole(0, 2 ** 32 - 1), "determines all random numbers, those of label budgets among them"),
  keep: run(whole(1), "checkpoints to keep; older ones are removed", true),
  checkpointMinutes: run(number(), "minutes between checkpoints; 0: not by time", true),
  checkpointSteps: run(whole(), "steps between checkpoints; 0: not by steps", true),
  logEvery: run(whole(1), "steps between lines of metrics.jsonl", true),
  tensorboard: run(onOff, "also write event files for TensorBoard", true),

  epochs: training(number(), "passes over the pictures"),
  steps: training(whole(), "stop after this many steps; 0: after all epochs", true),
  batchSize: training(whole(1), "pictures in a step; even with mixup or cutmix"),
  lr: training(number(), "peak learning rate for 256 pictures a step; scaled by batchSize / 256"),
  minLr: training(number(), "learning rate at the end, not scaled"),
  warmupEpochs: training(number(), "epochs during which the learning rate rises from 0"),
  weightDecay: training(number(), "weight decay; biases, norms, positions and class token are not decayed"),
  layerDecay: training(
    { kind: "number", above: 0, max: 1 },
    "each layer's learning rate is that of the one behind it times this; 1: all alike",
  ),
  clipGrad: training(number(), "largest norm of all gradients together; 0: no clipping"),
  smoothing: training(number(0, 0.99), "label smoothing"),
  freeze: training(
    whole(),
    "blocks that are not trained, and with them all before; the depth: the whole encoder",
  ),
  ema: training(onOff, "also keep and evaluate a moving average of the parameters"),
  emaMomentum: training(number(0, 1), "momentum of that average; less during the first steps"),

  cropScale: pictures(pair(0, 1), "smallest,largest share of the picture's area in a crop"),
  cropRatio: pictures(pair(0.01, 100), "narrowest,widest width / height of a crop"),
  flip: pictures(number(0, 1), "chance of a left–right flip"),
  randMagnitude: pictures(
    number(0, 10),
    "RandAugment: how strong its changes are, 0 to 10, such as 9; 0: no RandAugment",
  ),
  randLayers: pictures(
    whole(1, 16),
    "RandAugment: changes that are drawn for a picture; each is made half the time",
  ),
  erasing: pictures(number(0, 1), "chance that a part of a picture is replaced by noise"),
  mixup: pictures(number(), "mixup: both parameters of its Beta distribution; 0: none"),
  cutmix: pictures(number(), "cutmix: both parameters of its Beta distribution; 0: none"),
  mixProb: pictures(number(0, 1), "chance that a batch is mixed"),
  switchProb: pictures(number(0, 1), "chance of cutmix instead of mixup, where both are on"),
  baseSize: pictures(
    whole(),
    "side of the pictures that crops are cut from, in pixels; 0: the model's. A larger one keeps more detail",
  ),

  labels: data(text("FILE"), "class names, one a line, where classes are numbers", true),
  subset: data(text("FILE"), "learn only from the pictures that this file names, one a line"),
  perClass: data(whole(), "learn from so many pictures of each class, drawn at random; 0: all"),
  share: data(share, "learn from this share of each class, drawn at random, such as 0.01"),
  onBad: data(choice("skip", "fail"), "what to do with a picture that cannot be read", true),
  concurrency: data(whole(), "pictures read and decoded at once; 0: sixteen times the cores", true),
  workers: data(whole(0, 1024), "threads that decode; 0: one per core", true),
  prefetch: data(whole(1), "batches prepared ahead", true),

  evalData: evaluation(
    text("URI"),
    "labelled pictures that the classifier is measured on; empty: none",
    true,
  ),
  evalEvery: evaluation(
    { kind: "number", above: 0 },
    "epochs between measurements; the end has one too",
    true,
  ),
  evalShare: evaluation(
    share,
    "share of the shorter side that the middle square of a measured picture has; 0.875 is 224 of 256",
    true,
  ),

  model: model(text("MODEL"), "what the encoder is from", true),
  fromScratch: model(onOff, "begin with random weights, of MODEL's sizes or the preset's"),
  teacher: model(onOff, "begin with the averaged parameters of MODEL"),
  key: model(text("NAME"), "of a .pth with several encoders, the one to take"),
  pool: model(
    choice("mean", "class"),
    "what is classified: the mean of the patch tokens, or the class token",
  ),
  dropPath: model(number(0, 0.99), "rate of stochastic depth in the last block"),
  rematerialise: model(onOff, "compute blocks again for the gradients: less memory, more time", true),
  imageSize: model(whole(1), "side of the pictures in pixels; positions are resized"),
  patchSize: model(whole(1), "side of a patch in pixels, from scratch"),
  width: model(whole(1), "width of the encoder's tokens, from scratch"),
  depth: model(whole(1), "blocks of the encoder, from scratch"),
  heads: model(whole(1), "attention heads of the encoder"),
  mlpRatio: model(number(), "hidden width of the encoder's MLPs, in widths, from scratch"),
  stem: model(
    choice("patches", "convolutions"),
    "what makes tokens of pixels, from scratch: a linear layer on each patch, or strided convolutions",
  ),
  localMixing: model(
    onOff,
    "a depthwise convolution over the tokens at the start of each block, from scratch",
  ),
};

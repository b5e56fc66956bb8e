import { choice, type Kind, number, onOff, whole, wholeOrAuto } from "../../cli/kinds.ts";
import { type EngineName, ENGINES, type Precision } from "../../engine/types.ts";
import { dataSummary } from "../../data/sources/help.ts";
import type { LossConfig } from "../../model/loss_config.ts";
import type { ModelConfig, ModelPreset } from "../../model/config.ts";
import type { ViewOptions } from "../../views/sample.ts";
import type { ClipKind, OptimizerKind } from "../optimizer.ts";
import type { ScheduleSettings } from "../schedule.ts";

/** A preset's name. */
export type PresetName = ModelPreset;

/** Everything that defines a run; config.json in the run folder holds it whole. {@linkcode SETTINGS} explains each. */
export interface RunConfig extends ModelConfig, LossConfig, ViewOptions, ScheduleSettings {
  preset: PresetName;
  data: string;
  out: string;
  resume: boolean;
  init: string;
  engine: EngineName | "auto";
  devices: number;
  plugin: string;
  memoryFraction: number;
  preallocate: "auto" | "on" | "off";
  memoryLimit: number;
  overMemory: "stop" | "try";
  nodes: number;
  nodeId: number;
  coordinator: string;
  nodeWait: number;
  nodeSilence: number;
  precision: Precision;
  gradientSums: Precision;
  shardOptimizer: boolean;
  seed: number;
  steps: number;
  onBad: "skip" | "fail";
  concurrency: number;
  workers: number;
  prefetch: number;
  shuffleBuffer: number;
  epochPictures: number;
  process: string;
  labels: string;
  clipGrad: number;
  clipKind: ClipKind;
  optimizer: OptimizerKind;
  ema: boolean;
  keep: number;
  checkpointMinutes: number;
  checkpointSteps: number;
  logEvery: number;
  figures: boolean;
  tensorboard: boolean;
  evalData: string;
  evalTrain: string;
  evalEvery: number;
  evalLinear: boolean;
  evalTeacher: boolean;
}

/** One row of the table of settings. */
export interface Setting {
  /** Heading in the help. */
  group: string;
  kind: Kind;
  /** One line for people. */
  help: string;
  /** True where a resumed run may use another value, because it changes no number of the training. */
  free?: boolean;
}

const pair = (min: number, max?: number): Kind => ({ kind: "pair", min, max, ordered: true });
const chances: Kind = { kind: "pair", min: 0, max: 1 };
const text = (word: string): Kind => ({ kind: "text", empty: true, word });
const group = (name: string) => (kind: Kind, help: string, free = false): Setting => ({
  group: name,
  kind,
  help,
  free,
});

const run = group("Run");
const training = group("Training");
const data = group("Data");
const evaluation = group("Evaluation while training");
const views = group("Views");
const model = group("Model");
const loss = group("Loss");

/** Every setting: its key in a configuration file; as a flag, the key with hyphens. */
export const SETTINGS: Readonly<Record<keyof RunConfig, Setting>> = {
  preset: run(
    choice("demo", "thumbnail", "photo", "tiny", "small", "base"),
    "sets the defaults of all other settings",
  ),
  data: run(
    text("URI"),
    `pictures: ${dataSummary()} (deno task data --help says more); empty: fetch and use the demo pictures`,
    true,
  ),
  out: run(
    text("FOLDER"),
    "run folder; empty: the first of runs/<preset>, runs/<preset>-2, … that is free",
    true,
  ),
  resume: run(onOff, "continue the run in --out from its last checkpoint", true),
  init: run(
    text("FILE"),
    "weights to begin with: a run, a checkpoint, or a .pth or safetensors file of an encoder that others have trained, whose " +
      "sizes the run takes",
    true,
  ),
  engine: run(choice("auto", ...ENGINES), "what runs the tensors", true),
  devices: run(whole(1), "devices of engine xla, of each node, that share each batch evenly", true),
  nodes: run(whole(1, 4096), "processes that train together, on one host or several", true),
  nodeId: run(whole(), "this process's number among them, from 0; node 0 writes the run folder", true),
  coordinator: run(text("HOST:PORT"), "host:port where node 0 listens for the other nodes", true),
  nodeWait: run(number(1), "seconds to wait at the start for all nodes to join", true),
  nodeSilence: run(number(4), "seconds of silence after which a node counts as gone", true),
  plugin: run(
    text("PATH"),
    "path of a PJRT plugin for engine xla; empty: PJRT_PLUGIN, else one for an NVIDIA card, else XLA's CPU plugin",
    true,
  ),
  memoryFraction: run(
    number(0, 1),
    "largest share of a graphics card's memory that engine xla may use; 0: the plugin's default, 0.75",
    true,
  ),
  preallocate: run(
    choice("auto", "on", "off"),
    "take that share of a graphics card's memory at once; auto: the plugin's default, on",
    true,
  ),
  memoryLimit: run(number(), "GB of each device's memory that a step may use; 0: all of it", true),
  overMemory: run(choice("stop", "try"), "what to do if a step needs more", true),
  precision: run(
    choice("float32", "tf32", "bfloat16"),
    "element type of matrix products; tf32: float32, of which graphics cards may use 10 bits",
  ),
  gradientSums: run(
    choice("float32", "bfloat16"),
    "element type in which several devices add their gradients of weights; bfloat16, with --precision bfloat16 alone, " +
      "sends half as much and rounds each device's part",
  ),
  shardOptimizer: run(
    onOff,
    "divide what the optimiser keeps (AdamW's moments, the averaged parameters) among each node's devices instead of keeping " +
      "it whole on each: less memory, the same training but for rounding",
    true,
  ),
  seed: run(whole(0, 2 ** 32 - 1), "determines all random numbers of the run"),
  keep: run(whole(1), "checkpoints to keep; older ones are removed", true),
  checkpointMinutes: run(number(), "minutes between checkpoints; 0: not by time", true),
  checkpointSteps: run(whole(), "steps between checkpoints; 0: not by steps", true),
  logEvery: run(whole(1), "steps between lines of metrics.jsonl", true),
  tensorboard: run(
    onOff,
    "also write event files for TensorBoard, into tensorboard/ of the run folder",
    true,
  ),
  figures: run(onOff, "draw figures at checkpoints, for deno task report: at most 1 % of the time", true),

  epochs: training(number(), "passes over the pictures"),
  steps: training(whole(), "stop after this many steps; 0: after all epochs", true),
  batchSize: training(
    wholeOrAuto(),
    "pictures in a step, of all devices and nodes; each gives two views. auto: what fits into nine tenths of the devices' memory",
  ),
  optimizer: training(
    choice("adamw", "muon"),
    "what turns gradients into steps: AdamW for all, or Muon for the weights of layers and AdamW for the rest",
  ),
  lr: training(number(), "peak learning rate for 256 pictures a step; scaled by batchSize / 256"),
  minLr: training(number(), "learning rate at the end, not scaled"),
  warmupEpochs: training(number(), "epochs during which the learning rate rises from 0"),
  weightDecay: training(number(), "weight decay at the start; biases and norms are not decayed"),
  weightDecayEnd: training(number(), "weight decay at the end"),
  clipGrad: training(number(), "largest norm of a gradient; 0: no clipping"),
  clipKind: training(choice("tensor", "global", "off"), "norm of each tensor alone, or of all together"),
  ema: training(onOff, "also keep a moving average of the parameters"),
  emaMomentum: training(number(0, 1), "momentum of that average at the start; rises to 1"),

  onBad: data(choice("skip", "fail"), "what to do with a picture that cannot be read", true),
  concurrency: data(whole(), "pictures read and decoded at once; 0: sixteen times the cores", true),
  workers: data(whole(0, 1024), "threads that decode; 0: one per core", true),
  prefetch: data(whole(1), "batches prepared ahead", true),
  shuffleBuffer: data(
    whole(1),
    "records in the shuffle buffer of a stream (tar over http, tar.gz); other sources are shuffled as a whole",
  ),
  epochPictures: data(whole(), "pictures in an epoch of a stream, which cannot tell how many it has"),
  process: data(
    text("I/N"),
    "i/n: take part i (from 0) of n disjoint parts of the data; the parts are equally long, so each epoch leaves out up " +
      "to n − 1 pictures, different ones each time; empty: all of it",
    true,
  ),
  labels: data(
    text("FILE"),
    "file of class names, one per line, for tar shards and LMDBs whose classes are numbers",
    true,
  ),

  evalData: evaluation(
    text("URI"),
    "labelled pictures whose class nearest neighbours are asked for now and then; each asks all others, unless " +
      "--eval-train names a gallery; empty: no evaluation",
    true,
  ),
  evalTrain: evaluation(
    text("URI"),
    "labelled pictures that are the gallery; empty: those of --eval-data",
    true,
  ),
  evalEvery: evaluation(
    { kind: "number", above: 0 },
    "epochs between evaluations, such as 1 or 0.5; the end of the run has one too",
    true,
  ),
  evalLinear: evaluation(onOff, "train a quick linear probe as well; needs --eval-train", true),
  evalTeacher: evaluation(onOff, "look at the averaged parameters of a run with --ema", true),

  cropScale: views(pair(0, 1), "smallest,largest share of the picture's area in a crop"),
  cropRatio: views(pair(0.01, 100), "narrowest,widest width / height of a crop"),
  flip: views(number(0, 1), "chance of a left–right flip"),
  colour: views(number(0, 1), "chance of the four colour changes"),
  brightness: views(number(0, 1), "brightness factor is 1 ± this"),
  contrast: views(number(0, 1), "contrast factor is 1 ± this"),
  saturation: views(number(0, 1), "saturation factor is 1 ± this"),
  hue: views(number(0, 0.5), "hue shift is ± this share of a turn"),
  grey: views(number(0, 1), "chance of a grey view"),
  blur: views(chances, "chance of blur in view 1, in view 2"),
  blurRadius: views(pair(0), "smallest,largest radius of the blur in pixels"),
  solarise: views(chances, "chance of solarisation in view 1, in view 2"),

  imageSize: model(whole(1), "side of the base picture and of a view in pixels"),
  patchSize: model(whole(1), "side of a patch in pixels"),
  viewSize: model(whole(), "side of a view in pixels; 0: that of the base picture"),
  stem: model(
    choice("patches", "convolutions"),
    "what makes tokens of pixels: a frozen linear layer on each patch, or strided convolutions",
  ),
  localMixing: model(onOff, "a depthwise convolution over the tokens at the start of each encoder block"),
  width: model(whole(1), "width of the encoder's tokens"),
  depth: model(whole(1), "blocks of the encoder"),
  heads: model(whole(1), "attention heads of the encoder"),
  mlpRatio: model(number(), "hidden width of the encoder's MLPs, in widths"),
  dropPath: model(number(0, 0.99), "rate of stochastic depth in the last block"),
  headWidth: model(whole(1), "hidden width of the head"),
  codeWidth: model(whole(1), "width of a code, and of the decoder"),
  headBatchNorm: model(onOff, "batch norm in the head's hidden layers"),
  classHead: model(choice("shared", "own"), "head of class tokens: that of the patch tokens, or their own"),
  decoderDepth: model(whole(0), "blocks of the decoder"),
  decoderHeads: model(whole(1), "attention heads of the decoder"),
  decoderMlpRatio: model(number(), "hidden width of the decoder's MLPs, in widths"),
  flipRule: model(
    choice("columns", "channels"),
    "what a flip mirrors: columns is right, channels is what the reference shipped",
  ),
  aligner: model(
    onOff,
    "place codes where their view was; without it each view fills the canvas as if it showed the whole picture",
  ),
  reconstructionTarget: model(
    choice("picture", "view"),
    "what the decoder reconstructs: what the view did not show of the picture, or the view itself",
  ),
  rematerialise: model(
    onOff,
    "compute transformer blocks again for the gradients: less memory, one more forward pass",
    true,
  ),
  attention: model(
    choice("auto", "plain", "cudnn"),
    "how blocks attend: plain; or cudnn, one operation on one NVIDIA card, with bfloat16 products; auto: that where it can be had",
    true,
  ),
  residualPrecision: model(
    choice("float32", "bfloat16"),
    "element type of the rows that blocks add to; bfloat16 takes less memory and time on a graphics card, with bfloat16 products",
  ),
  initPosition: model(number(), "standard deviation of the position embedding at the start"),
  initLinear: model(number(), "standard deviation of the encoder's linear weights at the start"),

  reconstructionWeight: loss(number(), "weight of both reconstruction terms"),
  classWeight: loss(number(), "weight of the contrast of class codes"),
  patchWeight: loss(number(), "weight of the contrast of patch codes"),
  temperature: loss(number(1e-6), "temperature of both contrasts"),
  patchSymmetric: loss(onOff, "contrast patches in both directions"),
  patchExcludeMask: loss(onOff, "leave cells outside a view out of its negatives"),
};

import { choice, number, onOff, whole, wholeOrAuto } from "../../cli/kinds.ts";
import { type EngineName, ENGINES, type Precision } from "../../engine/types.ts";
import { dataSummary } from "../../data/sources/help.ts";
import type { LossConfig } from "../../model/loss_config.ts";
import type { ModelConfig, ModelPreset } from "../../model/config.ts";
import type { ViewOptions } from "../../views/sample.ts";
import type { ClipKind, OptimizerKind } from "../optimizer.ts";
import type { ScheduleSettings } from "../schedule.ts";
import { METHOD_SETTINGS } from "./method_settings.ts";
import { group, type Setting, text } from "./setting.ts";

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

const run = group("Run");
const training = group("Training");
const data = group("Data");
const evaluation = group("Evaluation while training");

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
  ),
  labels: data(
    text("FILE"),
    "file of class names, one per line, for tar shards, Parquet and LMDBs whose classes are numbers",
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

  ...METHOD_SETTINGS,
};

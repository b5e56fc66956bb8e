import { join } from "node:path";
import { flagName } from "../cli/command.ts";
import type { RunConfig } from "../train/config/settings.ts";
import { type Command, taskCommand } from "./process.ts";
import type { ShardServer } from "./server.ts";
import { PICTURES, type Stage } from "./stage.ts";

/** Where a training of the soak reads its pictures: from files, or over http as a stream. */
export type Feed = "files" | "http";

/** The feeds, in the order in which rounds take them. */
export const FEEDS: readonly Feed[] = ["files", "http"];

/** Steps between two checkpoints: few, so that a life of seconds sees many. */
export const CHECKPOINT_STEPS = 7;

/** Settings of all runs. A step takes some 30 ms on engine xla and on wasm, so that a life has hundreds. */
const COMMON: Partial<RunConfig> = {
  dropPath: 0.3,
  decoderDepth: 1,
  decoderHeads: 2,
  heads: 2,
  depth: 2,
  blurRadius: [0.1, 0.5],
  // Never the end of the schedule, however long a run takes.
  epochs: 1_000_000,
  warmupEpochs: 1,
  lr: 0.01,
  checkpointMinutes: 0,
  checkpointSteps: CHECKPOINT_STEPS,
  shuffleBuffer: 24,
};

const SIZES: Record<"xla" | "wasm", Partial<RunConfig>> = {
  xla: { imageSize: 32, patchSize: 8, width: 64, headWidth: 64, codeWidth: 32, batchSize: 8 },
  wasm: { imageSize: 16, patchSize: 8, width: 16, headWidth: 16, codeWidth: 8, batchSize: 4 },
};

/** Engines that the soak runs on. */
export type SoakEngine = keyof typeof SIZES;

/** What stays the same for all trainings of a soak. */
export interface Trainings {
  stage: Stage;
  server: ShardServer;
  engine: SoakEngine;
  seed: number;
}

/** Settings of one training beside the common ones. */
export interface Training {
  feed: Feed;
  out: string;
  /** Steps in all; 0: until it is stopped. */
  steps: number;
  keep: number;
  resume: boolean;
}

/** The command of a training. */
export function trainCommand(
  { stage, server, engine, seed }: Trainings,
  { feed, out, steps, keep, resume }: Training,
): Promise<Command> {
  const data = feed === "files" ? stage.pictures : server.url(stage.tarPattern);
  const settings: Partial<RunConfig> = {
    ...COMMON,
    ...SIZES[engine],
    ...(feed === "http" && { epochPictures: PICTURES }),
    engine,
    seed,
    data,
    out,
    steps,
    keep,
  };
  const flags = Object.entries(settings).map(([key, value]) => `--${flagName(key)}=${value}`);
  return taskCommand("train", [...flags, ...(resume ? ["--resume"] : [])]);
}

/** Paths of a run folder that the soak looks at. */
export function runPaths(out: string): { metrics: string; checkpoints: string; config: string; bad: string } {
  return {
    metrics: join(out, "metrics.jsonl"),
    checkpoints: join(out, "checkpoints"),
    config: join(out, "config.json"),
    bad: join(out, "bad.jsonl"),
  };
}

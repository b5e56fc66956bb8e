/** One run of a method: where it lies, how it is started and gone on with, and what it leaves. */
import { join } from "node:path";
import { UsageError } from "../../src/cli/usage_error.ts";
import { lockFolder } from "../../src/files/lock.ts";
import { publishFile } from "../../src/files/publish.ts";
import { checkpointFolder } from "../../src/train/run/checkpoint.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { followLines } from "../whole_run.ts";
import { runPython } from "../peer.ts";
import { pythonProgram, taskProgram } from "../whole_sides.ts";
import { type Mark, markEvery } from "./budget.ts";
import type { LearnData } from "./data.ts";
import type { MethodName, MethodSettings } from "./methods.ts";

/** What all runs of a benchmark have in common. */
export interface LearnModel {
  /** The whole configuration of ours without a method's settings; peers take the encoder's sizes from it. */
  config: RunConfig;
  /** Threads of the peers. */
  threads: number;
  /** What the peers compute on. */
  device: "cpu" | "cuda";
}

/** One run. */
export interface LearnRun {
  method: MethodName;
  settings: MethodSettings;
  seed: number;
  /** Pictures in a step. */
  batch: number;
  steps: number;
  marks: readonly Mark[];
  /** Pictures at the first mark. */
  firstMark: number;
}

/** How a run is started. */
type Started = { command: string; args: string[]; cwd: string; env: Record<string, string>; lines: string };

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

/** Pictures in a step of a method with such settings. */
export function batchOf(config: RunConfig, settings: MethodSettings): number {
  return typeof settings.batchSize === "number" ? settings.batchSize : config.batchSize;
}

/** The file with the weights after so many steps. */
export function weightsPath(folder: string, { method }: Pick<LearnRun, "method">, step: number): string {
  return method === "saae"
    ? join(checkpointFolder(join(folder, "run")), `step-${String(step).padStart(8, "0")}.safetensors`)
    : join(folder, `encoder-${step}.safetensors`);
}

/** The settings of `deno task train` for a run of ours. A run that warms up for a tenth does so at any length. */
export function ourConfig(
  { settings, seed, batch, steps, firstMark }: LearnRun,
  { config }: LearnModel,
  data: Pick<LearnData, "shards" | "parts">,
): Partial<RunConfig> {
  const perEpoch = Math.floor(data.parts.train.count / batch), epochs = steps / perEpoch;
  const { preset, imageSize, patchSize, batchSize, engine, plugin, memoryFraction, preallocate } = config;
  return {
    ...{ preset, imageSize, patchSize, batchSize, engine, plugin, memoryFraction, preallocate },
    warmupEpochs: epochs / 10,
    ...settings,
    ...{ seed, epochs, data: data.shards },
    ...{ figures: false, checkpointSteps: markEvery(batch, firstMark), checkpointMinutes: 2, keep: 100_000 },
  };
}

async function startOurs(
  run: LearnRun,
  model: LearnModel,
  data: LearnData,
  folder: string,
): Promise<Started> {
  const out = join(folder, "run"), config = join(folder, "train.json"), lines = join(out, "metrics.jsonl");
  await publishFile(config, JSON.stringify(ourConfig(run, model, data), null, 2));
  const again = await exists(join(out, "config.json"));
  const args = ["--config", config, "--out", out, ...again ? ["--resume"] : []];
  return { ...taskProgram("train", args), lines };
}

async function startPeer(
  run: LearnRun,
  model: LearnModel,
  data: LearnData,
  folder: string,
): Promise<Started> {
  const { batchSize: _, ...settings } = run.settings, { train } = data.parts;
  const given = {
    ...{
      method: run.method,
      settings,
      seed: run.seed,
      steps: run.steps,
      marks: run.marks.map(({ step }) => step),
    },
    config: { ...model.config, batchSize: run.batch },
    ...{ pictures: train.base, labels: train.labels, count: train.count, classes: train.names.length },
    ...{ out: folder, threads: model.threads, device: model.device, saveSeconds: 60 },
  };
  const path = join(folder, "given.json");
  await publishFile(path, JSON.stringify(given, null, 2));
  return { ...pythonProgram("learn.py", [path]), lines: join(folder, "marks.jsonl") };
}

/**
 * Refuses settings that the peers do not have, before any work.
 *
 * @param scratch A folder for a file.
 * @throws {UsageError} Names the method and what settings there are.
 */
export async function checkPeers(
  subjects: readonly Pick<LearnRun, "method" | "settings">[],
  scratch: string,
): Promise<void> {
  const given = subjects.filter(({ method }) => method !== "saae").map((
    { method, settings: { batchSize: _, ...own } },
  ) => ({
    method,
    settings: own,
  }));
  if (given.every(({ settings }) => Object.keys(settings).length === 0)) return;
  const path = join(scratch, "check.json");
  await publishFile(path, JSON.stringify(given));
  const { args: [script] } = pythonProgram("learn.py", []);
  await runPython([script, "--check", path]).catch((error) => {
    throw new UsageError((error as Error).message);
  });
}

/** The program of a run, to be started or gone on with in its folder. */
export function startOf(run: LearnRun, model: LearnModel, data: LearnData, folder: string): Promise<Started> {
  return (run.method === "saae" ? startOurs : startPeer)(run, model, data, folder);
}

/** Removes the checkpoints of ours at which nothing is looked at, and what only a run that goes on needs. */
async function tidy(run: LearnRun, folder: string): Promise<void> {
  await Deno.remove(join(folder, "state.pt")).catch(() => {});
  if (run.method !== "saae") return;
  const kept = new Set(run.marks.map(({ step }) => weightsPath(folder, run, step)));
  const checkpoints = checkpointFolder(join(folder, "run"));
  for (const { name } of await Array.fromAsync(Deno.readDir(checkpoints))) {
    const path = join(checkpoints, name);
    if (/^step-\d+\.safetensors$/.test(name) && !kept.has(path)) await Deno.remove(path);
  }
}

/** What watches a run. */
export interface Watching {
  signal: AbortSignal;
  /** Takes lines for people. */
  say: (line: string) => void;
  /** Told how far it is. */
  at: (step: number) => void;
}

/** Milliseconds between looks at a run. */
const LOOK = 1000;

/** Runs a program to its end; what it says goes to a file. */
async function runProgram(started: Started, log: string, { signal, at }: Watching): Promise<void> {
  const { command, args, cwd, env, lines } = started, follow = followLines(lines);
  signal.throwIfAborted();
  const child = new Deno.Command(command, {
    ...{ args, cwd, env, clearEnv: true },
    ...{ stdin: "null", stdout: "null", stderr: "piped" },
  }).spawn();
  const end = () => child.kill("SIGTERM");
  signal.addEventListener("abort", end, { once: true });
  const timer = setInterval(() => {
    const last = follow().at(-1);
    if (last !== undefined) at(Number(JSON.parse(last).step ?? 0));
  }, LOOK);
  try {
    const [said, { success, code }] = await Promise.all([new Response(child.stderr).text(), child.status]);
    await Deno.writeTextFile(log, said, { append: true });
    signal.throwIfAborted();
    if (!success) {
      const text = said.trim().split("\n").slice(-15).join("\n");
      throw new Error(`${[command, ...args].join(" ")} ended with code ${code}:\n${text}`);
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", end);
  }
}

/**
 * Trains a run to its end; one that was stopped or killed goes on, and one that has ended is left alone.
 *
 * @param folder Its own; made where it is missing.
 * @throws {Error} The program fails; the last of what it said is part of the message.
 */
export async function trainRun(
  run: LearnRun,
  model: LearnModel,
  data: LearnData,
  folder: string,
  watching: Watching,
): Promise<void> {
  const { say, signal } = watching;
  signal.throwIfAborted();
  await Deno.mkdir(folder, { recursive: true });
  const end = weightsPath(folder, run, run.steps), own = join(folder, "run");
  // A benchmark that was killed may have left a program of ours that is still at it.
  if (run.method === "saae" && await exists(own)) {
    await (await lockFolder(own, { waiting: say, signal })).release();
  }
  if (!await exists(end)) {
    const started = await startOf(run, model, data, folder);
    await runProgram(started, join(folder, "log.txt"), watching);
    if (!await exists(end)) throw new Error(`${folder}: the run has ended without its last weights`);
  }
  await tidy(run, folder);
}

import { createHash } from "node:crypto";
import { join } from "node:path";
import { isPartial } from "../files/publish.ts";
import { readCheckpoint } from "../train/run/checkpoint.ts";
import type { Scope } from "./ledger.ts";
import { runPaths } from "./model.ts";
import { namesIn } from "./moments.ts";

/** What an undisturbed training left: what all others are held against. */
export interface Reference {
  /** The figures of every step that do not depend on the clock, as JSON; step 1 first. */
  figures: string[];
  /** SHA-256 over all tensors of a checkpoint, by its step. Those that were never seen are added when they are. */
  digests: Map<number, string>;
}

/** What was found in a run folder. */
export interface Found {
  /** Steps of the last checkpoint; 0 without one. */
  checkpoint: number;
  /** Whole lines of metrics.jsonl. */
  lines: number;
  /** True when its last line is torn. */
  torn: boolean;
  /** Files that were being written when the process died. */
  leftovers: string[];
}

/** SHA-256 over the names, shapes and bytes of a checkpoint's tensors. */
export async function tensorDigest(path: string): Promise<{ step: number; digest: string; finite: boolean }> {
  const { tensors, step } = await readCheckpoint(path), hash = createHash("sha256");
  let finite = true;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors).sort(([a], [b]) => a < b ? -1 : 1)) {
    hash.update(`${name} ${dtype} ${shape}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    if (data instanceof Float32Array) finite &&= data.every(Number.isFinite);
  }
  return { step, digest: hash.digest("hex"), finite };
}

/** Steps of the checkpoints in a run folder, rising. */
export function checkpointSteps(out: string): number[] {
  return namesIn(runPaths(out).checkpoints)
    .flatMap((name) => /^step-(\d+)\.safetensors$/.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b);
}

/** The path of a checkpoint. */
export function checkpointPath(out: string, step: number): string {
  return join(runPaths(out).checkpoints, `step-${String(step).padStart(8, "0")}.safetensors`);
}

/** A line of metrics.jsonl without what depends on the clock. */
export function figuresOf(line: Record<string, unknown>): string {
  const { imagesPerSecond: _, waiting: __, mfu: ___, ...rest } = line;
  return JSON.stringify(rest);
}

/** The lines of a file; the last one apart when no line break ends it. */
export async function readLines(path: string): Promise<{ lines: string[]; torn: string }> {
  const text = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  const lines = text.split("\n"), torn = lines.pop()!;
  return { lines, torn };
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Every checkpoint reads, is finite, and has the weights that the undisturbed run had after as many steps. */
async function inspectCheckpoints(out: string, reference: Reference, scope: Scope): Promise<number> {
  const steps = checkpointSteps(out);
  for (const step of steps) {
    const path = checkpointPath(out, step);
    const read = await tensorDigest(path).catch((error: Error) => error);
    const fault = read instanceof Error
      ? read.message
      : read.step !== step
      ? `says it is of step ${read.step}`
      : read.finite
      ? ""
      : "holds values that are no finite numbers";
    if (!scope.check("whole", fault === "", () => `${path}: ${fault}`) || read instanceof Error) continue;
    const known = reference.digests.get(step);
    if (known === undefined) reference.digests.set(step, read.digest);
    else {
      scope.check(
        "weights",
        known === read.digest,
        () => `${path}: tensors have SHA-256 ${read.digest}, in the undisturbed run ${known}`,
      );
    }
  }
  return steps.at(-1) ?? 0;
}

/** metrics.jsonl: each step once, in order, with the figures of the undisturbed run. */
async function inspectMetrics(out: string, checkpoint: number, reference: Reference, scope: Scope) {
  const { metrics } = runPaths(out), { lines, torn } = await readLines(metrics);
  const wrong = lines.findIndex((line, i) => parsed(line)?.step !== i + 1);
  scope.check(
    "metrics",
    wrong < 0,
    () => `${metrics}, line ${wrong + 1} should be of step ${wrong + 1}: ${lines[wrong].slice(0, 200)}`,
  );
  scope.check(
    "metrics",
    lines.length >= checkpoint,
    () => `${metrics} has ${lines.length} lines, but there is a checkpoint of step ${checkpoint}`,
  );
  const undisturbed = (values: Record<string, unknown>) => reference.figures[Number(values.step) - 1];
  const other = lines.map(parsed).find((values) => {
    const expected = values === null ? undefined : undisturbed(values);
    return expected !== undefined && figuresOf(values!) !== expected;
  });
  scope.check("losses", !other, () => `${metrics}: ${figuresOf(other!)}, undisturbed ${undisturbed(other!)}`);
  return { lines: lines.length, torn: torn !== "" };
}

/**
 * Looks at a run folder that nobody uses: everything that a resumed run would read must be whole and right.
 *
 * @param out The run folder; it need not exist.
 * @param before The last checkpoint that was there earlier, which must not have gone.
 */
export async function inspectRun(
  out: string,
  reference: Reference,
  before: number,
  scope: Scope,
): Promise<Found> {
  const paths = runPaths(out), names = namesIn(out);
  if (names.includes("config.json")) {
    const text = await Deno.readTextFile(paths.config);
    scope.check("whole", parsed(text) !== null, () => `${paths.config} is no JSON: ${text.slice(0, 200)}`);
  }
  const checkpoint = await inspectCheckpoints(out, reference, scope);
  scope.check(
    "kept",
    checkpoint >= before,
    () => `the last checkpoint is of step ${checkpoint}, though one of step ${before} was there`,
  );
  const { lines, torn } = await inspectMetrics(out, checkpoint, reference, scope);
  const bad = await readLines(paths.bad), keys = bad.lines.map((line) => parsed(line)?.key);
  scope.check(
    "whole",
    new Set(keys).size === keys.length && !keys.includes(undefined),
    () => `${paths.bad} names a picture twice, or is no JSON: ${keys}`,
  );
  const leftovers = [out, paths.checkpoints].flatMap((folder) =>
    namesIn(folder).filter(isPartial).map((name) => join(folder, name))
  );
  return { checkpoint, lines, torn, leftovers };
}

/** Names that only something unfinished has. */
const UNFINISHED =
  /^\.?partial|\.partial(-|$)|\.part$|\.tmp$|^\.stage-|^\.wheels-|\.kept$|^\..*\.old$|^(\..+)?\.lock$/;

/** All paths below a folder that look unfinished, and all in the folders for temporary files. */
export function leftoversIn(folders: readonly string[], temporary: readonly string[] = []): string[] {
  const found: string[] = [];
  const walk = (folder: string, all: boolean) => {
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      if (all || UNFINISHED.test(name) || isPartial(name)) found.push(path);
      else if (Deno.lstatSync(path).isDirectory) walk(path, all);
    }
  };
  for (const folder of folders) walk(folder, false);
  for (const folder of temporary) walk(folder, true);
  return found;
}

import { join } from "node:path";
import {
  checkpointPath,
  checkpointSteps,
  figuresOf,
  readLines,
  type Reference,
  tensorDigest,
} from "./inspect.ts";
import { sampleProcess, type Trend, trendOf } from "./memory.ts";
import { CHECKPOINT_STEPS, type Feed, runPaths, trainCommand } from "./model.ts";
import { pause, untilTrue } from "./moments.ts";
import type { Running } from "./process.ts";
import type { Lane } from "./types.ts";

/** An undisturbed training, as it went. */
export interface Recorded extends Reference {
  feed: Feed;
  /** Steps that it did. */
  done: number;
  /** Milliseconds until its first step, and of a step. */
  startup: number;
  stepTime: number;
  /** Bytes of a checkpoint. */
  checkpointBytes: number;
  /** Null where the system does not tell. */
  trend: Trend | null;
}

/** More checkpoints than can be written between two looks. */
const KEEP = 40;

/** More steps than any machine does in a second; should the soak itself be killed, its training still ends one day. */
const MOST_A_SECOND = 400;

/** The inode of a file, by which one that was replaced is told; null when there is none. */
export function inodeOf(path: string): number | null {
  try {
    return Deno.statSync(path).ino;
  } catch {
    return null;
  }
}

/** The step of the last whole line of a run's metrics; 0 without one. */
export function lastStep(path: string): number {
  try {
    using file = Deno.openSync(path);
    file.seekSync(Math.max(0, file.statSync().size - 4096), Deno.SeekMode.Start);
    const bytes = new Uint8Array(4096), got = file.readSync(bytes) ?? 0;
    const steps = [...new TextDecoder().decode(bytes.subarray(0, got)).matchAll(/"step":(\d+),[^\n]*\n/g)];
    return Number(steps.at(-1)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Resolves, true, when a training has logged its first step after `step`; false when it ended before or never does. */
export function untilBegun(
  running: Running,
  out: string,
  inode: number | null,
  step: number,
  most: number,
): Promise<boolean> {
  const { metrics } = runPaths(out);
  return untilTrue(() => inodeOf(metrics) !== inode && lastStep(metrics) > step, running, most, 20);
}

/** Notes the weights of every checkpoint while a training goes on. */
async function noteDigests(out: string, running: Running, digests: Map<number, string>): Promise<void> {
  const look = async () => {
    for (const step of checkpointSteps(out)) {
      if (digests.has(step)) continue;
      // One that is removed meanwhile was looked at too late.
      const read = await tensorDigest(checkpointPath(out, step)).catch(() => null);
      if (read) digests.set(step, read.digest);
    }
  };
  while (!running.over) {
    await look();
    await pause(150, running);
  }
  await look();
}

/**
 * Trains for one step, so that the program of all other trainings is compiled.
 *
 * @throws {Error} When the training fails.
 */
export async function compileOnce(lane: Lane): Promise<void> {
  const out = join(lane.folder, "compiled"), { soak, nursery } = lane;
  const training = { feed: "files", out, steps: 1, keep: KEEP, resume: false } as const;
  const { code, text } = await nursery.start(await trainCommand(soak, training)).ended;
  if (code !== 0 && !soak.signal.aborted) {
    throw new Error(`a training of one step ended with exit code ${code}:\n${text}`);
  }
  await Deno.remove(out, { recursive: true });
}

/**
 * Trains for a while without disturbance, then stops the training by SIGTERM.
 *
 * @param seconds How long, from the first step on.
 * @throws {Error} When the training fails: without it nothing can be checked.
 */
export async function recordReference(lane: Lane, feed: Feed, seconds: number): Promise<Recorded> {
  const { soak } = lane, out = join(lane.folder, `undisturbed-${feed}`), digests = new Map<number, string>();
  const running = lane.nursery.start(
    await trainCommand(soak, {
      feed,
      out,
      steps: Math.ceil(MOST_A_SECOND * seconds),
      keep: KEEP,
      resume: false,
    }),
  );
  const failed = async (what: string) => {
    running.kill("SIGKILL");
    return new Error(`the undisturbed training over ${feed} ${what}:\n${(await running.ended).text}`);
  };
  const sampling = sampleProcess(running), noting = noteDigests(out, running, digests);
  if (!await untilBegun(running, out, null, 0, 600_000)) throw await failed("did not begin");
  const startup = running.age();
  await pause(1000 * seconds, running);
  running.kill("SIGTERM");
  const { code } = await running.ended;
  await noting;
  if (code !== 143 && code !== 0) throw await failed(`ended with exit code ${code}`);
  const { lines } = await readLines(runPaths(out).metrics), steps = checkpointSteps(out);
  const { size } = await Deno.stat(checkpointPath(out, steps.at(-1)!));
  await Deno.remove(out, { recursive: true });
  return {
    feed,
    figures: lines.map((line) => figuresOf(JSON.parse(line))),
    digests,
    done: lines.length,
    startup,
    stepTime: 1000 * seconds / lines.length,
    checkpointBytes: size,
    trend: trendOf(await sampling),
  };
}

/** How many steps a round should have so that it takes some seconds; the weights after them are known. */
export function roundSteps({ digests, stepTime, done }: Recorded, seconds: number): number {
  const wanted = Math.min(done, 1000 * seconds / stepTime);
  const known = [...digests.keys()].filter((step) => step % CHECKPOINT_STEPS === 0 && step <= wanted);
  return Math.max(CHECKPOINT_STEPS, ...known);
}

/** How many pictures a second a run sees on this machine. */
import { join } from "node:path";
import type { Data } from "../data/open/data.ts";
import type { Engine } from "../engine/types.ts";
import { PARTIAL } from "../files/publish.ts";
import type { RunConfig } from "./config/settings.ts";
import { planSteps } from "./run/plan.ts";
import { silent } from "./show/progress.ts";
import { disposeTree } from "./state.ts";
import { train } from "./train.ts";

/** Steps that are timed at least, after the first, which compiles. */
const LEAST_STEPS = 3;

/** Seconds that are timed at most, and the share of the budget that this may be. */
const SECONDS = 20, SHARE = 0.05;

/** The folder of the trial, inside the run's: what a killed one leaves keeps nobody from using that. */
const FOLDER = `${PARTIAL}rate`;

/** What {@linkcode measureRate} measures on. */
export interface RateOptions {
  engine: Engine;
  source: Data;
  /** The budget: at most a twentieth of it is spent, and at most 20 seconds, but four steps at least. */
  minutes: number;
  signal?: AbortSignal;
  /** Takes a line for people: where the trial fails, the pictures that could not be read. */
  progress?: (line: string) => void;
}

/**
 * Measures how many pictures a second a run trains on, from the end of its first step on: in a trial whose folder, inside
 * `config.out`, is removed again.
 *
 * @returns Pictures a second; null where the signal came first.
 * @throws {RangeError} When the time is not above 0.
 * @throws {Error} When the training fails.
 */
export async function measureRate(
  config: RunConfig,
  { engine, source, minutes, signal, progress: say = silent.line }: RateOptions,
): Promise<number | null> {
  if (!(minutes > 0)) throw new RangeError(`minutes is ${minutes}; it must be above 0`);
  const out = join(config.out, FOLDER), enough = new AbortController(), times: number[] = [];
  const { perEpoch } = planSteps({ ...config, epochs: 1, steps: 0 }, source);
  const seconds = Math.min(SECONDS, 60 * SHARE * minutes);
  // As long as it may become. Nothing is learned: without its warm-up a run might diverge, and takes no less time. Any
  // weights will do.
  const schedule = { epochs: 1e6 / perEpoch, steps: 0, warmupEpochs: 0, lr: 0, minLr: 0 };
  const trial = { ...config, out, resume: false, init: "", ...schedule };
  const quiet = {
    figures: false,
    tensorboard: false,
    checkpointMinutes: 0,
    checkpointSteps: 0,
    logEvery: 1e6,
  };
  const step = () => {
    times.push(performance.now());
    if (times.length > LEAST_STEPS && times.at(-1)! - times[0] > 1000 * seconds) enough.abort();
  };
  const asked = signal ? AbortSignal.any([signal, enough.signal]) : enough.signal;
  const remove = () => Deno.remove(out, { recursive: true }).catch(() => {});
  await remove();
  // The run itself will tell of bad pictures, if it comes to that.
  const bad: string[] = [];
  const line = (text: string) => void (/^(skipped|lost) /.test(text) && bad.push(text));
  try {
    const progress = { ...silent, step, line };
    const { state } = await train({ ...trial, ...quiet }, {
      ...{ engine, source, progress, signal: asked, checkpoints: false },
    });
    disposeTree(state);
  } catch (error) {
    bad.forEach(say);
    throw error;
  } finally {
    await remove();
  }
  if (signal?.aborted) return null;
  return 1000 * config.batchSize * (times.length - 1) / (times.at(-1)! - times[0]);
}

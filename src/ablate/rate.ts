/** A budget of minutes becomes a number of pictures once, so that a busy machine changes nothing afterwards. */
import { join } from "node:path";
import type { Engine } from "../engine/types.ts";
import type { Data } from "../data/open/data.ts";
import type { RunConfig } from "../train/config/settings.ts";
import { planSteps } from "../train/run/plan.ts";
import { silent } from "../train/show/progress.ts";
import { disposeTree } from "../train/state.ts";
import { train } from "../train/train.ts";
import { RATE_FOLDER } from "./plan.ts";

/** Steps that are timed at least, after the first, which compiles. */
const LEAST_STEPS = 3;

/** Seconds that are timed at most, and the share of the budget that this may be. */
const SECONDS = 20, SHARE = 0.05;

/**
 * Measures how many pictures a second the whole method trains on: in a trial whose folder is removed again, from the end
 * of its first step on.
 *
 * @param config The whole method's settings.
 * @param out The ablation's folder.
 * @param minutes The budget: at most a twentieth of it is spent, and at most 20 seconds, but four steps at least.
 * @returns Pictures a second; null where the signal came first.
 * @throws {Error} When the training fails.
 */
export async function measureRate(
  config: RunConfig,
  { engine, data, out, minutes, signal }: {
    engine: Engine;
    data: Data;
    out: string;
    minutes: number;
    signal?: AbortSignal;
  },
): Promise<number | null> {
  const folder = join(out, RATE_FOLDER), enough = new AbortController(), times: number[] = [];
  const { perEpoch } = planSteps({ ...config, epochs: 1, steps: 0 }, data);
  const seconds = Math.min(SECONDS, 60 * SHARE * minutes);
  // As long as it may become; the schedule does not matter.
  const trial = { ...config, out: folder, resume: false, epochs: 1e6 / perEpoch, warmupEpochs: 0 };
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
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  try {
    const progress = { ...silent, step };
    const { state } = await train({ ...trial, ...quiet }, { engine, source: data, progress, signal: asked });
    disposeTree(state);
  } finally {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
  if (signal?.aborted) return null;
  return 1000 * config.batchSize * (times.length - 1) / (times.at(-1)! - times[0]);
}

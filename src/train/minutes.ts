/** How long a run of so many minutes is. */
import { plural } from "../text/amounts.ts";
import { ConfigError } from "./config/config.ts";
import { presetConfig } from "./config/presets.ts";
import type { RunConfig } from "./config/settings.ts";
import { measureRate, type RateOptions } from "./rate.ts";
import { planSteps } from "./run/plan.ts";
import { labelled } from "./show/describe.ts";
import { silent } from "./show/progress.ts";

/** What {@linkcode withMinutes} needs. */
export interface MinutesOptions extends Omit<RateOptions, "minutes"> {
  /** Leaves `warmupEpochs` as it is; else it is the preset's, a tenth of the epochs at most. */
  keepWarmup?: boolean;
  /** Takes a line for people. */
  progress?: (line: string) => void;
}

/**
 * A run that trains for so many minutes on this machine: how many pictures a second it sees is measured once, for at most
 * a twentieth of the time, and gives the epochs. From then on they are fixed: the learning rate falls to its end with
 * them, a busy machine changes the time and nothing else, and the run resumes like any other. Evaluations come on top.
 *
 * @param config The run; `out` names its folder, `batchSize` is a number (see {@linkcode withBatchSize}).
 * @param minutes The time, with what measuring takes.
 * @returns The configuration with its epochs, of two steps at least; null where the signal came first.
 * @throws {ConfigError} When several nodes train together, the data has no batch, or the warm-up is longer than the run.
 * @throws {RangeError} When the time is not above 0.
 * @throws {Error} When the training fails.
 */
export async function withMinutes(
  config: RunConfig,
  minutes: number,
  { engine, source, signal, keepWarmup = false, progress = silent.line }: MinutesOptions,
): Promise<RunConfig | null> {
  if (!(minutes > 0 && minutes < Infinity)) throw new RangeError(`minutes is ${minutes}; it must be above 0`);
  if (config.nodes > 1) {
    throw new ConfigError("minutes are measured on one node; with several, give the epochs");
  }
  const { perEpoch } = planSteps({ ...config, epochs: 1, steps: 0 }, source), { batchSize } = config;
  const say = (text: string) => progress(labelled("length", text)), start = performance.now();
  say("measuring how many pictures a second are trained on");
  const rate = await measureRate(config, { engine, source, minutes, signal, progress });
  if (rate === null) return null;
  const left = 60 * minutes - (performance.now() - start) / 1000;
  const steps = Math.max(2, Math.floor(left * rate / batchSize));
  const epochs = Number((steps / perEpoch).toPrecision(6));
  say(
    `${rate.toFixed(1)} pictures/s: ${plural(minutes, "minute")} are ${steps * batchSize} pictures, ` +
      `--epochs ${epochs}`,
  );
  const warmupEpochs = keepWarmup
    ? config.warmupEpochs
    : Math.min(presetConfig(config.preset).warmupEpochs, epochs / 10);
  if (warmupEpochs > epochs) {
    throw new ConfigError(
      `warmupEpochs is ${warmupEpochs}, but ${plural(minutes, "minute")} are ${epochs} epochs`,
    );
  }
  return { ...config, epochs, steps: 0, warmupEpochs };
}

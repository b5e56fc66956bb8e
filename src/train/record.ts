import { refusal } from "./finite.ts";
import type { LoopOptions } from "./loop.ts";
import { metricsLine, type MetricsLog } from "./run/metrics_file.ts";
import type { Meter } from "./show/meter.ts";
import type { Progress } from "./show/progress.ts";
import type { Watch } from "./watch.ts";

/** What is needed to check and record finished steps. */
export interface RecorderOptions {
  total: number;
  /** Pictures in a step, for the time that is left. */
  batchSize: number;
  /** Steps between two lines of the metrics; the last step always has one. */
  logEvery: number;
  /** Rates of a step, from 0, that its line also says. */
  rates(step: number): { lr: number; wd: number };
  metrics: Pick<MetricsLog, "write">;
  meter: Pick<Meter, "tick">;
  progress: Pick<Progress, "step">;
  /** The evaluators' latest findings. */
  found(): Record<string, number>;
  /** Looks for signs that the run fails; a warning has its line of the metrics. */
  watch?: Pick<Watch, "step">;
  /** The last checkpoint on the disk. */
  checkpoint(): string | null;
}

/**
 * Checks each finished step and records it.
 *
 * @returns A function that throws a {@linkcode NonFiniteError} for a step with a value that is not a finite number.
 */
export function recorder(options: RecorderOptions): LoopOptions<never, never>["record"] {
  const { total, batchSize, logEvery, metrics, meter, progress } = options;
  return ({ step, batch: { epoch, keys, bad }, done }, values) => {
    const wrong = Object.entries(values).filter(([, value]) => !Number.isFinite(value));
    if (wrong.length > 0) {
      const what = wrong.map(([name, value]) => `${name} is ${value}`).join(", ");
      throw refusal(step, keys, what, options.checkpoint());
    }
    const { imagesPerSecond, waiting, mfu } = meter.tick(done), { lr, wd } = options.rates(step - 1);
    const line = metricsLine({ step, epoch, lr, wd, imagesPerSecond, mfu, waiting, bad }, values);
    const warning = options.watch?.step(step, values);
    if (step % logEvery === 0 || step === total || warning) metrics.write(line, warning);
    progress.step(line, total, (total - step) * batchSize / imagesPerSecond, options.found());
  };
}

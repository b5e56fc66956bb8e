/** Signs that a run fails, found in what its steps and evaluators report. Looking changes nothing of the training. */
import { gridSize, type ModelConfig } from "../model/config.ts";
import type { LossConfig } from "../model/loss_config.ts";
import { type EvaluationLine, isStep, type MetricsLine } from "./run/metrics_file.ts";

/** Settings of a run that its signs depend on. A whole run configuration is one. */
export interface WatchSettings extends ModelConfig, LossConfig {
  batchSize: number;
  warmupEpochs: number;
}

/** How a watch is opened. */
export interface WatchOptions {
  /** Steps in an epoch, and of the run. */
  perEpoch: number;
  total: number;
  /** Takes each warning, for people. */
  say: (text: string) => void;
}

/**
 * Looks at a run as it goes on. `step` and `evaluation` give a warning, for the metrics, where a sign has come and was not
 * told of late.
 */
export interface Watch {
  /**
   * Looks at what a step reports.
   *
   * @param step Steps done, from 1.
   */
  step(step: number, values: Readonly<Record<string, number | undefined>>): string | undefined;
  /** Looks at what an evaluator has found after a step. */
  evaluation(
    step: number,
    evaluator: string,
    values: Readonly<Record<string, number | string | null>>,
  ): string | undefined;
  /**
   * Looks, without a word, at a line that a run which goes on has recorded, so that it is watched as if it had not been
   * stopped. Where not every step has a line, one stands for the steps since the line before.
   */
  recall(line: MetricsLine | EvaluationLine): void;
}

/** Steps over which values are averaged. */
export const WINDOW = 50;

/** Steps before which nothing is judged, and which lie at least between two warnings of one sign. */
const FIRST = 100, BETWEEN = 200;

/** Below this share of its greatest value the spread of codes is a collapse. */
export const COLLAPSED = 0.1;

/** A contrast is at chance from this share of the value that it has without any knowledge. */
export const AT_CHANCE = 0.97;

/** Looks, and the share of the run, for which neighbours may do no better before that is told. */
const LOOKS = 5, STILL = 0.2;

const GUIDE = "See docs/learning.md, When it fails";

/** The mean of the last values of a kind. */
function lastMean(): { add(value: number): void; mean(): number | undefined } {
  const values: number[] = [];
  let at = 0;
  return {
    add(value) {
      values[at++ % WINDOW] = value;
    },
    mean: () => values.length < WINDOW ? undefined : values.reduce((sum, value) => sum + value, 0) / WINDOW,
  };
}

/** A sign that steps can show: of one value, and what is said where its mean over the last steps is bad. */
interface Sign {
  value: string;
  bad(mean: number): boolean;
  text(mean: number): string;
}

/** The signs that are looked for, by the terms that the loss has. */
function signsOf(settings: WatchSettings): Sign[] {
  const { batchSize, classWeight, patchWeight } = settings, signs: Sign[] = [];
  const contrast = (value: string, what: string, among: string, chance: number): Sign => ({
    value,
    bad: (mean) => mean >= AT_CHANCE * chance,
    text: (mean) =>
      `the contrast of ${what} is at chance: ${mean.toFixed(2)} over the last ${WINDOW} steps, and ${
        chance.toFixed(2)
      }, ` +
      `the logarithm of ${among}, is what knowing nothing gives. Try another --lr (a third, three times), larger crops ` +
      `(--crop-scale 0.4,1) or weaker colours, and look whether the pictures differ (deno task data). ${GUIDE}`,
  });
  if (classWeight > 0) {
    signs.push({
      value: "codeSpread",
      bad: (mean) => mean < COLLAPSED,
      text: (mean) =>
        `the codes are collapsing: the spread of class codes was ${
          mean.toFixed(3)
        } of 1 over the last ${WINDOW} steps, ` +
        "so nearly all pictures have the same code. Stop the run; begin anew with a lower --lr, a longer --warmup-epochs " +
        `or a larger --batch-size, and look for copies among the pictures (deno task data). ${GUIDE}`,
    });
    // With one picture there is no other to tell it from.
    if (batchSize > 1) {
      const others = 2 * batchSize - 1;
      signs.push(contrast("class", "class codes", `${others} other views in a step`, Math.log(others)));
    }
  }
  const cells = gridSize(settings) ** 2;
  if (patchWeight > 0 && cells > 1) {
    signs.push(contrast("patch", "patch codes", `${cells} cells of a picture`, Math.log(cells)));
  }
  return signs;
}

/** The number of nearest neighbours that an evaluator has found, if it is one that looks for them. */
function neighboursOf(evaluator: string, { top1 }: Readonly<Record<string, unknown>>): number | undefined {
  return /(^|\s)knn$/.test(evaluator) && typeof top1 === "number" ? top1 : undefined;
}

/**
 * Begins to watch a run: whether the codes collapse, whether a contrast is at chance once the warm-up is over, and whether
 * nearest neighbours have stopped to rise. A sign is told at most once in a tenth of the run.
 *
 * @param settings The run.
 */
export function openWatch(settings: WatchSettings, { perEpoch, total, say }: WatchOptions): Watch {
  const between = Math.max(BETWEEN, Math.ceil(total / 10)), told = new Map<string, number>();
  const from = Math.max(FIRST, Math.ceil(settings.warmupEpochs * perEpoch) + WINDOW);
  const signs = signsOf(settings).map((sign) => ({ ...sign, last: lastMean() }));
  const best = new Map<string, { value: number; step: number; looks: number }>();
  let silent = false, recalled = 0;
  const tell = (sign: string, step: number, text: () => string): string | undefined => {
    if (step - (told.get(sign) ?? -Infinity) < between) return undefined;
    told.set(sign, step);
    const words = text();
    if (!silent) say(words);
    return words;
  };
  const watch: Watch = {
    step(step, values) {
      const warnings: string[] = [];
      for (const { value, bad, text, last } of signs) {
        const found = values[value];
        if (found === undefined) continue;
        last.add(found);
        const mean = last.mean();
        if (step < from || mean === undefined || !bad(mean)) continue;
        const warning = tell(value, step, () => text(mean));
        if (warning) warnings.push(warning);
      }
      return warnings.length > 0 ? warnings.join("; ") : undefined;
    },
    evaluation(step, evaluator, values) {
      const value = neighboursOf(evaluator, values), known = best.get(evaluator);
      if (value === undefined) return undefined;
      if (!known || value > known.value) return void best.set(evaluator, { value, step, looks: 0 });
      known.looks++;
      if (known.looks < LOOKS || step - known.step < STILL * total || step >= total) return undefined;
      return tell(
        evaluator,
        step,
        () =>
          `${evaluator} has not risen since step ${known.step}: ${known.value.toFixed(3)} there, ${
            value.toFixed(3)
          } now. ` +
          "The best state is kept in checkpoints/best-…; it may rise once more when the learning rate falls at the end. " +
          `What helps is more pictures, other crops and colours, or a larger model, rather than more epochs. ${GUIDE}`,
      );
    },
    recall(line) {
      silent = true;
      if (isStep(line)) {
        const { step } = line;
        for (let at = Math.max(recalled, step - WINDOW); at < step; at++) watch.step(step, line);
        recalled = step;
      } else watch.evaluation(line.step, line.evaluator, line);
      silent = false;
    },
  };
  return watch;
}

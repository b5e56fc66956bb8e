/** What is told of a run beside its figures: signs that it fails, and what is usual for runs like it. */
import { join } from "node:path";
import type { RunConfig } from "./config/settings.ts";
import { eachLine, isStep } from "./run/metrics_file.ts";
import { adviceFor, compareUsual, describeUsual, usualFor } from "./show/expectations.ts";
import type { Usual } from "./show/usual.ts";
import { openWatch, type Watch, WINDOW } from "./watch.ts";

/** The outlook of a run: to be told of each step and evaluation, and of the end. */
export interface Outlook extends Pick<Watch, "step" | "evaluation"> {
  /**
   * Compares where the run has come with what is usual.
   *
   * @param step Steps done.
   * @param found The evaluators' latest findings.
   */
  end(step: number, found: Readonly<Record<string, number>>): void;
}

/** What an outlook needs beside the configuration. */
export interface OutlookOptions {
  /** Pictures of an epoch; steps in an epoch, and of the run. */
  plan: { pictures: number; perEpoch: number; total: number };
  /** Whether the run goes on from a checkpoint. */
  resumed: boolean;
  /** What is usual, where that is known. Default: {@linkcode USUAL}. */
  table?: readonly Usual[];
  /** Takes a line for people: what it is about, and the words. */
  say: (label: string, text: string) => void;
}

/**
 * Begins to look at a run; says what is usual for it, where that is known.
 *
 * @throws {Error} When the metrics of a run that goes on cannot be read.
 */
export async function openOutlook(
  config: RunConfig,
  { plan: { pictures, perEpoch, total }, resumed, table, say }: OutlookOptions,
): Promise<Outlook> {
  const of = { pictures, planned: total * config.batchSize };
  const usual = usualFor(config, of, table), advice = resumed ? undefined : adviceFor(config, of, table);
  const path = join(config.out, "metrics.jsonl");
  if (usual) say("usual", describeUsual(usual));
  if (advice) say("advice", advice);
  const watch = openWatch(config, { perEpoch, total, say: (text) => say("warning", text) });
  const losses: number[] = [];
  const add = (loss: number) => {
    losses.push(loss);
    if (losses.length > WINDOW) losses.shift();
  };
  let before = 0;
  if (resumed) {
    await eachLine(path, (line) => {
      watch.recall(line);
      if (!isStep(line)) return;
      for (let at = Math.max(before, line.step - WINDOW); at < line.step; at++) add(line.loss);
      before = line.step;
    });
  }
  return {
    step(step, values) {
      if (values.loss !== undefined) add(values.loss);
      return watch.step(step, values);
    },
    evaluation: watch.evaluation,
    end(step, found) {
      if (!usual || losses.length === 0) return;
      const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
      const text = compareUsual(usual, step * config.batchSize, { loss, knn: found["knn top1"] });
      if (text) say("usual", text);
    },
  };
}

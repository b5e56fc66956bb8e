/** What runs and baselines have been found to be worth, as it is kept and as it is put together. */
import { join } from "node:path";
import { readOwnJson } from "../../src/files/own_json.ts";
import { publishFile } from "../../src/files/publish.ts";
import type { Judgement } from "./judge.ts";
import type { MethodSettings } from "./methods.ts";

/** A judgement at a mark of a run. */
export interface Judged {
  /** Pictures seen until then. */
  pictures: number;
  judgement: Judgement;
}

/** All judgements of a run. */
export interface RunResult {
  /** A method, `random encoder` or `raw pixels`. */
  method: string;
  settings: MethodSettings;
  seed: number;
  /** Pictures of the whole run; 0 for what is not trained. */
  pictures: number;
  /** Whether it was, or also was, a trial of settings. */
  trial: boolean;
  /** In the order of their pictures; the last is the end. */
  judged: readonly Judged[];
}

/** The file of a run's judgements. */
const JUDGED = "judged.json";

/** Reads what has been judged in a run's folder; null where nothing has. */
export function readResult(folder: string): Promise<RunResult | null> {
  return readOwnJson<RunResult>(join(folder, JUDGED), "remove it, and the run is judged once more");
}

/** Keeps what has been judged. */
export async function writeResult(folder: string, result: RunResult): Promise<void> {
  await publishFile(join(folder, JUDGED), JSON.stringify(result, null, 2) + "\n");
}

/**
 * Whether a judgement holds what is wanted.
 *
 * @param parts The parts that are asked for.
 * @param linear Whether probes are wanted.
 */
export function isEnough(
  judgement: Judgement | undefined,
  parts: readonly ("selection" | "test")[],
  linear: boolean,
): boolean {
  return parts.every((part) => {
    const tokens = Object.values(judgement?.[part] ?? {});
    return tokens.length > 0 && tokens.every((figures) => !linear || figures.linear !== undefined);
  });
}

/** The mean of some figures with their smallest and largest. */
export interface Summary {
  mean: number;
  min: number;
  max: number;
  count: number;
}

/** Sums figures up; null where there are none. */
export function summary(values: readonly number[]): Summary | null {
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, min: Math.min(...values), max: Math.max(...values), count: values.length };
}

/** What tokens' figures are compared by: the mean of neighbours and probe, or the neighbours alone where there is no probe. */
export function score({ knn, linear }: { knn: number; linear?: number }): number {
  return linear === undefined ? knn : (knn + linear) / 2;
}

/**
 * The token of a run that is best on the selection part.
 *
 * @returns Its name and its score; null where that part was not judged.
 */
export function bestToken(judgement: Judgement): { token: string; score: number } | null {
  const all = Object.entries(judgement.selection ?? {}).map(([token, figures]) => ({
    token,
    score: score(figures),
  }));
  return all.sort((a, b) => b.score - a.score)[0] ?? null;
}

/** The trial of a method that is best on the selection part, by its best token; several seeds count by their mean. */
export function bestTrial(results: readonly RunResult[]): { settings: MethodSettings; score: number } | null {
  const byTrial = new Map<string, { settings: MethodSettings; scores: number[] }>();
  for (const { settings, judged } of results) {
    const best = bestToken(judged.at(-1)?.judgement ?? {});
    if (!best) continue;
    const key = JSON.stringify(settings), trial = byTrial.get(key) ?? { settings, scores: [] };
    trial.scores.push(best.score);
    byTrial.set(key, trial);
  }
  const all = [...byTrial.values()].map(({ settings, scores }) => ({
    settings,
    score: summary(scores)!.mean,
  }));
  return all.sort((a, b) => b.score - a.score)[0] ?? null;
}

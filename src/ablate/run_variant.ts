/** Trains one variant with one seed, and measures it. */
import { join } from "node:path";
import type { Engine } from "../engine/types.ts";
import { embedSource, matchSets } from "../eval/feature_set.ts";
import { meanOf } from "../eval/hits.ts";
import { findNeighbours, knnHits } from "../eval/knn.ts";
import { publishFile } from "../files/publish.ts";
import type { RunConfig } from "../train/config/settings.ts";
import type { Evaluator } from "../train/evaluators.ts";
import { planSteps } from "../train/run/plan.ts";
import type { Progress } from "../train/show/progress.ts";
import { disposeTree } from "../train/state.ts";
import { train } from "../train/train.ts";
import { type AblationData, sizesOf } from "./data.ts";
import { BATCH_SIZE, embedderOf, type Embedders } from "./embedders.ts";
import { modelScores, type Scored, type ScoreOptions } from "./scores.ts";
import type { AblationResult } from "./types.ts";

/** Looks at a run while it trains, that at its end among them. */
const LOOKS = 6;

/** What runs share. */
export interface RunnerOptions {
  engine: Engine;
  data: AblationData;
  embedders: Embedders;
  progress: Progress;
  /** Told what is being done between trainings. */
  status: (text: string) => void;
  signal?: AbortSignal;
}

/** Nearest neighbours of a few pictures: an evaluator for curves, named `quick knn`. */
export function quickLook(config: RunConfig, steps: number, options: RunnerOptions): Evaluator {
  const { engine, embedders, data: { quick } } = options, { imageSize } = config;
  const how = {
    embed: embedderOf(engine, config, embedders),
    imageSize,
    batchSize: BATCH_SIZE,
    blocks: 0,
    onBad: () => {},
  };
  return {
    name: "quick knn",
    cadence: { steps: Math.max(1, Math.ceil(steps / LOOKS)), end: true },
    evaluate: async ({ state: { params, frozen, buffers } }) => {
      const state = { params, frozen, buffers };
      const gallery = await embedSource(quick.gallery, { ...how, state });
      const { train, test } = matchSets(gallery, await embedSource(quick.queries, { ...how, state }));
      const k = Math.min(20, train.labels.length), values: Record<string, number> = {};
      for (const kind of ["class", "mean"] as const) {
        const found = await findNeighbours(engine, train[kind]!, test![kind]!, k);
        const hits = knnHits(found, train.labels, test!.labels, train.names.length, [k]);
        values[kind] = meanOf(hits.get(k)!.top1);
      }
      return values;
    },
  };
}

/** Writes a result beside what it is of, so that it is not made again. */
export async function writeResult(file: string, result: AblationResult): Promise<void> {
  await publishFile(file, JSON.stringify(result, null, 2) + "\n");
}

/**
 * Trains a variant, from where its run folder ends, and measures it.
 *
 * @param config The run, see `runConfig`.
 * @returns Null where the signal stopped it; else the result, which is in the run folder as result.json.
 * @throws {Error} When the training or the measuring fails.
 */
export async function runVariant(
  config: RunConfig,
  { name, seed }: { name: string; seed: number },
  options: RunnerOptions,
): Promise<AblationResult | null> {
  const { engine, data, embedders, progress, status, signal } = options;
  const { total: steps } = planSteps(config, data.train);
  const evaluators = [quickLook(config, steps, options)];
  const { state, stopped } = await train(config, {
    engine,
    source: data.train,
    progress,
    signal,
    evaluators,
  });
  try {
    if (stopped || signal?.aborted) return null;
    const { params, frozen, buffers } = state;
    const scored = await modelScores(
      config,
      { params, frozen, buffers },
      embedders,
      scoreOptions(seed, options),
    );
    const pictures = steps * config.batchSize;
    const result = { variant: name, seed, pictures, steps, ...scored, data: sizesOf(data) };
    await writeResult(join(config.out, "result.json"), result);
    return result;
  } finally {
    disposeTree(state);
    status("");
  }
}

/** How models of an ablation are measured. */
export function scoreOptions(
  seed: number,
  { engine, data: { gallery, queries }, progress, status, signal }: RunnerOptions,
): ScoreOptions {
  const onBad: ScoreOptions["onBad"] = (bad) => progress.line(`left out: ${bad.message}`);
  return { engine, gallery, queries, seed, onBad, progress: status, signal };
}

/** A baseline's scores as a result. */
export function baselineResult(
  variant: string,
  seed: number,
  scored: Scored,
  data: AblationData,
): AblationResult {
  return { variant, seed, pictures: 0, steps: 0, ...scored, data: sizesOf(data) };
}

import type { Engine } from "../engine/types.ts";
import { type Embedder, embedder } from "../eval/embed.ts";
import { type ModelConfig, PRESETS } from "../model/config.ts";

/** Embedders by the sizes of their models, so that variants share a compiled encoder. */
export type Embedders = Map<string, Embedder>;

/** Pictures embedded at once. */
export const BATCH_SIZE = 64;

/** Settings of a model that do not change its encoder. */
const BEYOND_ENCODER: readonly (keyof ModelConfig)[] = ["aligner", "reconstructionTarget", "flipRule"];

/**
 * The embedder for a model's sizes; made at the first call.
 *
 * @param config The model; a whole run configuration is one.
 * @param known Those that there are; grows.
 */
export function embedderOf(engine: Engine, config: ModelConfig, known: Embedders): Embedder {
  const sizes = (Object.keys(PRESETS.base) as (keyof ModelConfig)[])
    .filter((name) => !BEYOND_ENCODER.includes(name)).map((name) => config[name]);
  const key = JSON.stringify(sizes);
  if (!known.has(key)) known.set(key, embedder(engine, config, { batchSize: BATCH_SIZE }));
  return known.get(key)!;
}

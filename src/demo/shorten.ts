import { presetConfig } from "../train/config/presets.ts";
import type { RunConfig } from "../train/config/settings.ts";

/**
 * The demo for an engine that runs op by op, more than ten times as slow: a quarter of an epoch takes the time that twenty
 * are meant to take. Batches of 128 would need more than the 2 GB that WebAssembly has.
 */
const SHORT = { epochs: 0.25, warmupEpochs: 0.05, batchSize: 16 } as const;

/**
 * Shortens the demo for a slow engine, unless the user has chosen its length.
 *
 * @param config The run.
 * @param given What the user has set; stays as it is.
 * @returns The same object where nothing is to be shortened.
 */
export function shortenDemo(config: RunConfig, given: Partial<RunConfig>): RunConfig {
  if (given.epochs !== undefined || given.steps !== undefined) return config;
  return { ...config, ...SHORT, ...given };
}

/**
 * What the demo's table says of a run with fewer epochs than the demo is meant to have.
 *
 * @param engine The engine's name.
 */
export function shortenedNotes(config: RunConfig, engine: string): string[] {
  const { epochs } = presetConfig(config.preset);
  if (config.steps > 0) return [`shortened: at most ${config.steps} steps (batches of ${config.batchSize})`];
  if (config.epochs >= epochs) return [];
  const why = engine === "wasm" ? ": the engine wasm takes too long for more" : "";
  return [`shortened: ${config.epochs} epochs (batches of ${config.batchSize}) instead of ${epochs}${why}`];
}

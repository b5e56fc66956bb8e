/** Checkpoints of detectors. */
import { type ReadClassifierOptions, readTrained, type StoredTrained } from "../finetune/classifier_file.ts";
import { type CheckpointKind, DETECTOR_FORMAT } from "../train/run/checkpoint_kinds.ts";
import { checkDetectSettings, detectorConfig } from "./config.ts";
import type { DetectorConfig } from "./model.ts";
import type { DetectConfig } from "./settings.ts";

/** How checkpoints of detectors are read. */
export const DETECTOR: CheckpointKind<DetectConfig> = {
  format: DETECTOR_FORMAT,
  settings: (values, where) => ({ ...checkDetectSettings(values, where), task: "detect" }) as DetectConfig,
};

/** A trained detector that has been read but is not on an engine yet. Its tensors are `backbone.…`, `pyramid.…`, `head.…`. */
export interface StoredDetector extends StoredTrained<DetectConfig> {
  config: DetectorConfig;
}

/**
 * Reads a detector that {@linkcode trainDetector} has trained: of a run folder its last checkpoint, or the best one.
 *
 * @param path A run folder, or a checkpoint in it.
 * @throws {Error} When there is none, it cannot be read, or the state that is meant was not kept.
 */
export async function readDetector(
  path: string,
  options: ReadClassifierOptions = {},
): Promise<StoredDetector> {
  const read = await readTrained(path, DETECTOR, "AP", options);
  return { ...read, config: detectorConfig(read.settings) };
}

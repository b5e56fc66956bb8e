/** What a linear probe of dense features is told. */
import { requireEngine } from "../../engine/required.ts";
import type { Engine } from "../../engine/types.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { ModelState } from "../../model/types.ts";
import { requireSeed } from "../../random.ts";
import { requireWhole } from "../../text/whole.ts";
import type { MaskedFile } from "./masked_files.ts";

/** What `segmentationProbe` learns from, and how. */
export interface SegmentationOptions {
  engine: Engine;
  config: ModelConfig;
  /** Read, never disposed. */
  state: ModelState;
  train: readonly MaskedFile[];
  test: readonly MaskedFile[];
  /** Passes over the patches. Default 20. */
  epochs?: number;
  /** Learning rate for 256 patches a step. Default .01. */
  lr?: number;
  /** Patches in a step. Default 1,024, or all where there are fewer. */
  batchSize?: number;
  /** Pictures embedded at once. Default 32. */
  embedBatch?: number;
  seed?: number;
  /** Told what is being done. */
  progress?: (text: string) => void;
}

/**
 * Refuses what cannot be used, before any work.
 *
 * @throws {TypeError} When the engine, the model, pictures or masks are none.
 * @throws {RangeError} When there are no pictures, or a number cannot be used.
 */
export function checkSegmentation(options: SegmentationOptions): void {
  requireEngine(options?.engine);
  const { state, config, epochs = 20, lr = 0.01, batchSize = 1024, embedBatch = 32, seed = 0 } = options;
  if (!config || !state?.params) {
    throw new TypeError("`config` and `state` must be the model's, as `readModel` and its `load` give them");
  }
  for (const part of ["train", "test"] as const) {
    const files = options[part];
    if (!Array.isArray(files) || !files.every((file) => file?.picture && file.mask)) {
      throw new TypeError(
        `\`${part}\` must be pictures with masks, such as \`await maskedFiles(FOLDER)\` gives`,
      );
    }
    if (files.length === 0) throw new RangeError(`\`${part}\` has no picture`);
  }
  requireWhole("epochs", epochs);
  requireWhole("batchSize", batchSize);
  requireWhole("embedBatch", embedBatch);
  requireSeed(seed);
  if (!(lr >= 0 && lr < Infinity)) throw new RangeError(`lr is ${lr}; it must be a number from 0 up`);
}

import { join } from "node:path";
import { encodePng } from "../../src/data/picture/png.ts";
import type { Batch } from "../../src/data/types.ts";
import { randomStream } from "../../src/random.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { packView } from "../../src/views/pack.ts";
import { sampleView } from "../../src/views/sample.ts";
import { VIEW_FIELDS } from "../../src/views/types.ts";

/** Writes a folder of small coloured pictures. */
export async function writePictures(folder: string, count: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const random = randomStream(1, "test", i);
    const data = Uint8Array.from({ length: 24 * 20 * 3 }, () => random.bits() & 255);
    const png = encodePng({ width: 24, height: 20, data });
    await Deno.writeFile(join(folder, `${String(i).padStart(2, "0")}.png`), png);
  }
}

/** Settings of a model that trains in milliseconds a step; 13 pictures give 3 steps an epoch. */
export const MINUSCULE = {
  imageSize: 16,
  patchSize: 8,
  width: 16,
  depth: 2,
  heads: 2,
  dropPath: 0.3,
  headWidth: 16,
  codeWidth: 8,
  decoderDepth: 1,
  decoderHeads: 2,
  batchSize: 4,
  warmupEpochs: 1,
  lr: 0.1,
  blurRadius: [0.1, 0.5] as [number, number],
  checkpointMinutes: 0,
  seed: 5,
} as const;

/** A batch of noise, always the same, with the views that a run of this seed would sample in an epoch. */
export function noiseBatch(config: RunConfig, seed: number, epoch = 0): Batch {
  const { imageSize, batchSize } = config;
  const views = new Float32Array(2 * batchSize * VIEW_FIELDS);
  for (const v of [0, 1] as const) {
    for (let i = 0; i < batchSize; i++) {
      packView(sampleView(config, seed, epoch, i, v), views, (v * batchSize + i) * VIEW_FIELDS);
    }
  }
  const indices = Array.from({ length: batchSize }, (_, i) => i);
  const bytes = { length: batchSize * imageSize ** 2 * 3 };
  return {
    epoch,
    indices,
    keys: indices.map(String),
    base: Uint8Array.from(bytes, (_, i) => Math.imul(i, 2654435761) >>> 24),
    views,
    next: { epoch, position: batchSize },
    came: [],
    shards: [],
    bad: 0,
  };
}

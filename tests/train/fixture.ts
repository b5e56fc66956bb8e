import { join } from "node:path";
import { encodePng } from "../../src/eval/png.ts";
import { randomStream } from "../../src/random.ts";

/** Writes a folder of small coloured pictures. */
export async function writePictures(folder: string, count: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const random = randomStream(1, "evaluation", i);
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

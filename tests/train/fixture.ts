import { crc32, deflateSync } from "node:zlib";
import { join } from "node:path";
import { randomStream } from "../../src/random.ts";

/** A PNG of RGB bytes. */
function png(width: number, height: number, rgb: Uint8Array): Uint8Array {
  const rows = new Uint8Array(height * (1 + 3 * width));
  for (let y = 0; y < height; y++) {
    rows.set(rgb.subarray(3 * width * y, 3 * width * (y + 1)), y * (1 + 3 * width) + 1);
  }
  const chunk = (type: string, data: Uint8Array) => {
    const out = new Uint8Array(12 + data.length), view = new DataView(out.buffer);
    view.setUint32(0, data.length);
    out.set(new TextEncoder().encode(type), 4);
    out.set(data, 8);
    view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
    return out;
  };
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2, 0, 0, 0], 8);
  const parts = [
    Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Writes a folder of small coloured pictures. */
export async function writePictures(folder: string, count: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const random = randomStream(1, "evaluation", i);
    const rgb = Uint8Array.from({ length: 24 * 20 * 3 }, () => random.bits() & 255);
    await Deno.writeFile(join(folder, `${String(i).padStart(2, "0")}.png`), png(24, 20, rgb));
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

/** A model and pictures small enough for tests. */
import { join } from "node:path";
import { encodePng } from "../../src/data/picture/png.ts";
import { type ModelConfig, PRESETS } from "../../src/model/config.ts";
export { withFolder } from "../with_folder.ts";

/** An encoder of 16-pixel pictures. */
export const TOY: ModelConfig = {
  ...PRESETS.demo,
  imageSize: 16,
  patchSize: 4,
  width: 16,
  depth: 2,
  heads: 2,
  headWidth: 16,
  codeWidth: 8,
  decoderDepth: 1,
  decoderHeads: 2,
};

/** `count` pictures of 16 × 16 × 3 bytes, each different. */
export function toyPictures(count: number, size = 16): Uint8Array {
  return Uint8Array.from({ length: count * size * size * 3 }, (_, i) => {
    const picture = Math.floor(i / (size * size * 3));
    return 128 + 120 * Math.sin((i % (size * 3)) / (picture + 2) + i / 97 + picture);
  });
}

/** A folder of pictures whose class is their colour: `count` of each of red, green and blue. */
export async function colourFolder(
  folder: string,
  count: number,
  colours = ["blue", "green", "red"],
): Promise<string> {
  for (const colour of colours) {
    const channel = { red: 0, green: 1, blue: 2 }[colour] ?? 0;
    await Deno.mkdir(join(folder, colour), { recursive: true });
    for (let n = 0; n < count; n++) {
      const data = Uint8Array.from(
        { length: 24 * 20 * 3 },
        (_, i) => i % 3 === channel ? 200 + (i * n) % 50 : (i + n) % 40,
      );
      await Deno.writeFile(join(folder, colour, `${n}.png`), encodePng({ width: 24, height: 20, data }));
    }
  }
  return folder;
}

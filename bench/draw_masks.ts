/** Draws discs, squares and triangles on photographs, and masks of them: pictures for `deno task segment-eval`. */
import { join } from "node:path";
import { task } from "../src/cli/command.ts";
import { SOURCES_HELP } from "../src/cli/data_options.ts";
import { text, whole } from "../src/cli/kinds.ts";
import type { Lines } from "../src/cli/lines.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { collect } from "../src/data/open/collect.ts";
import { openData } from "../src/data/open/open_data.ts";
import { decodePicture } from "../src/data/picture/decode.ts";
import { encodePng } from "../src/data/picture/png.ts";
import { basePicture } from "../src/data/picture/resize.ts";
import { newFolder, openDestination } from "../src/files/destination.ts";
import { LARGEST_SEED, type RandomStream, randomStream } from "../src/random.ts";

/** Whether a place is inside of a thing at 0 with the radius 1; its number is its class, background is 0. */
const THINGS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => x * x + y * y < 1,
  (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.85,
  (x, y) => y < 0.7 && y > -1 + 1.9 * Math.abs(x),
];

/** Draws one to three things into a picture, turned and of any colour with stripes, and into its mask. */
function draw(picture: Uint8Array, mask: Uint8Array, size: number, random: RandomStream): void {
  for (let n = random.integer(1, 3); n > 0; n--) {
    const kind = random.integer(0, THINGS.length - 1), radius = random.uniform(0.12, 0.28) * size;
    const [cx, cy] = [random.uniform(0.15, 0.85) * size, random.uniform(0.15, 0.85) * size];
    const angle = random.uniform(0, 2 * Math.PI), [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const colours = [0, 1].map(() => [0, 1, 2].map(() => random.integer(0, 255))),
      stripe = random.integer(2, 6);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const [u, v] = [(x + 0.5 - cx) / radius, (y + 0.5 - cy) / radius];
        if (!THINGS[kind](u * cos + v * sin, v * cos - u * sin)) continue;
        const at = (y * size + x) * 3, colour = colours[Math.floor((x + y) / stripe) % 2];
        picture.set(colour, at);
        mask.fill(kind + 1, at, at + 3);
      }
    }
  }
}

/** Draws pictures and their masks into a folder. */
async function drawInto(
  folder: string,
  { pictures, count, size, seed }: { pictures: string; count: number; size: number; seed: number },
  progress: Lines,
): Promise<void> {
  const source = await collect(await openData(pictures, { classes: false, progress: progress.line }), {
    count,
  });
  try {
    for (const part of ["images", "masks"]) await Deno.mkdir(join(folder, part));
    for (let i = 0; i < count; i++) {
      const { bytes } = await source.get(i % source.length);
      const data = basePicture(await decodePicture(bytes), size), mask = new Uint8Array(data.length);
      draw(data, mask, size, randomStream(seed, "test", 7, i));
      const name = `${String(i).padStart(5, "0")}.png`, sides = { width: size, height: size };
      await Deno.writeFile(join(folder, "images", name), encodePng({ ...sides, data }));
      await Deno.writeFile(join(folder, "masks", name), encodePng({ ...sides, data: mask }));
      progress.status(() => `drew ${i + 1} of ${count}`, i + 1 === count);
    }
  } finally {
    await source.close();
  }
}

export const benchTask = task({
  name: "bench draw-masks",
  summary: "Draws discs, squares and triangles on photographs, and masks of them, for segment-eval.",
  options: {
    pictures: { kind: text, help: `photographs: ${SOURCES_HELP}`, value: "URI" },
    out: { kind: text, help: "a folder that must not exist, for images/ and masks/", value: "DIR" },
    count: { kind: whole(1), help: "how many", default: 500 },
    size: { kind: whole(8, 4096), help: "side of the pictures in pixels", default: 96 },
    seed: { kind: whole(0, LARGEST_SEED), help: "determines what is drawn", default: 0 },
  },
  examples: [["bench draw-masks --pictures ./photos --out ./drawn", "500 pictures with masks"]],
}, async ({ pictures, out, count, size, seed }, { print, progress }) => {
  if (!pictures || !out) throw new UsageError("name photographs and a folder: --pictures URI --out DIR");
  // Half a set, or one with pictures of another in it, would be measured as a whole one.
  const destination = await openDestination(newFolder(out)), { folder } = destination;
  try {
    await drawInto(folder, { pictures, count, size, seed }, progress);
    await destination.publish();
  } finally {
    await destination.close();
  }
  print(`${out}: ${count} pictures of background (0), discs (1), squares (2), triangles (3)`);
});

if (import.meta.main) await start(benchTask);

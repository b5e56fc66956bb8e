/** Pictures and folders made for the tests of data/. */
import sharp from "npm:sharp@0.35.5";
import type { Sharp } from "npm:sharp@0.35.5";
import type { Picture } from "../../src/data/types.ts";
export { withFolder } from "../with_folder.ts";

/** A smooth picture, so that lossy formats come close; `tone` makes pictures differ. */
export function gradient(width: number, height: number, tone = 0): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set([
        Math.round(x * 255 / Math.max(1, width - 1)),
        Math.round(y * 255 / Math.max(1, height - 1)),
        (tone * 37 + 60) % 256,
      ], (y * width + x) * 3);
    }
  }
  return { width, height, data };
}

/** A picture as the start of an encoder's pipeline. */
export function draw({ width, height, data }: Picture): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** A small PNG file; `tone` makes pictures differ. */
export async function png(tone = 0, width = 24, height = 18): Promise<Uint8Array> {
  return new Uint8Array(await draw(gradient(width, height, tone)).png().toBuffer());
}

/** A small JPEG file. */
export async function jpeg(tone = 0, width = 40, height = 30): Promise<Uint8Array> {
  return new Uint8Array(await draw(gradient(width, height, tone)).jpeg({ quality: 95 }).toBuffer());
}

/** Writes files below a folder, making folders as needed. */
export async function writeFiles(root: string, files: Record<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    const path = `${root}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(path, bytes);
  }
}

/** `count` different good pictures named a.png, b.png … in `classes` folders. */
export async function makeFolder(root: string, count: number, classes = 2): Promise<void> {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < count; i++) {
    files[`class${i % classes}/${String(i).padStart(4, "0")}.png`] = await png(i, 16 + i % 5, 12 + i % 3);
  }
  await writeFiles(root, files);
}

/** The largest difference of two pictures' bytes. */
export function worst(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

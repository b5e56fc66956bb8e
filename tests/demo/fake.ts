/** Small stand-ins for the emoji packages, made here: no test uses the network. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { tarFile } from "../data/tar_writer.ts";
import { encodePng } from "../../src/data/picture/png.ts";
import type { Hand } from "../../src/demo/select.ts";

/** A 64-pixel picture of its own for every meaning; the two hands draw it a little differently. */
export function drawing(number: number, hand: Hand): Uint8Array {
  const data = new Uint8Array(64 * 64 * 3);
  for (let y = 0; y < 64; y++) {
    for (let x = 0; x < 64; x++) {
      const wave = Math.sin((x * (1 + number % 5) + y * (1 + number % 3)) / 9 + number);
      const level = 128 + 100 * wave + (hand === "google" ? 10 : -10);
      data.set([level, (level * (number + 1)) % 256, 255 - level], (y * 64 + x) * 3);
    }
  }
  return encodePng({ width: 64, height: 64, data });
}

/** One entry of emoji.json. */
export const entry = (unified: string, category: string, more: Record<string, unknown> = {}) => ({
  unified: unified.toUpperCase(),
  category,
  name: `NAME ${unified}`,
  short_name: unified,
  image: `${unified}.png`,
  has_img_google: true,
  has_img_twitter: true,
  ...more,
});

/** A fake emoji.json: `count` usable meanings of two categories, and some that must be left out. */
export function fakeEmoji(count: number): Record<string, unknown>[] {
  const usable = Array.from(
    { length: count },
    (_, i) => entry(`a${String(i).padStart(3, "0")}`, i % 2 ? "Odd" : "Even"),
  );
  usable[0] = {
    ...usable[0],
    skin_variations: { "1F3FB": entry("a000-1f3fb", "Even") },
  } as typeof usable[0];
  return [
    ...usable,
    entry("1f3fb", "Component"),
    entry("only-google", "Odd", { has_img_twitter: false }),
    entry("no-picture", "Odd"),
  ];
}

/** Writes a hand's fake tarball and gives its path. */
export async function fakeTarball(hand: Hand, folder: string, count: number): Promise<string> {
  const emoji = fakeEmoji(count);
  const pictures = emoji.filter((e) =>
    e.unified !== "NO-PICTURE" && (hand === "google" || e.has_img_twitter)
  );
  const file = (name: string, content: Uint8Array | string) => ({
    name: `package/${name}`,
    content: typeof content === "string" ? content : new Uint8Array(content),
  });
  const png = (name: string, i: number) => file(`img/${hand}/64/${name}`, drawing(i, hand));
  const archive = tarFile([
    file("README.md", "not wanted"),
    ...pictures.map((e, i) => png(e.image as string, i)),
    png("a000-1f3fb.png", 99),
    file(`img/${hand}/sheets/64.png`, new Uint8Array(3000)),
    // Comes after pictures here and before them there: the order must not matter.
    file("emoji.json", JSON.stringify(emoji)),
  ]);
  const path = join(folder, `${hand}.tgz`);
  await Deno.writeFile(path, gzipSync(archive));
  return path;
}

/** The integrity of a file, as the registry writes it. */
export async function integrityOf(path: string): Promise<string> {
  return `sha512-${createHash("sha512").update(await Deno.readFile(path)).digest("base64")}`;
}

/** Options of `fetchEmoji` and `prepareDemo` that need no network; everything lies below `folder`. */
export async function fakeOptions(folder: string, count: number) {
  const made = join(folder, "made");
  await Deno.mkdir(made);
  const integrity = {
    google: await integrityOf(await fakeTarball("google", made, count)),
    twitter: await integrityOf(await fakeTarball("twitter", made, count)),
  };
  let downloads = 0;
  return {
    folder: join(folder, "emoji"),
    shards: join(folder, "shards"),
    integrity,
    download: async (hand: Hand, to: string) => {
      downloads++;
      const path = join(to, `${hand}.tgz`);
      await Deno.copyFile(join(made, `${hand}.tgz`), path);
      return path;
    },
    downloads: () => downloads,
  };
}

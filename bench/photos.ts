/** Photographs to cut pictures out of: those that scikit-image brings for its examples. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { cacheFolder } from "../src/files/cache_folder.ts";
import { pythonName, runPython } from "./peer.ts";

const VERSION = "0.25.2";
const SHA256 = "24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641";
/** The wheel that this checksum is of; only its pictures are looked at, so it need not be of this machine's kind. */
const WHEEL = ["--python-version", "3.11", "--platform", "manylinux_2_17_x86_64"];
const PHOTOS = [
  "astronaut.png",
  "chelsea.png",
  "coffee.png",
  "hubble_deep_field.jpg",
  "ihc.png",
  "motorcycle_left.png",
  "retina.jpg",
  "rocket.jpg",
];

/**
 * Fetches the photographs once, through pip.
 *
 * @param say Takes lines for people.
 * @param names Which. Default: photographs in colour.
 * @returns Their paths.
 * @throws Error without Python, pip or network, or when the wheel is not the expected one.
 */
export async function fetchPhotos(
  say: (line: string) => void,
  names: readonly string[] = PHOTOS,
): Promise<string[]> {
  const folder = cacheFolder(`photos-${VERSION}`);
  if (!await Deno.stat(folder).then(() => true, () => false)) {
    say(`fetching photographs: scikit-image ${VERSION} through pip`);
    const work = `${folder}.${crypto.randomUUID()}.part`;
    await Deno.mkdir(work, { recursive: true });
    try {
      const spec = `scikit-image==${VERSION}`, binary = "--only-binary=:all:";
      await python(["-m", "pip", "download", "-q", "--no-deps", binary, ...WHEEL, "-d", work, spec]);
      const wheel = [...Deno.readDirSync(work)].find(({ name }) => name.endsWith(".whl"));
      const path = join(work, wheel?.name ?? "missing"), bytes = await Deno.readFile(path);
      const found = createHash("sha256").update(bytes).digest("hex");
      if (found !== SHA256) throw new Error(`${wheel?.name}: has SHA-256 ${found}, not ${SHA256}`);
      await python(["-m", "zipfile", "-e", path, work]);
      await Deno.rename(join(work, "skimage", "data"), folder);
    } finally {
      await Deno.remove(work, { recursive: true });
    }
  }
  return names.map((name) => join(folder, name));
}

async function python(args: string[]): Promise<void> {
  try {
    await runPython(args);
  } catch (error) {
    const what = `${pythonName()} ${args.slice(0, 3).join(" ")}`;
    throw new Error(`${what} failed: ${error instanceof Error ? error.message : error}`);
  }
}

/** What the soak works on, all made here: pictures, shards, a Python package and the demo's packages. No network. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "npm:fflate@0.8.2";
import { createTar } from "npm:nanotar@0.3.0";
import { encodePng } from "../data/picture/png.ts";
import { type Hand, HANDS } from "../demo/select.ts";
import type { NativePackage, Wheel } from "../engine/install/packages.ts";
import { randomStream } from "../random.ts";

/** Pictures of the data set; one of them is damaged, less than the share at which a run stops. */
export const PICTURES = 128;

/** Where everything lies. */
export interface Stage {
  /** Folder with class folders of pictures, all good. */
  pictures: string;
  /** Folder of tar shards, with a damaged picture, and their names in one pattern. */
  tars: string;
  tarPattern: string;
  /** What can be installed, and the folder of its wheels. */
  native: NativePackage;
  wheels: string;
  /** Folder with a fake python3. */
  bin: string;
  /** Folder of the demo's packages, `<hand>.tgz`, and their integrity. */
  tarballs: string;
  integrity: Record<Hand, string>;
}

/** A picture of its own for every number: waves of colour and some noise. */
function drawing(number: number, width: number, height: number, shift = 0): Uint8Array<ArrayBuffer> {
  const random = randomStream(number, "soak", 1), data = new Uint8Array(width * height * 3);
  const [a, b, c] = [random.uniform(0.05, 0.4), random.uniform(0.05, 0.4), random.uniform(0, 6)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const wave = 110 + shift + 90 * Math.sin(a * x + b * y + c), noise = random.bits() & 31;
      data.set([wave + noise, (wave * (number % 7)) & 255, 255 - wave], (y * width + x) * 3);
    }
  }
  return new Uint8Array(encodePng({ width, height, data }));
}

const CLASSES = ["calm", "fresh", "rough", "still"];

async function writePictures(folder: string): Promise<Uint8Array<ArrayBuffer>[]> {
  const files = Array.from({ length: PICTURES }, (_, i) => drawing(i, 44, 38));
  for (const name of CLASSES) await Deno.mkdir(join(folder, name), { recursive: true });
  for (const [i, file] of files.entries()) {
    await Deno.writeFile(
      join(folder, CLASSES[i % CLASSES.length], `${String(i).padStart(3, "0")}.png`),
      file,
    );
  }
  return files;
}

/** Writes the pictures as tar shards of 32 with their classes, one of them damaged. */
async function writeTars(folder: string, files: readonly Uint8Array<ArrayBuffer>[]): Promise<string> {
  await Deno.mkdir(folder);
  for (let at = 0; at < files.length; at += 32) {
    const members = files.slice(at, at + 32).flatMap((file, i) => {
      const key = String(at + i).padStart(3, "0"), damaged = at + i === 77;
      return [
        { name: `${key}.png`, data: damaged ? file.slice(0, 60) : file },
        { name: `${key}.cls`, data: new TextEncoder().encode(String((at + i) % CLASSES.length)) },
      ];
    });
    await Deno.writeFile(join(folder, `s-${at / 32}.tar`), createTar(members));
  }
  return `s-{0..${PICTURES / 32 - 1}}.tar`;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** A made-up package of two wheels, and a python3 that hands them over piece by piece. */
async function writePackage(wheels: string, bin: string): Promise<NativePackage> {
  await Deno.mkdir(wheels);
  await Deno.mkdir(bin);
  const made: Wheel[] = [];
  for (const [number, name] of ["soak-plugin", "soak-library"].entries()) {
    const random = randomStream(number, "soak", 2);
    const library = new Uint8Array(
      Uint32Array.from({ length: 100_000 }, () => random.bits() & 0x00ffffff).buffer,
    );
    const bytes = zipSync({ [`made_up/${name}.so`]: library, "made_up/__init__.py": new Uint8Array() }, {
      level: 1,
    });
    await Deno.writeFile(join(wheels, `${name}.whl`), bytes);
    made.push({
      package: name,
      version: "1.2.3",
      sha256: sha256(bytes),
      bytes: bytes.length,
      take: { [`made_up/${name}.so`]: `${name}.so` },
    });
  }
  await Deno.writeTextFile(
    join(bin, "python3"),
    `#!/bin/sh
while [ "$#" -gt 1 ]; do [ "$1" = --dest ] && dest="$2"; shift; done
package="\${1%%==*}"
from="$WHEELS/$package.whl"; to="$dest/$package-1.2.3-py3-none-any.whl"
mkdir -p "$dest" || exit 1
part=0; size=$(wc -c < "$from")
while [ $((part * 65536)) -lt "$size" ]; do
  dd if="$from" of="$to" bs=65536 skip=$part seek=$part count=1 conv=notrunc 2>/dev/null || exit 1
  part=$((part + 1)); sleep 0.02
done
`,
    { mode: 0o755 },
  );
  return {
    name: "soak",
    version: "1.2.3",
    what: "the made-up plugin",
    wheels: made,
    library: "soak-plugin.so",
    unpacked: 900_000,
    os: Deno.build.os,
    arch: Deno.build.arch,
    instead: "do without it",
  };
}

/** The demo's packages, with 40 meanings. */
async function writeTarballs(folder: string): Promise<Record<Hand, string>> {
  await Deno.mkdir(folder);
  const names = Array.from({ length: 40 }, (_, i) => `a${String(i).padStart(3, "0")}`);
  const emoji = names.map((unified, i) => ({
    unified: unified.toUpperCase(),
    category: i % 2 ? "Odd" : "Even",
    name: `NAME ${unified}`,
    short_name: unified,
    image: `${unified}.png`,
    has_img_google: true,
    has_img_twitter: true,
  }));
  const integrity = { google: "", twitter: "" };
  for (const hand of HANDS) {
    const tar = createTar([
      { name: "package/emoji.json", data: new TextEncoder().encode(JSON.stringify(emoji)) },
      ...names.map((name, i) => ({
        name: `package/img/${hand}/64/${name}.png`,
        data: drawing(i, 64, 64, hand === "google" ? 10 : 0),
      })),
    ]);
    const bytes = gzipSync(tar);
    await Deno.writeFile(join(folder, `${hand}.tgz`), bytes);
    integrity[hand] = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  }
  return integrity;
}

/** Makes everything in a new folder. */
export async function setStage(folder: string): Promise<Stage> {
  const inside = (name: string) => join(folder, name);
  await Deno.mkdir(folder, { recursive: true });
  const files = await writePictures(inside("pictures"));
  return {
    pictures: inside("pictures"),
    tars: inside("tars"),
    tarPattern: await writeTars(inside("tars"), files),
    native: await writePackage(inside("wheels"), inside("bin")),
    wheels: inside("wheels"),
    bin: inside("bin"),
    tarballs: inside("tarballs"),
    integrity: await writeTarballs(inside("tarballs")),
  };
}

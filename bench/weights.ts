/**
 * An exported encoder in the libraries that it is exported for, beside this program: how far features are apart from the
 * same pixels, and with each library's own preprocessing of photographs.
 *
 * deno task bench weights MODEL [--npm] [--photos FILE,FILE] [--engine NAME] [--json]
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { task } from "../src/cli/command.ts";
import { ENGINE, engineArguments } from "../src/cli/engine_options.ts";
import { list, onOff, text } from "../src/cli/kinds.ts";
import { MODEL_CHOICE, MODEL_HELP } from "../src/cli/model_options.ts";
import { decodePicture } from "../src/data/picture/decode.ts";
import { evaluationPicture } from "../src/data/picture/resize.ts";
import { openEngine } from "../src/engine/open.ts";
import type { Engine } from "../src/engine/types.ts";
import { embedder } from "../src/eval/embed.ts";
import { readModel, type StoredModel } from "../src/eval/stored_model.ts";
import { MEAN, STD } from "../src/views/render.ts";
import { exportModel } from "../src/weights/export/export.ts";
import { timmArchitecture } from "../src/weights/export/timm.ts";
import { plainEnvironment, pythonName } from "./peer.ts";
import { fetchPhotos } from "./photos.ts";

/** What the libraries may differ by. */
const MOST_APART = 1e-5, LEAST_COSINE = 0.999;

/** Our features of the photographs, and the pixels that they are of. */
interface Ours {
  /** Normalised, [count, 3, S, S]. */
  pixels: Float32Array;
  /** All tokens, the class token first, [count, T, d]. */
  tokens: Float32Array;
  /** Class tokens, [count, d]. */
  photos: Float32Array;
}

/** Planes of normalised pixels from pictures of bytes. */
function normalisedPlanes(pictures: Uint8Array, count: number, size: number): Float32Array {
  const out = new Float32Array(pictures.length), area = size * size;
  for (let n = 0; n < count; n++) {
    for (let colour = 0; colour < 3; colour++) {
      for (let i = 0; i < area; i++) {
        const value = pictures[(n * area + i) * 3 + colour] / 255;
        out[(n * 3 + colour) * area + i] = (value - MEAN[colour]) / STD[colour];
      }
    }
  }
  return out;
}

async function oursOf(engine: Engine, model: StoredModel, paths: readonly string[]): Promise<Ours> {
  const { config } = model, size = config.imageSize, count = paths.length, state = await model.load();
  const pictures = new Uint8Array(count * size * size * 3);
  for (const [i, path] of paths.entries()) {
    const picture = await decodePicture(await Deno.readFile(path));
    pictures.set(evaluationPicture(picture, size), i * size * size * 3);
  }
  const found = await embedder(engine, config, { batchSize: count, patches: true }).pictures(state, pictures);
  const { class: first, patches } = found,
    tokens = new Float32Array(first.data.length + patches!.data.length);
  const [one, rest] = [first.width, patches!.width];
  for (let n = 0; n < count; n++) {
    tokens.set(first.data.subarray(n * one, (n + 1) * one), n * (one + rest));
    tokens.set(patches!.data.subarray(n * rest, (n + 1) * rest), n * (one + rest) + one);
  }
  return { pixels: normalisedPlanes(pictures, count, size), tokens, photos: first.data };
}

/** ‖a − b‖ / ‖b‖. */
function relative(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers came, not ${b.length}`);
  let apart = 0, length = 0;
  for (let i = 0; i < b.length; i++) {
    apart += (a[i] - b[i]) ** 2;
    length += b[i] ** 2;
  }
  return Math.sqrt(apart / length);
}

/** The cosine of each row with the same row of another. */
function cosines(a: Float32Array, b: Float32Array, width: number): number[] {
  return Array.from({ length: a.length / width }, (_, row) => {
    let ab = 0, aa = 0, bb = 0;
    for (let i = row * width; i < (row + 1) * width; i++) {
      ab += a[i] * b[i];
      aa += a[i] ** 2;
      bb += b[i] ** 2;
    }
    return ab / Math.sqrt(aa * bb);
  });
}

/** What came of a library. */
interface Row {
  library: string;
  /** From the same pixels, over all tokens. */
  apart?: number;
  /** From photographs, the smallest and the mean cosine of the class tokens, and how far they are apart. */
  cosine?: { least: number; mean: number; apart: number };
  missing?: string;
}

const numbersIn = (path: string) => new Float32Array(Deno.readFileSync(path).buffer);

function rowOf(
  folder: string,
  name: string,
  said: { about?: string; missing?: string },
  ours: Ours,
  width: number,
): Row {
  if (said.about === undefined) return { library: name, missing: said.missing };
  const row: Row = {
    library: said.about,
    apart: relative(numbersIn(join(folder, `${name}.pixels.f32`)), ours.tokens),
  };
  if (name.endsWith("onnx")) return row;
  const photos = numbersIn(join(folder, `${name}.photos.f32`)), all = cosines(photos, ours.photos, width);
  row.cosine = {
    least: Math.min(...all),
    mean: all.reduce((sum, x) => sum + x, 0) / all.length,
    apart: relative(photos, ours.photos),
  };
  return row;
}

/** What libraries said of themselves, by the name that they leave their features under. */
type Said = Record<string, { about?: string; missing?: string }>;

async function ask(command: string, args: string[]): Promise<Said> {
  const env = { ...plainEnvironment(), HF_HUB_OFFLINE: "1", TRANSFORMERS_OFFLINE: "1" };
  const { success, stdout, stderr } = await new Deno.Command(command, { args, env, clearEnv: true }).output();
  const text = new TextDecoder();
  if (!success) {
    const last = text.decode(stderr).trim().split("\n").slice(-3).join(" | ");
    throw new Error(`${command} ${args.join(" ")}: ${last}`);
  }
  return JSON.parse(text.decode(stdout).trim().split("\n").at(-1)!);
}

/** Runs the libraries in Python. */
const askPython = (folder: string): Promise<Said> =>
  ask(pythonName(), [fileURLToPath(new URL("./peers/exported.py", import.meta.url)), folder]);

/** Runs npm's libraries, which are fetched the first time (288 MB). */
export function askNpm(folder: string): Promise<Said> {
  const script = fileURLToPath(new URL("./peers/npm/exported.ts", import.meta.url));
  return ask(Deno.execPath(), [
    "run",
    "-A",
    "--quiet",
    "--config",
    join(script, "../deno.json"),
    script,
    folder,
  ]);
}

export const benchTask = task(
  {
    name: "bench weights",
    summary: "An exported encoder in transformers, timm and ONNX Runtime beside this program.",
    operands: { model: { value: "MODEL", help: MODEL_HELP } },
    options: {
      photos: {
        kind: list(text),
        help: "photographs to embed",
        value: "FILES",
        usually: "eight of scikit-image's, fetched through pip",
      },
      ...MODEL_CHOICE,
      ...ENGINE,
      npm: { kind: onOff, help: "npm's libraries as well, of which the first time 288 MB are fetched" },
      json: { kind: onOff, help: "print the result as JSON" },
    },
    notes: [
      "PYTHON names an interpreter with torch, transformers, timm, onnx and onnxruntime; what is missing is said.",
    ],
  },
  async (
    { model: path, photos: named, npm, json, engine: wanted, plugin, ...choice },
    { print, progress },
  ) => {
    const paths = named ?? await fetchPhotos(progress.line), model = await readModel(path, choice);
    const folder = await Deno.makeTempDir(),
      engine = await openEngine(...engineArguments({ engine: wanted, plugin }, progress));
    try {
      const { config } = model, ours = await oursOf(engine, model, paths);
      for (const to of ["hf", "timm", "onnx"] as const) await exportModel(model, join(folder, to), { to });
      const { name: architecture, exact } = timmArchitecture(config),
        photos = paths.map((path) => Deno.realPathSync(path));
      const question = { count: paths.length, size: config.imageSize, photos };
      await Deno.writeTextFile(
        join(folder, "ask.json"),
        JSON.stringify({ ...question, architecture: exact ? architecture : null }),
      );
      await Deno.writeFile(join(folder, "pixels.f32"), new Uint8Array(ours.pixels.buffer));
      const said = { ...await askPython(folder), ...npm ? await askNpm(folder) : {} };
      const rows = Object.entries(said).map(([name, of]) => rowOf(folder, name, of, ours, config.width));
      if (json) print(JSON.stringify({ model: model.name, engine: engine.name, photos: paths.length, rows }));
      else {
        print(`${model.name}, on engine ${engine.name}, ${paths.length} photographs`);
        for (const { library, apart, cosine, missing } of rows) {
          if (missing !== undefined) print(`  ${library}: not run: ${missing}`);
          else {
            const own = cosine
              ? `; own preprocessing: cosine ${cosine.least.toFixed(5)} at least, ${
                cosine.mean.toFixed(5)
              } in the mean, ` +
                `features ${(100 * cosine.apart).toFixed(2)} % apart`
              : "";
            print(`  ${library}: same pixels ${apart!.toExponential(1)} apart${own}`);
          }
        }
      }
      const bad = rows.filter(({ apart, cosine }) =>
        apart! > MOST_APART || (cosine && cosine.least < LEAST_COSINE)
      );
      if (bad.length === 0) return;
      progress.line(`features differ too much: ${bad.map(({ library }) => library).join(", ")}`);
      return 1;
    } finally {
      await engine.close();
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/**
 * Embedding from the start of the program to its last picture, as `deno task embed` does it, beside a plain PyTorch
 * program with the same weights, in turn: images per second, and the memory of all their processes. The features of
 * both sides are compared, so that both have done the same.
 */
import { join } from "node:path";
import { task } from "../src/cli/command.ts";
import { list, onOff, text, whole } from "../src/cli/kinds.ts";
import { PRESET } from "../src/cli/model_options.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { decodeSafetensors } from "../src/files/safetensors.ts";
import { asFloat32 } from "../src/files/stored_tensor.ts";
import { presetConfig } from "../src/train/config/presets.ts";
import type { EmbedOrder } from "./embed_ours.ts";
import { type Comparison, report } from "./measure.ts";
import { findPython } from "./peer.ts";
import { firstPictures } from "./whole_pictures.ts";
import {
  asTask,
  measureSides,
  openScratch,
  pythonProgram,
  rowsOf,
  type Side,
  writeStart,
} from "./whole_sides.ts";

const cores = navigator.hardwareConcurrency;

/** What both sides are given. */
interface Given extends Pick<EmbedOrder, "preset" | "weights" | "pictures" | "batch"> {
  config: string;
  workers: number;
}

/** The files of a run. */
const files = (folder: string) => ({
  out: join(folder, "features.safetensors"),
  marks: join(folder, "marks.jsonl"),
});

/** Our side. */
function ours({ preset, weights, pictures, batch }: Given): Side {
  return {
    name: "deno task embed",
    program: async (folder) => {
      const order: EmbedOrder = { preset, weights, pictures, batch, ...files(folder) };
      const script = {
        script: "tasks/embed.ts",
        module: "bench/embed_ours.ts",
        args: [JSON.stringify(order)],
      };
      return { ...await asTask("embed", script), marks: order.marks, pictures: batch };
    },
  };
}

/** PyTorch's side. */
function peer(
  { config, weights, pictures, batch, workers }: Given,
  { compile, version }: { compile: boolean; version: string },
): Side {
  return {
    name: `PyTorch ${version} ${compile ? "torch.compile" : "eager"}, ${cores} threads, ${workers} workers`,
    program: async (folder) => {
      const { out, marks } = files(folder);
      const args = [
        ...[config, "--weights", weights, "--pictures", pictures, "--out", out, "--marks", marks],
        ...["--batch", `${batch}`, "--workers", `${workers}`, "--threads", `${cores}`],
        ...compile ? ["--compile"] : [],
      ];
      return await Promise.resolve({ ...pythonProgram("embed.py", args), marks, pictures: batch });
    },
  };
}

/**
 * How far features are apart: the norm of the difference by the norm of the first.
 *
 * @throws {RangeError} When they are not equally many.
 */
export function distance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} numbers beside ${b.length}`);
  let difference = 0, size = 0;
  a.forEach((value, i) => {
    difference += (value - b[i]) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference / size);
}

/** All class tokens and all means of a file, one after another. */
async function readFeatures(path: string): Promise<Float32Array> {
  const { tensors } = decodeSafetensors(await Deno.readFile(path), path);
  return Float32Array.from(["class", "mean"].flatMap((name) => Array.from(asFloat32(tensors[name]))));
}

/** Features further apart are not the same: decoders of JPEG differ by some levels. */
const FAR = 0.01;

export const benchTask = task({
  name: "bench embed",
  summary: "Embedding of pictures from start to end, beside a plain PyTorch program with the same weights.",
  options: {
    presets: { kind: list(PRESET), help: "models, with random weights", default: ["tiny", "small"] },
    data: {
      kind: text,
      help: "pictures, of which the first are taken",
      value: "URI",
      usually: "some that are made up",
    },
    pictures: { kind: whole(2), help: "how many", default: 256 },
    batch: { kind: whole(1), help: "pictures embedded at once", default: 64 },
    rounds: { kind: whole(1), help: "how often each side is run", default: 3 },
    workers: { kind: whole(0), help: "processes that load pictures for PyTorch", default: cores },
    compile: { kind: onOff, help: "run PyTorch with torch.compile too" },
    alone: { kind: onOff, help: "without PyTorch" },
    json: { kind: onOff, help: "print one JSON object a line" },
  },
}, async (given, { print, progress, interruptible }) => {
  const { batch, rounds, workers, pictures: count } = given, say = (line: string) => progress.line(line);
  if (count % batch !== 0 || count < 2 * batch) {
    throw new UsageError(
      `--pictures is ${count}; it must be at least two batches of ${batch}, and whole ones`,
    );
  }
  const stop = interruptible("ending what runs"), { signal } = stop;
  await using room = await openScratch();
  const scratch = room.path;
  const rows: Comparison[] = [];
  try {
    const python = given.alone ? { missing: "left out" } : await findPython(["torch", "numpy", "PIL"]);
    if ("missing" in python) say(`PyTorch: ${python.missing}`);
    for (const preset of given.presets) {
      const folder = await Deno.makeTempDir({ dir: scratch }), config = presetConfig(preset);
      const { ours: pictures, about } = await firstPictures(
        { data: given.data ?? "", size: config.imageSize, scratch: folder, count },
        say,
      );
      const shared = { ...await writeStart(config, folder), preset, pictures, batch, workers };
      say(`${preset}, ${config.imageSize} px, batch ${batch}: ${about}`);
      const sides = [ours(shared)];
      if ("version" in python) {
        sides.push(peer(shared, { compile: false, version: python.version }));
        if (given.compile) sides.push(peer(shared, { compile: true, version: python.version }));
      }
      const features: Float32Array[] = [];
      const measuring = { sides, rounds, scratch: folder, signal, say };
      const [mine, ...theirs] = await measureSides(measuring, async (i, at) => {
        features[i] = await readFeatures(files(at).out);
      });
      const name = `embed/${preset}/${batch}`;
      if (theirs.length === 0) {
        rows.push(...rowsOf(name, mine, null, "missing" in python ? python.missing : ""));
      }
      theirs.forEach((figures, i) => {
        const far = distance(features[0], features[i + 1]);
        if (!(far < FAR)) {
          throw new Error(`${preset}: the features of both sides are ${far} apart: not the same work`);
        }
        say(`${preset}: features of ${sides[i + 1].name} are ${far.toExponential(1)} apart, relative`);
        rows.push(...rowsOf(i === 0 ? name : `${name}/compiled`, mine, figures, sides[i + 1].name));
      });
    }
    report(rows, given.json, print);
  } catch (error) {
    if (!signal.aborted) throw error;
    return stop.code();
  } finally {
    stop.close();
  }
});

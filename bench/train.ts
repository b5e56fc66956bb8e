/**
 * Training from the start of the program to its last step, `deno task train` as a user starts it beside a plain PyTorch
 * program that does the same, in turn: images per second, and the memory of all their processes.
 */
import { join } from "node:path";
import { task } from "../src/cli/command.ts";
import { choice, list, onOff, text, whole } from "../src/cli/kinds.ts";
import { PRESET } from "../src/cli/model_options.ts";
import { checkModel } from "../src/model/check_model.ts";
import { presetConfig } from "../src/train/config/presets.ts";
import type { PresetName, RunConfig } from "../src/train/config/settings.ts";
import { type Comparison, report } from "./measure.ts";
import { findPython } from "./peer.ts";
import { type SharedPictures, sharedPictures } from "./whole_pictures.ts";
import {
  measureSides,
  openScratch,
  pythonProgram,
  rowsOf,
  type Side,
  taskProgram,
  writeStart,
} from "./whole_sides.ts";

const cores = navigator.hardwareConcurrency;

/** Steps of a run that only warms up. */
const BRIEF = 2;

/**
 * What differs from the preset, as flags of `deno task train` too: what the command line can change, and the peer's optimiser.
 */
function changed(
  given: { imageSize?: number; patchSize?: number; precision: RunConfig["precision"] },
  batch: number,
) {
  const { imageSize, patchSize, precision } = given;
  return {
    batchSize: batch,
    precision,
    optimizer: "adamw",
    // The peer's views are as large as its pictures.
    viewSize: 0,
    ...imageSize === undefined ? {} : { imageSize },
    ...patchSize === undefined ? {} : { patchSize },
  } satisfies Partial<RunConfig>;
}

/** As flags: imageSize is --image-size. */
const flags = (settings: Partial<RunConfig>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    `${value}`,
  ]);

/** What both sides need to know of a run. */
interface RunGiven {
  preset: PresetName;
  settings: Partial<RunConfig>;
  steps: number;
  pictures: SharedPictures;
}

/** Our side: `deno task train`. Nothing but a last checkpoint is written on the way. */
function ours({ preset, settings, steps, pictures }: RunGiven): Side {
  return {
    name: "deno task train",
    program: async (folder, brief) => {
      const out = join(folder, "run");
      const args = [
        ...["--preset", preset, "--data", pictures.ours, "--out", out, "--engine", "xla"],
        ...["--steps", `${brief ? BRIEF : steps}`, "--checkpoint-minutes", "0", ...flags(settings)],
      ];
      const marks = join(out, "metrics.jsonl");
      return await Promise.resolve({ ...taskProgram("train", args), marks, pictures: settings.batchSize! });
    },
  };
}

/** PyTorch's side. */
function peer(
  { settings, steps, pictures }: RunGiven,
  start: { config: string; weights: string },
  { compile, workers, version }: { compile: boolean; workers: number; version: string },
): Side {
  return {
    name: `PyTorch ${version} ${compile ? "torch.compile" : "eager"}, ${cores} threads, ${workers} workers`,
    program: async (folder, brief) => {
      const marks = join(folder, "marks.jsonl");
      const args = [
        ...[
          start.config,
          "--weights",
          start.weights,
          "--pictures",
          pictures.peer,
          "--out",
          folder,
          "--marks",
          marks,
        ],
        ...["--steps", `${brief ? BRIEF : steps}`, "--workers", `${workers}`, "--threads", `${cores}`],
        ...compile ? ["--compile"] : [],
      ];
      return await Promise.resolve({
        ...pythonProgram("train.py", args),
        marks,
        pictures: settings.batchSize!,
      });
    },
  };
}

export const benchTask = task({
  name: "bench train",
  summary: "deno task train from start to end, beside a plain PyTorch program that trains the same.",
  options: {
    presets: { kind: list(PRESET), help: "models", default: ["demo"] },
    data: { kind: text, help: "pictures for both sides", value: "URI", usually: "some that are made up" },
    demo: { kind: onOff, help: "train on the demo's pictures, which are fetched through npm" },
    batch: { kind: whole(2), help: "pictures in a step", usually: "64 for demo, else 8" },
    imageSize: { kind: whole(1), help: "side of the pictures in pixels", usually: "the preset's" },
    patchSize: { kind: whole(1), help: "side of a patch in pixels", usually: "the preset's" },
    precision: { kind: choice("float32", "bfloat16"), help: "of the matrix products", default: "float32" },
    rounds: { kind: whole(1), help: "how often each side is run", default: 3 },
    steps: { kind: whole(2), help: "steps in a run", default: 20 },
    workers: { kind: whole(0), help: "processes that load pictures for PyTorch", default: cores },
    compile: { kind: onOff, help: "run PyTorch with torch.compile too" },
    alone: { kind: onOff, help: "without PyTorch" },
    json: { kind: onOff, help: "print one JSON object a line" },
  },
  examples: [
    ["bench train --demo", "the demo's model on its pictures"],
    [
      "bench train --data cifar10-train.parquet --image-size 32 --patch-size 4 --batch 128",
      "the demo's model on small pictures",
    ],
    ["bench train --presets tiny,small --steps 8", "the larger models, on pictures that are made up"],
  ],
}, async (given, { print, progress, interruptible }) => {
  const say = (line: string) => progress.line(line);
  const stop = interruptible("ending what runs"), { signal } = stop;
  await using room = await openScratch();
  const scratch = room.path;
  const rows: Comparison[] = [];
  try {
    const python = given.alone ? { missing: "left out" } : await findPython(["torch", "numpy", "PIL"]);
    const parquet = given.alone || "version" in await findPython(["pyarrow"]);
    if ("missing" in python) say(`PyTorch: ${python.missing}`);
    for (const preset of given.presets) {
      const batch = given.batch ?? (preset === "demo" ? 64 : 8), settings = changed(given, batch);
      const config = { ...presetConfig(preset), ...settings };
      checkModel(config);
      const folder = await Deno.makeTempDir({ dir: scratch });
      const wanted = {
        data: given.data ?? "",
        demo: given.demo,
        size: config.imageSize,
        scratch: folder,
        parquet,
      };
      const pictures = await sharedPictures(wanted, say);
      const run = { preset, settings, steps: given.steps, pictures };
      say(
        `${preset}, ${config.imageSize} px, batch ${batch}, ${config.precision}, ${given.steps} steps: ${pictures.about}`,
      );
      const peers: Side[] = [];
      if ("version" in python) {
        const start = await writeStart(config, folder), { version } = python, { workers } = given;
        peers.push(peer(run, start, { compile: false, workers, version }));
        if (given.compile) peers.push(peer(run, start, { compile: true, workers, version }));
      }
      const sides = [ours(run), ...peers], { rounds } = given;
      const [mine, ...theirs] = await measureSides({ sides, rounds, scratch: folder, signal, say });
      const name = `train/${preset}/${config.imageSize}px/${batch}/${config.precision}`;
      if (peers.length === 0) {
        rows.push(...rowsOf(name, mine, null, "missing" in python ? python.missing : ""));
      }
      theirs.forEach((figures, i) =>
        rows.push(...rowsOf(i === 0 ? name : `${name}/compiled`, mine, figures, peers[i].name))
      );
    }
    report(rows, given.json, print);
  } catch (error) {
    if (!signal.aborted) throw error;
    return stop.code();
  } finally {
    stop.close();
  }
});

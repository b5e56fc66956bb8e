/**
 * COCO's evaluation beside pycocotools, on made-up files of val2017's size: whole programs from the start to the twelve numbers, and
 * the evaluation alone.
 *
 * deno task bench coco [--iou-type segm] [--pictures 5000] [--rounds 3] [--json]
 */
import { fileURLToPath } from "node:url";
import { task } from "../src/cli/command.ts";
import { choice, onOff, text, whole } from "../src/cli/kinds.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import type { CocoSummary } from "../src/coco/summary.ts";
import { makeCocoFiles } from "./coco_files.ts";
import { compare, type Comparison, report } from "./measure.ts";
import { findPython, plainEnvironment, pythonName } from "./peer.ts";

/** What a process that evaluates alone says, ours and the peer's. */
interface Said {
  stats: number[];
  seconds: number;
  /** Bytes. */
  peak?: number;
}

/** What one side took in a round. */
interface Figures {
  /** Seconds of the whole program. */
  whole: number;
  /** Seconds of the evaluation alone. */
  alone: number;
  peak?: number;
}

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Runs a program to its end: what it printed, and in how many seconds. */
async function timed(command: string, args: string[]): Promise<{ out: string; seconds: number }> {
  const start = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env: plainEnvironment(),
    clearEnv: true,
  })
    .output();
  if (!success) {
    throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim().slice(-2000)}`);
  }
  return { out: new TextDecoder().decode(stdout), seconds: (performance.now() - start) / 1000 };
}

async function ours(files: string[], iouType: string): Promise<Figures & { stats: number[] }> {
  const config = script("../deno.json");
  const command = [
    "task",
    "--quiet",
    "--config",
    config,
    "coco-eval",
    ...files,
    "--iou-type",
    iouType,
    "--json",
  ];
  const whole = await timed(Deno.execPath(), command);
  const alone = await timed(Deno.execPath(), [
    "run",
    "--quiet",
    "-A",
    script("./coco_ours.ts"),
    ...files,
    iouType,
  ]);
  const { seconds, peak } = JSON.parse(alone.out) as Said;
  const { summary } = JSON.parse(whole.out) as { summary: CocoSummary };
  return { whole: whole.seconds, alone: seconds, peak, stats: Object.values(summary) };
}

async function peers(files: string[], iouType: string): Promise<Figures & { stats: number[] }> {
  const { out, seconds: whole } = await timed(pythonName(), [
    script("./peers/coco_eval.py"),
    ...files,
    iouType,
  ]);
  const { seconds, peak, stats } = JSON.parse(out) as Said;
  return { whole, alone: seconds, peak, stats };
}

/** The largest difference between the numbers of both sides. */
const apart = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i])));

export const benchTask = task({
  name: "bench coco",
  summary: "COCO's evaluation beside pycocotools, whole programs and the evaluation alone.",
  options: {
    iouType: { kind: choice("bbox", "segm"), help: "boxes or masks", default: "bbox" },
    pictures: { kind: whole(1), help: "made-up pictures; objects in val2017's proportion", default: 5000 },
    detections: { kind: whole(1), help: "made-up detections of each picture", default: 100 },
    corners: {
      kind: whole(3),
      help: "corners of each object's outline, which make the annotations long",
      default: 24,
    },
    truth: { kind: text, help: "annotations to measure with, where there are some", value: "FILE" },
    results: { kind: text, help: "detections to measure with", value: "FILE" },
    rounds: { kind: whole(1, 100), help: "how often each side is measured", default: 3 },
    json: { kind: onOff, help: "print the result as JSON" },
  },
  notes: ["PYTHON names an interpreter with pycocotools; without it ours is measured alone."],
}, async ({ iouType, pictures, detections, corners, truth, results, rounds, json }, { print, progress }) => {
  if ((truth === undefined) !== (results === undefined)) {
    throw new UsageError("--truth and --results belong together");
  }
  const python = await findPython(["numpy", "pycocotools"]);
  if ("missing" in python) progress.line(`pycocotools: ${python.missing}`);
  const folder = await Deno.makeTempDir();
  try {
    let files = [truth!, results!];
    if (truth === undefined) {
      progress.line("making files");
      const size = {
        pictures,
        objects: Math.max(1, Math.round(pictures * 36_781 / 5000)),
        categories: 80,
        ...{ detections, corners },
      };
      const made = await makeCocoFiles(folder, size, iouType === "segm");
      files = [made.truth, made.results];
      const annotations = (await Deno.stat(made.truth)).size;
      progress.line(
        `${pictures} pictures, ${size.objects} objects in ${
          (annotations / 1e6).toFixed(0)
        } MB, ${made.count} detections`,
      );
    }
    const mine: Figures[] = [], theirs: Figures[] = [];
    let difference = 0;
    for (let round = 1; round <= rounds; round++) {
      const own = await ours(files, iouType);
      mine.push(own);
      if ("missing" in python) continue;
      const other = await peers(files, iouType);
      theirs.push(other);
      difference = Math.max(difference, apart(own.stats, other.stats));
      progress.line(
        `round ${round}: ours ${own.whole.toFixed(2)} s, pycocotools ${other.whole.toFixed(2)} s`,
      );
    }
    const row = (name: string, unit: string, figure: (figures: Figures) => number): Comparison => ({
      ...{ name: `coco ${iouType}/${name}`, unit, note: "pycocotools" },
      ...compare(mine.map(figure), theirs.length > 0 ? theirs.map(figure) : null),
    });
    report(
      [
        row("whole program", "a minute", ({ whole }) => 60 / whole),
        row("evaluation alone", "a minute", ({ alone }) => 60 / alone),
        row("peak memory", "GB", ({ peak }) => (peak ?? NaN) / 1e9),
      ],
      json,
      print,
    );
    if (theirs.length === 0) return;
    progress.line(`the twelve numbers differ by ${difference.toExponential(1)} at most`);
    if (difference > 1e-12) throw new Error("the twelve numbers differ");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

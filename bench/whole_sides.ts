/** Two programs that do the same, ours and PyTorch's: how they are started, measured in turn and compared. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openEngine } from "../src/engine/open.ts";
import { openDraft } from "../src/files/draft.ts";
import { lockPlace } from "../src/files/lock.ts";
import { encodeSafetensors } from "../src/files/safetensors.ts";
import { initModel } from "../src/model/init.ts";
import { isDerived } from "../src/model/inventory.ts";
import { weightsToTensors } from "../src/model/weights.ts";
import type { RunConfig } from "../src/train/config/settings.ts";
import { compare, type Comparison } from "./measure.ts";
import { plainEnvironment, pythonName } from "./peer.ts";
import { figuresOf, type Program, type RunFigures, runWhole } from "./whole_run.ts";

/** The repository. */
const ROOT = fileURLToPath(new URL("../", import.meta.url));

/**
 * A folder for what a benchmark writes, removed at its end. What a killed one has left is removed by the next one.
 *
 * @throws {InUseError} When another benchmark of whole programs runs: both would measure each other.
 */
export async function openScratch(
  place = join(tmpdir(), "semantic-ae-whole"),
): Promise<AsyncDisposable & { path: string }> {
  const lock = await lockPlace(place);
  const draft = await openDraft(place);
  return {
    path: draft.path,
    async [Symbol.asyncDispose]() {
      await draft.discard();
      await lock.release();
    },
  };
}

/** One side of a comparison. */
export interface Side {
  /** For people. */
  name: string;
  /** The program for one run. `folder`: an empty folder of its own; `brief`: as short as can be, only to warm up. */
  program(folder: string, brief: boolean): Promise<Program>;
}

/** One of our tasks as a user starts it, `deno task` included. */
export function taskProgram(task: string, args: string[]): Pick<Program, "command" | "args" | "cwd" | "env"> {
  return {
    command: Deno.execPath(),
    args: ["task", "--quiet", task, ...args],
    cwd: ROOT,
    env: plainEnvironment(),
  };
}

/**
 * Another module started with the very command line of one of our tasks: its allocator, its permissions.
 *
 * @throws {Error} When the task does not start `script`.
 */
export async function asTask(
  task: string,
  { script, module, args }: { script: string; module: string; args: string[] },
): Promise<Pick<Program, "command" | "args" | "cwd" | "env">> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const line: string = tasks[task].command;
  if (!line.endsWith(script)) throw new Error(`deno.json: task ${task} does not end with ${script}`);
  const changed = line.slice(0, -script.length) + module;
  return { ...taskProgram(task, []), args: ["task", "--quiet", "--eval", changed, ...args] };
}

/** One of the peers in Python. */
export function pythonProgram(
  script: string,
  args: string[],
): Pick<Program, "command" | "args" | "cwd" | "env"> {
  return {
    command: pythonName(),
    args: [join(ROOT, "bench/peers", script), ...args],
    cwd: ROOT,
    env: plainEnvironment(),
  };
}

/** Writes a configuration and the weights that a run of it starts from, as the peer reads them. */
export async function writeStart(
  config: RunConfig,
  folder: string,
): Promise<{ config: string; weights: string }> {
  const paths = { config: join(folder, "config.json"), weights: join(folder, "weights.safetensors") };
  await Deno.writeTextFile(paths.config, JSON.stringify(config));
  const engine = await openEngine("wasm");
  try {
    const all = await weightsToTensors(config, initModel(config, config.seed));
    const own = Object.entries(all).filter(([name]) => !isDerived(name));
    await Deno.writeFile(paths.weights, encodeSafetensors(Object.fromEntries(own)));
  } finally {
    await engine.close();
  }
  return paths;
}

/** What is wanted of {@linkcode measureSides}. */
export interface Measuring {
  /** Ours first. */
  sides: Side[];
  rounds: number;
  /** A folder for what the programs write. */
  scratch: string;
  signal: AbortSignal;
  /** Takes lines for people. */
  say: (line: string) => void;
}

/**
 * Runs all sides in turn. Each runs once before, briefly, so that compiled programs (ours, torch.compile's) and the
 * system's cache of files are there.
 *
 * @param look Called after each run, before its folder is removed.
 * @returns The figures of each side, round by round.
 */
export async function measureSides(
  { sides, rounds, scratch, signal, say }: Measuring,
  look: (side: number, folder: string) => Promise<void> = async () => {},
): Promise<RunFigures[][]> {
  const figures: RunFigures[][] = sides.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const folder = await Deno.makeTempDir({ dir: scratch });
      const program = await side.program(folder, round === 0);
      const run = await runWhole(program, signal);
      const found = figuresOf(run, program.pictures);
      if (round > 0) figures[i].push(found);
      await look(i, folder);
      await Deno.remove(folder, { recursive: true });
      const gigabytes = (bytes?: number) => bytes === undefined ? "?" : (bytes / 1e9).toFixed(2);
      say(
        `${round === 0 ? "warming up" : `round ${round}`}: ${side.name}: first step after ${
          found.first.toFixed(1)
        } s, then ` +
          `${found.steady.toFixed(2)} images/s, peak ${gigabytes(found.peak)} GB`,
      );
    }
  }
  return figures;
}

/** The rows of a comparison; figures that one side lacks are left out. */
export function rowsOf(
  name: string,
  ours: readonly RunFigures[],
  peer: readonly RunFigures[] | null,
  note: string,
): Comparison[] {
  const rows: Comparison[] = [];
  const add = (what: string, unit: string, key: keyof RunFigures, scale = 1) => {
    const figures = (runs: readonly RunFigures[]) =>
      runs.flatMap((run) => run[key] === undefined ? [] : [run[key] / scale]);
    const mine = figures(ours), theirs = peer && figures(peer);
    if (mine.length === 0 || theirs?.length === 0) return;
    rows.push({ name: `${name}/${what}`, unit, note, ...compare(mine, theirs) });
  };
  add("steady", "images/s", "steady");
  add("whole", "images/s", "whole");
  add("first step", "s", "first");
  add("peak memory", "GB", "peak", 1e9);
  add("memory at the last step", "GB", "last", 1e9);
  add("peak of the whole run", "GB", "most", 1e9);
  add("loss, first quarter", "", "firstLoss");
  add("loss, last quarter", "", "lastLoss");
  return rows;
}

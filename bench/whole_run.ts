/** Runs a program from its start to its end and watches it from outside: when it has done what, and its memory. */
import { fileURLToPath } from "node:url";
import type { TreeSample } from "./tree_memory.ts";

/** How often the file of marks is looked at, and the memory of the processes, in milliseconds. */
const LOOK = 20, SAMPLE = 200;

/** A program that adds a line of JSON to a file whenever it has done a step. */
export interface Program {
  command: string;
  args: string[];
  cwd: string;
  /** All of its environment. */
  env: Record<string, string>;
  /** The file. */
  marks: string;
  /** Pictures in a step. */
  pictures: number;
}

/** A line that a program wrote. */
export interface Mark {
  /** Seconds since the program was started. */
  at: number;
  /** The loss of a training step. */
  loss?: number;
}

/** What was seen of a program. */
export interface WholeRun {
  marks: Mark[];
  /** Memory of all its processes, by seconds since the start; empty where the system does not tell. */
  memory: { at: number; bytes: number }[];
}

/** The figures of one run. */
export interface RunFigures {
  /** Pictures a second after the first step. */
  steady: number;
  /** Pictures a second from the start of the program to its last step. */
  whole: number;
  /** Seconds from the start to the end of the first step. */
  first: number;
  /** Bytes: the most until the last step, at the last step, and the most in the whole run. */
  peak?: number;
  last?: number;
  most?: number;
  /** Mean loss of the first and of the last quarter of the steps: that of one step depends much on its pictures. */
  firstLoss?: number;
  lastLoss?: number;
}

/** The memory of a run whose last step ended `last` seconds after its start; nothing where it is not known. */
function memoryOf(memory: WholeRun["memory"], last: number): Pick<RunFigures, "peak" | "last" | "most"> {
  if (memory.length === 0) return {};
  const until = memory.filter(({ at }) => at <= last), all = memory.map(({ bytes }) => bytes);
  const bytes = until.length > 0 ? until.map(({ bytes }) => bytes) : all.slice(0, 1);
  return { peak: Math.max(...bytes), last: bytes.at(-1), most: Math.max(...all) };
}

/** The mean of steps' losses; undefined where they have none. */
function meanLoss(marks: readonly Mark[]): number | undefined {
  const losses = marks.flatMap(({ loss }) => loss ?? []);
  return losses.length > 0 ? losses.reduce((sum, loss) => sum + loss) / losses.length : undefined;
}

/**
 * The figures of a run.
 *
 * @param pictures Pictures in a step.
 * @throws {Error} When it has fewer than two steps.
 */
export function figuresOf({ marks, memory }: WholeRun, pictures: number): RunFigures {
  const first = marks[0], last = marks.at(-1), quarter = Math.ceil(marks.length / 4);
  if (!first || !last || marks.length < 2) throw new Error(`only ${marks.length} steps were seen, not two`);
  return {
    steady: pictures * (marks.length - 1) / (last.at - first.at),
    whole: pictures * marks.length / last.at,
    first: first.at,
    firstLoss: meanLoss(marks.slice(0, quarter)),
    lastLoss: meanLoss(marks.slice(-quarter)),
    ...memoryOf(memory, last.at),
  };
}

/** Gives the lines that have been added to a file since it was last asked. */
export function followLines(path: string): () => string[] {
  let seen = 0, rest = "";
  return () => {
    let file: Deno.FsFile;
    try {
      if (Deno.statSync(path).size <= seen) return [];
      file = Deno.openSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
    try {
      file.seekSync(seen, Deno.SeekMode.Start);
      const buffer = new Uint8Array(1 << 16), decoder = new TextDecoder();
      for (let got = file.readSync(buffer); got; got = file.readSync(buffer)) {
        seen += got;
        rest += decoder.decode(buffer.subarray(0, got));
      }
    } finally {
      file.close();
    }
    const lines = rest.split("\n");
    rest = lines.pop()!;
    return lines;
  };
}

/**
 * Samples the memory of a process and its descendants until it has ended; gives nothing where there is no /proc.
 *
 * @param pid The process.
 */
export async function* sampleTree(pid: number): AsyncGenerator<TreeSample, void> {
  if (Deno.build.os !== "linux") return;
  const sampler = fileURLToPath(new URL("./tree_memory.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", sampler, `${pid}`, `${SAMPLE}`],
    ...{ stdin: "null", stdout: "piped" },
  }).spawn();
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
  await child.status;
}

/**
 * Runs a program to its end.
 *
 * @param signal Ends it.
 * @throws {Error} When it fails; the last of what it wrote to its error output is part of the message.
 */
export async function runWhole(program: Program, signal: AbortSignal): Promise<WholeRun> {
  const { command, args, cwd, env, marks: path } = program;
  signal.throwIfAborted();
  const marks: Mark[] = [], follow = followLines(path);
  const start = Date.now(), since = () => (Date.now() - start) / 1000;
  const child = new Deno.Command(command, {
    ...{ args, cwd, env, clearEnv: true },
    ...{ stdin: "null", stdout: "null", stderr: "piped" },
  }).spawn();
  const end = () => child.kill("SIGTERM");
  signal.addEventListener("abort", end, { once: true });
  const look = () => {
    for (const line of follow()) {
      const { loss, evaluator } = JSON.parse(line) as { loss?: number; evaluator?: string };
      if (evaluator === undefined) marks.push({ at: since(), loss });
    }
  };
  const timer = setInterval(look, LOOK);
  try {
    const [said, samples, { success, code }] = await Promise.all([
      new Response(child.stderr).text(),
      Array.fromAsync(sampleTree(child.pid)),
      child.status,
    ]);
    signal.throwIfAborted();
    if (!success) {
      const text = said.trim().split("\n").slice(-15).join("\n");
      throw new Error(`${[command, ...args].join(" ")} ended with code ${code}:\n${text}`);
    }
    look();
    return { marks, memory: samples.map(({ at, bytes }) => ({ at: (at - start) / 1000, bytes })) };
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", end);
  }
}

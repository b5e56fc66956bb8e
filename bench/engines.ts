/**
 * The whole training step on engine xla beside TensorFlow.js's own engines, in turn: every engine in a process of its
 * own, started as our tasks start it.
 *
 * deno task bench engines [--engines tensorflow,webgpu,wasm] [--preset tiny] [--batch 8] [--rounds 3] [--steps 1] [--json]
 */
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { openEngine } from "../src/engine/open.ts";
import type { EngineName } from "../src/engine/types.ts";
import type { PresetName } from "../src/train/config/settings.ts";
import { type Comparison, inTurn, report } from "./measure.ts";
import { startPeer } from "./peer.ts";
import { peakMemory, prepare } from "./step.ts";

/** Command line options. */
export const OPTIONS = {
  engines: { type: "string", default: "tensorflow,webgpu,wasm" },
  preset: { type: "string", default: "tiny" },
  batch: { type: "string", default: "8" },
  rounds: { type: "string", default: "3" },
  steps: { type: "string", default: "1" },
  json: { type: "boolean", default: false },
  serve: { type: "string" },
} as const;

/** What a process of an engine says after each request. */
type Answer = { seconds: number; peak: number };

/** An engine in a process of its own. */
interface Runner {
  about: string;
  /** Runs steps: images a second. */
  run(): Promise<number>;
  /** Its peak memory so far, in bytes. */
  peak(): number;
  close(): Promise<void>;
}

/** The process of one engine: says what it is, then answers each number of steps with the time they took. */
async function serve(name: string, preset: PresetName, count: number): Promise<void> {
  const say = (answer: unknown) => console.log(JSON.stringify(answer));
  const engine = await openEngine(name as EngineName);
  const { run } = await prepare(engine, preset, "float32", count);
  say({ about: engine.description });
  for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    say({ seconds: await run(Number(line)), peak: peakMemory() } satisfies Answer);
  }
  await engine.close();
}

/** Starts an engine's process; undefined, after saying why, where the engine cannot run. */
async function start(
  name: string,
  given: { preset: string; batch: number; steps: number },
): Promise<Runner | undefined> {
  const { preset, batch, steps } = given;
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const peer = await startPeer<{ about: string }, Answer>(Deno.execPath(), [
    ...["run", "-A", "--quiet", main, "engines"],
    ...["--serve", name, "--preset", preset, "--batch", `${batch}`],
  ], { errors: "inherit" });
  if (typeof peer === "string") {
    console.error(`engine ${name} is left out: ${peer}`);
    return undefined;
  }
  let peak = 0;
  return {
    about: peer.ready.about,
    run: async () => {
      const said = await peer.ask(steps);
      peak = said.peak;
      return batch * steps / said.seconds;
    },
    peak: () => peak,
    close: peer.close,
  };
}

/** Measures and prints. */
export async function main(args: string[]): Promise<void> {
  const { values: given } = parseArgs({ options: OPTIONS, args });
  const batch = Number(given.batch), steps = Number(given.steps), preset = given.preset as PresetName;
  if (given.serve !== undefined) {
    try {
      return await serve(given.serve, preset, batch);
    } catch (error) {
      console.error(
        `engine ${given.serve}, batch ${batch}: ${error instanceof Error ? error.message : error}`,
      );
      Deno.exit(1); // Whatever an engine that failed still holds.
    }
  }
  const ours = await start("xla", { preset, batch, steps });
  if (!ours) throw new Error("engine xla cannot run here, so there is nothing to compare with");
  const rows: Comparison[] = [];
  try {
    for (const name of given.engines.split(",")) {
      const peer = await start(name, { preset, batch, steps });
      if (!peer) continue;
      try {
        const result = await inTurn(Number(given.rounds), ours.run, peer.run);
        const label = `${name}/${preset}/float32`;
        rows.push({ name: `engines/${label}`, unit: "images/s", note: peer.about, ...result });
        const [mine, theirs] = [ours.peak() / 1e9, peer.peak() / 1e9];
        rows.push({
          name: `memory/${label}`,
          ours: mine,
          peer: theirs,
          unit: "GB peak",
          ratio: null,
          note: peer.about,
        });
      } finally {
        await peer.close();
      }
    }
  } finally {
    await ours.close();
  }
  report(rows, given.json);
}

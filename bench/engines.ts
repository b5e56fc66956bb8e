/**
 * The whole training step on engine xla beside TensorFlow.js's own engines, in turn: every engine in a process of its
 * own, started as our tasks start it.
 *
 * deno task bench engines [--engines tensorflow,webgpu,wasm] [--preset tiny] [--batch 8] [--rounds 3] [--steps 1] [--json]
 */
import { task } from "../src/cli/command.ts";
import { choice, list, onOff, whole } from "../src/cli/kinds.ts";
import type { Lines } from "../src/cli/lines.ts";
import { PRESET } from "../src/cli/model_options.ts";
import { fileURLToPath } from "node:url";
import { openEngine } from "../src/engine/open.ts";
import { type EngineName, ENGINES } from "../src/engine/types.ts";
import type { PresetName } from "../src/train/config/settings.ts";
import { type Comparison, inTurn, report } from "./measure.ts";
import { startPeer } from "./peer.ts";
import { peakMemory, prepare } from "./step.ts";

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
async function serve(
  name: EngineName,
  preset: PresetName,
  count: number,
  print: (text: string) => void,
): Promise<void> {
  const say = (answer: unknown) => print(JSON.stringify(answer));
  const engine = await openEngine(name);
  const { run } = await prepare(engine, preset, "float32", count);
  say({ about: engine.description });
  for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    say({ seconds: await run(Number(line)), peak: peakMemory() } satisfies Answer);
  }
  await engine.close();
}

/** Starts an engine's process; undefined, after saying why, where the engine cannot run. */
async function start(
  name: EngineName,
  given: { preset: PresetName; batch: number; steps: number },
  progress: Lines,
): Promise<Runner | undefined> {
  const { preset, batch, steps } = given;
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const peer = await startPeer<{ about: string }, Answer>(Deno.execPath(), [
    ...["run", "-A", "--quiet", main, "engines"],
    ...["--serve", name, "--preset", preset, "--batch", `${batch}`],
  ], { errors: "inherit" });
  if (typeof peer === "string") {
    progress.line(`engine ${name} is left out: ${peer}`);
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

export const benchTask = task({
  name: "bench engines",
  summary: "Images per second of the training step on engine xla, beside the other engines.",
  options: {
    engines: {
      kind: list(choice<EngineName>(...ENGINES)),
      help: "the others",
      default: ["tensorflow", "webgpu", "wasm"],
    },
    preset: {
      kind: PRESET,
      help: "the model",
      default: "tiny",
    },
    batch: { kind: whole(1), help: "pictures in a step", default: 8 },
    rounds: { kind: whole(1), help: "how often each side is measured", default: 3 },
    steps: { kind: whole(1), help: "steps in a round", default: 1 },
    json: { kind: onOff, help: "print one JSON object a line" },
    serve: {
      kind: choice<EngineName>(...ENGINES),
      help: "be the process of one engine, for another bench engines",
    },
  },
}, async ({ engines, preset, batch, rounds, steps, json, serve: served }, { print, progress, exit }) => {
  if (served !== undefined) {
    try {
      return await serve(served, preset, batch, print);
    } catch (error) {
      progress.line(`engine ${served}, batch ${batch}: ${error instanceof Error ? error.message : error}`);
      exit(1); // Whatever an engine that failed still holds.
    }
  }
  const ours = await start("xla", { preset, batch, steps }, progress);
  if (!ours) throw new Error("engine xla cannot run here, so there is nothing to compare with");
  const rows: Comparison[] = [];
  try {
    for (const name of engines) {
      const peer = await start(name, { preset, batch, steps }, progress);
      if (!peer) continue;
      try {
        const result = await inTurn(rounds, ours.run, peer.run);
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
  report(rows, json, print);
});

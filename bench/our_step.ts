/** Our training step: prepared to be timed, and in a process of its own. */
import { fileURLToPath } from "node:url";
import { openEngine } from "../src/engine/open.ts";
import type { Engine, EngineName, Precision } from "../src/engine/types.ts";
import { presetConfig } from "../src/train/config/presets.ts";
import type { PresetName } from "../src/train/config/settings.ts";
import { initialState } from "../src/train/state.ts";
import { trainStep } from "../src/train/step.ts";
import { batchTensors, scalarTensors } from "../src/train/step_inputs.ts";
import { packView } from "../src/views/pack.ts";
import { sampleView } from "../src/views/sample.ts";
import { VIEW_FIELDS } from "../src/views/types.ts";
import { type Peer, plainEnvironment, startPeer } from "./peer.ts";

/** Which step. */
export interface StepWanted {
  engine: EngineName | "auto";
  preset: PresetName;
  precision: Precision;
  /** Pictures in a step. */
  batch: number;
}

/** Memory of a process, in bytes. */
export interface Memory {
  /** The most that has been resident. */
  peak: number;
  /** What is resident now. */
  resident: number;
}

/** A process that runs steps when asked. */
export interface StepProcess {
  /** One line about it. */
  about: string;
  /** Runs steps and gives the seconds they took. */
  run(steps: number): Promise<number>;
  /** Its memory after the last steps. */
  memory(): Memory;
  close(): Promise<void>;
}

/** What the process answers. */
type Answer = { seconds: number } & Memory;

/** A process that answers numbers of steps with the time they took and its memory. */
export function stepProcess(
  about: string,
  { ask, close }: Pick<Peer<unknown, Answer>, "ask" | "close">,
): StepProcess {
  let memory: Memory = { peak: 0, resident: 0 };
  return {
    about,
    run: async (steps) => {
      const { seconds, ...rest } = await ask(steps);
      memory = rest;
      return seconds;
    },
    memory: () => memory,
    close,
  };
}

/** A batch of noise with sampled views. */
export function noiseBatch(config: ReturnType<typeof presetConfig>, count: number) {
  const { imageSize: size } = config;
  const base = Uint8Array.from(
    { length: count * size * size * 3 },
    (_, i) => Math.imul(i, 2654435761) >>> 24,
  );
  const views = new Float32Array(2 * count * VIEW_FIELDS);
  for (const v of [0, 1] as const) {
    for (let i = 0; i < count; i++) {
      packView(sampleView(config, 0, 0, i, v), views, (v * count + i) * VIEW_FIELDS);
    }
  }
  const indices = Array.from({ length: count }, (_, i) => i);
  return {
    epoch: 0,
    indices,
    keys: indices.map(String),
    base,
    views,
    next: { epoch: 0, position: count },
    bad: 0,
  };
}

/** Our step, ready to be timed. */
async function prepare(engine: Engine, { preset, precision, batch: count }: StepWanted) {
  // The peer's optimiser and size of views, whatever the preset's.
  const peers = { optimizer: "adamw", viewSize: 0, batchSize: count } as const;
  const config = { ...presetConfig(preset), ...peers, precision };
  const step = engine.jit(trainStep(config), { donate: ["state"], precision });
  let state = initialState(config, 0);
  const batch = batchTensors(engine, config, noiseBatch(config, count), 0);
  const scalars = scalarTensors(config, 1000, 20000);
  const compiled = await step.compile({ state, batch, scalars });
  const run = async (steps: number) => {
    const start = performance.now();
    for (let i = 0; i < steps; i++) {
      const { state: next, metrics } = step({ state, batch, scalars });
      state = next;
      await metrics.loss.data();
      await engine.ready(state);
      for (const metric of Object.values(metrics)) metric.dispose();
    }
    return (performance.now() - start) / 1000;
  };
  await run(2);
  return { run, compiled };
}

/** The memory of this process (Linux; elsewhere what is resident now is also the peak). */
export function ownMemory(): Memory {
  const { rss } = Deno.memoryUsage();
  if (Deno.build.os !== "linux") return { peak: rss, resident: rss };
  // Deno itself may read this file only with all permissions.
  const read = new Deno.Command("cat", { args: [`/proc/${Deno.pid}/status`] }).outputSync();
  const status = new TextDecoder().decode(read.stdout);
  const field = (name: string) => 1024 * Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]);
  return { peak: field("VmHWM") || rss, resident: field("VmRSS") || rss };
}

/** Is the process: says what it is, then answers each number of steps with the time they took. */
export async function serveSteps(wanted: StepWanted, print: (text: string) => void): Promise<void> {
  const say = (answer: unknown) => print(JSON.stringify(answer));
  const engine = await openEngine(wanted.engine);
  const { run, compiled: { traceSeconds, compileSeconds, cached, memory } } = await prepare(engine, wanted);
  const compiled = compileSeconds === 0
    ? ""
    : `: traced in ${traceSeconds.toFixed(2)} s, ${cached ? "loaded" : "compiled"} in ${
      compileSeconds.toFixed(1)
    } s` +
      (memory ? `, temporaries ${(memory.temporaries / 1e9).toFixed(2)} GB` : "");
  say({ about: engine.description, compiled });
  for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    say({ seconds: await run(Number(line)), ...ownMemory() } satisfies Answer);
  }
  await engine.close();
}

/**
 * Starts our step in a process of its own, by `deno task bench`, so that it has the allocator of our tasks.
 *
 * @param say Takes lines for people.
 * @returns The process, or the reason why there is none.
 */
export async function startOurs(
  wanted: StepWanted,
  say: (line: string) => void,
): Promise<StepProcess | string> {
  const args = ["task", "--quiet", "bench", "step", "--serve", JSON.stringify(wanted)];
  const peer = await startPeer<{ about: string; compiled: string }, Answer>(Deno.execPath(), args, {
    cwd: fileURLToPath(new URL("../", import.meta.url)),
    env: plainEnvironment(),
    errors: "inherit",
  });
  if (typeof peer === "string") return peer;
  if (peer.ready.compiled) say(`${wanted.preset} ${wanted.precision}${peer.ready.compiled}`);
  return stepProcess(peer.ready.about, peer);
}

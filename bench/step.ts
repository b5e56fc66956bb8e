/**
 * Images per second of the whole training step on engine xla, beside the same step in PyTorch, in turn.
 *
 * Ours renders the views from bytes inside the step; the peer is handed rendered views and so does a little less.
 */
import { task } from "../src/cli/command.ts";
import { ENGINE } from "../src/cli/engine_options.ts";
import { PRESET } from "../src/cli/model_options.ts";
import { choice, list, onOff, whole } from "../src/cli/kinds.ts";
import { allocatorEnvironment } from "../src/engine/install/allocator.ts";
import { openEngine } from "../src/engine/open.ts";
import type { Engine, Precision } from "../src/engine/types.ts";
import { batchTensors, scalarTensors } from "../src/train/step_inputs.ts";
import { presetConfig } from "../src/train/config/presets.ts";
import { initialState } from "../src/train/state.ts";
import { trainStep } from "../src/train/step.ts";
import { packView } from "../src/views/pack.ts";
import { sampleView } from "../src/views/sample.ts";
import { VIEW_FIELDS } from "../src/views/types.ts";
import { type Comparison, inTurn, report } from "./measure.ts";
import { startTorch } from "./torch.ts";

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
export async function prepare(
  engine: Engine,
  preset: "demo" | "tiny" | "small" | "base",
  precision: Precision,
  count: number,
) {
  const config = { ...presetConfig(preset), batchSize: count, precision };
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

/** The most memory this process has had resident, in bytes (Linux). */
export function peakMemory(): number {
  // Deno itself may read this file only with all permissions.
  const read = new Deno.Command("cat", { args: [`/proc/${Deno.pid}/status`] }).outputSync();
  const status = new TextDecoder().decode(read.stdout);
  const found = /VmHWM:\s+(\d+) kB/.exec(status);
  return found ? Number(found[1]) * 1024 : Deno.memoryUsage().rss;
}

export const benchTask = task({
  name: "bench step",
  summary: "Images per second of the whole training step, beside the same step in PyTorch.",
  options: {
    presets: { kind: list(PRESET), help: "models", default: ["tiny"] },
    precisions: {
      kind: list(choice("float32", "bfloat16")),
      help: "of the matrix products",
      default: ["float32"],
    },
    batch: { kind: whole(1), help: "pictures in a step", default: 8 },
    rounds: { kind: whole(1), help: "how often each side is measured", default: 5 },
    steps: { kind: whole(1), help: "steps in a round", default: 2 },
    engine: { ...ENGINE.engine, default: "xla" },
    device: { kind: choice("cpu", "cuda"), help: "of PyTorch", default: "cpu" },
    compile: { kind: onOff, help: "measure torch.compile too" },
    alone: { kind: onOff, help: "without PyTorch" },
    json: { kind: onOff, help: "print one JSON object a line" },
  },
}, async (given, { print, progress }) => {
  const { batch: count, rounds, steps, device } = given;
  const engine = await openEngine(given.engine, { progress: (line) => progress.line(line) });
  const rows: Comparison[] = [], allocator = await allocatorEnvironment();
  for (const preset of given.presets) {
    for (const precision of given.precisions) {
      const { run, compiled } = await prepare(engine, preset, precision, count);
      const { traceSeconds, compileSeconds, cached, memory } = compiled;
      progress.line(
        `${preset} ${precision}: traced in ${traceSeconds.toFixed(2)} s, ` +
          `${cached ? "loaded" : "compiled"} in ${compileSeconds.toFixed(1)} s` +
          (memory ? `, temporaries ${(memory.temporaries / 1e9).toFixed(2)} GB` : ""),
      );
      const ours = async () => count * steps / await run(steps);
      const shared = { preset, batch: count, precision, device };
      const peers = given.alone ? [] : [
        { ...shared },
        // As its users start it, and once more with the allocator and the settings of our task.
        ...(device === "cpu" && Object.keys(allocator).length > 0 ? [{ ...shared, env: allocator }] : []),
        ...(given.compile ? [{ ...shared, compiled: true }] : []),
      ];
      const name = `step/${preset}/${precision}`;
      let measured = false, why = "";
      for (const options of peers) {
        const peer = await startTorch(options);
        if (typeof peer === "string") {
          why = peer;
          continue;
        }
        measured = true;
        const theirs = async () => count * steps / await peer.run(steps);
        const result = await inTurn(rounds, ours, theirs);
        const suffix = "env" in options ? "/same-allocator" : "compiled" in options ? "/compiled" : "";
        rows.push({ name: name + suffix, unit: "images/s", note: peer.about, ...result });
        rows.push({
          name: `memory/${preset}/${precision}${suffix}`,
          ours: peakMemory() / 1e9,
          peer: peer.peak() / 1e9,
          unit: "GB peak",
          ratio: null,
          note: peer.about,
        });
        await peer.close();
      }
      if (!measured) {
        const result = await inTurn(rounds, ours);
        rows.push({ name, unit: "images/s", note: why, ...result });
        rows.push({
          name: `memory/${preset}/${precision}`,
          ours: peakMemory() / 1e9,
          peer: null,
          unit: "GB peak",
          ratio: null,
        });
      }
    }
  }
  report(rows, given.json, print);
  await engine.close();
});

import type { ModelConfig } from "../src/model/config.ts";
import type { Precision } from "../src/engine/types.ts";
import { attentionOf } from "../src/train/pretraining.ts";
import * as tf from "../src/engine/tensors.ts";
import { openXlaEngine } from "../src/engine/xla_engine.ts";
import { batchTensors, readValues, scalarTensors } from "../src/train/step_inputs.ts";
import { presetConfig } from "../src/train/config/presets.ts";
import { initialState } from "../src/train/state.ts";
import { trainStep } from "../src/train/step.ts";
import { noiseBatch, ownMemory } from "./our_step.ts";

/** One thing to measure. */
export interface Case {
  preset: "demo" | "tiny" | "small" | "base";
  precision: Precision;
  /** How blocks attend, and in what the residual stream is kept. */
  attention: ModelConfig["attention"];
  residual: ModelConfig["residualPrecision"];
  batch: number;
  repeats: number;
  /** Seconds that one repeat takes at least. */
  seconds: number;
}

/** What one side measured. */
export interface Figures {
  /** One line about it. */
  about: string;
  /** Seconds a step, one for each repeat. */
  seconds: number[];
  /** Bytes: of the device's memory, or of the process where the device has none of its own. */
  peakMemory: number;
  /** Seconds until the first step could be timed: tracing and compiling. */
  readySeconds: number;
  /** Floating-point operations of a step, and what the device could do in a second, where known. */
  flops?: number;
  peakFlops?: number;
  /** The losses of the first steps, which tell whether forms of the step compute the same. */
  losses?: number[];
  /** Whether the same steps gave the same numbers twice, which resuming bit for bit needs. */
  repeatable?: boolean;
}

/** Where our side finds things. */
export interface OursOptions {
  plugin?: string;
  /** Folder for compiled programs. */
  cache?: string;
  /** Share of the device's memory that XLA takes. */
  memoryFraction?: number;
}

/** Times our step on noise. At most two steps are under way, as in training. */
export async function measureOurs(given: Case, options: OursOptions): Promise<Figures> {
  const { preset, precision, attention: asked, residual: residualPrecision, batch: count } = given,
    { plugin, cache, memoryFraction } = options;
  const client = memoryFraction ? { memory_fraction: memoryFraction } : undefined;
  const engine = await openXlaEngine({ plugin, cache, client });
  // The peer's optimiser and size of views, whatever the preset's.
  // As pre-training does it.
  const attention = attentionOf({ attention: asked, precision });
  const config = {
    ...presetConfig(preset),
    ...{
      optimizer: "adamw" as const,
      viewSize: 0,
      batchSize: count,
      precision,
      attention,
      residualPrecision,
    },
  };
  const step = engine.jit(trainStep(config), { donate: ["state"], precision });
  const scalars = scalarTensors(config, 1000, 20000), noise = noiseBatch(config, count);
  const batch = batchTensors(engine, config, noise, 0);
  let state = initialState(config, 0);
  const start = performance.now();
  const compiled = await step.compile({ state, batch, scalars });
  const readySeconds = (performance.now() - start) / 1000;
  const several = async () => {
    const found: Record<string, number>[] = [];
    for (let i = 0; i < 4; i++) {
      const result = step({ state, batch, scalars });
      state = result.state;
      found.push(await readValues(result.metrics));
    }
    return found;
  };
  // What a step comes to has the gradients of those before in it.
  const first = await several();
  tf.dispose(state);
  state = initialState(config, 0);
  const repeatable = JSON.stringify(first) === JSON.stringify(await several());
  const run = async (steps: number) => {
    const start = performance.now();
    const flights: Promise<unknown>[] = [];
    for (let i = 0; i < steps; i++) {
      const result = step({ state, batch, scalars });
      state = result.state;
      flights.push(readValues(result.metrics));
      if (flights.length > 1) await flights.shift();
    }
    await Promise.all(flights);
    await engine.ready(state);
    return (performance.now() - start) / 1000 / steps;
  };
  await run(2);
  const steps = Math.max(1, Math.ceil(given.seconds / await run(2)));
  const seconds: number[] = [];
  for (let i = 0; i < given.repeats; i++) seconds.push(await run(steps));
  const memory = engine.deviceMemory();
  const peak = typeof memory === "object" ? memory.peak : undefined;
  const figures: Figures = {
    about: engine.description,
    seconds,
    peakMemory: peak ?? ownMemory().peak,
    readySeconds,
    flops: compiled.flops,
    peakFlops: compiled.peakFlops,
    losses: first.map(({ loss }) => loss),
    repeatable,
  };
  await engine.close();
  return figures;
}

/** The training step as a graphics card would get it. */
import type * as tf from "../engine/tensors.ts";
import type { Tree } from "../engine/tensors.ts";
import type { Engine, JitOptions, Jitted } from "../engine/types.ts";
import { type Described, openDescribed } from "../engine/xla/described.ts";
import { inventory } from "../model/inventory.ts";
import type { RunConfig } from "../train/config/settings.ts";
import { layoutOf } from "../train/layout.ts";
import { blankBatch } from "../train/memory.ts";
import { isMuons } from "../train/muon.ts";
import { pretraining } from "../train/pretraining.ts";
import type { TrainState } from "../train/state.ts";

/** A step's program. */
export interface LoweredStep {
  /** StableHLO. */
  text: string;
  /** Floating-point operations of its products and convolutions, on all devices together. */
  flops: number;
}

/** A state of the shapes that a configuration has, without values. */
function describedState(config: RunConfig, { standIn }: Described): TrainState {
  const entries = inventory(config);
  const of = (role: "param" | "frozen" | "buffer", wanted = (_: string, __: number[]) => true) =>
    Object.fromEntries(
      entries.filter((entry) => entry.role === role && wanted(entry.name, entry.shape))
        .map(({ name, shape }): [string, tf.Tensor] => [name, standIn("f32", shape)]),
    );
  return {
    params: of("param"),
    frozen: of("frozen"),
    buffers: of("buffer"),
    m: of("param"),
    v: of("param", (name, shape) => config.optimizer !== "muon" || !isMuons(name, shape)),
    ema: config.ema ? of("param") : {},
  };
}

/** An engine on devices that are not here: what it is given to compile is lowered at the first call. */
function describedEngine({ standIn, lower }: Described, lowered: (step: LoweredStep) => void): Engine {
  const absent = () => {
    throw new Error("nothing runs on a device that is only described");
  };
  return {
    name: "xla",
    description: "described",
    devices: 1,
    compiles: true,
    deviceMemory: () => undefined,
    bytes: (_, shape) => standIn("u8", shape),
    floats: (_, shape) => standIn("f32", shape),
    jit: <Args extends Record<string, Tree>, Result extends Tree>(
      fn: (args: Args) => Result,
      how?: JitOptions<Args>,
    ): Jitted<Args, Result> =>
      Object.assign(absent, {
        compile: (args: Args) => {
          lowered(lower(fn, args, how));
          return Promise.resolve({ traceSeconds: 0, compileSeconds: 0, cached: false });
        },
        dispose: () => {},
      }),
    ready: absent,
    close: () => Promise.resolve(),
  };
}

/**
 * The program of a run's training step as a graphics card would get it: rendering, loss, gradients and optimiser, split
 * over all devices of all nodes.
 *
 * @param config The run; its batch is that of all devices together.
 * @param kind As the card names itself.
 * @throws {Error} When engine xla is open in this process.
 */
export async function lowerStep(config: RunConfig, kind: string): Promise<LoweredStep> {
  const { devices, nodes, batchSize, imageSize } = config, all = devices * nodes;
  const described = await openDescribed({ platform: "cuda", kind, devices, processes: nodes });
  try {
    let step: LoweredStep | undefined;
    const engine = describedEngine(described, (lowered) => step = lowered);
    // As `train` prepares it; each node has its part of the batch.
    const method = pretraining(engine, config, layoutOf(all), 1000);
    const state = describedState(config, described);
    await method.compile({ state, ...method.inputs(blankBatch(imageSize, batchSize / nodes), 0) });
    return step!;
  } finally {
    described.close();
  }
}

/** The training step as a graphics card would get it. */
import { type Described, openDescribed } from "../engine/xla/described.ts";
import type * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { inventory } from "../model/inventory.ts";
import type { RunConfig } from "../train/config/settings.ts";
import { nodeBatchTensors, nodeStep } from "../train/nodes.ts";
import { blankBatch } from "../train/memory.ts";
import { oneProcess } from "../train/process_group.ts";
import type { TrainState } from "../train/state.ts";
import { trainStep } from "../train/step.ts";
import { scalarTensors } from "../train/step_inputs.ts";

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
  const of = (role: "param" | "frozen" | "buffer"): Record<string, tf.Tensor> =>
    Object.fromEntries(
      entries.filter((entry) => entry.role === role).map(({ name, shape }) => [name, standIn("f32", shape)]),
    );
  return {
    params: of("param"),
    frozen: of("frozen"),
    buffers: of("buffer"),
    m: of("param"),
    v: of("param"),
    ema: config.ema ? of("param") : {},
  };
}

/** An engine that makes arguments without values. */
function describedEngine({ standIn }: Described): Engine {
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
    jit: absent,
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
  const { devices, nodes, precision, batchSize, imageSize } = config;
  const described = await openDescribed({ platform: "cuda", kind, devices: devices * nodes });
  try {
    const engine = describedEngine(described), state = describedState(config, described);
    const scalars = scalarTensors(config, 1000, 20_000);
    const several = nodes > 1;
    const { layout } = oneProcess(devices);
    const batch = several
      ? nodeBatchTensors(engine, config, blankBatch(imageSize, batchSize / nodes), 0)
      : layout.tensors(engine, config, blankBatch(imageSize, batchSize), 0);
    const step = several ? nodeStep(trainStep(config)) : layout.step(trainStep(config));
    const shard = several ? ["batch/base", "batch/views"] as const : layout.shard;
    return described.lower(step, { state, batch, scalars }, { donate: ["state"], precision, shard });
  } finally {
    described.close();
  }
}

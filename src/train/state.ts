import * as tf from "../engine/tensors.ts";
import { leaves, type Tree } from "../engine/tensors.ts";
import { asFloat32, float32, type StoredTensor } from "../files/stored_tensor.ts";
import type { ModelConfig } from "../model/config.ts";
import { initModel, type ModelState } from "../model/init.ts";
import { isMuons } from "./muon.ts";
import type { OptimizerKind } from "./optimizer.ts";

/** Tensors by name. */
export type Tensors = Record<string, tf.Tensor>;

/** Everything that training changes, as one tree of tensors. The number of the step is the caller's. */
export type TrainState = {
  /** Trainable parameters under the reference's names. */
  params: Tensors;
  /** Parameters that stay as they were drawn (the patch embedding). */
  frozen: Tensors;
  /** Running statistics of the batch norms. */
  buffers: Tensors;
  /** First moments of AdamW and averaged gradients of Muon, under the parameters' names. */
  m: Tensors;
  /** Second moments of AdamW. */
  v: Tensors;
  /** Averaged parameters; empty when no average is kept. */
  ema: Tensors;
};

/** How tensors are named in a checkpoint: the reference's names, and prefixes for what is the optimiser's. */
const PREFIX = { m: "optimizer.m.", v: "optimizer.v.", ema: "teacher." } as const;
const STATISTIC = /\.running_(mean|var)$/;

/** Copies with memory of their own: a clone shares it, and memory cannot be given to a compiled step twice. */
export function copies(tensors: Tensors): Tensors {
  const copy = (p: tf.Tensor) => tf.tensor(Float32Array.from(p.dataSync()), p.shape);
  return Object.fromEntries(Object.entries(tensors).map(([name, p]) => [name, copy(p)]));
}

/**
 * The state of a model before its first step; the model's tensors become part of it.
 *
 * @param ema Whether to keep an average of the parameters; it starts as their copy.
 * @param optimizer Decides which moments there are. Default: AdamW.
 */
export function untrained(
  { params, frozen, buffers }: ModelState,
  ema: boolean,
  optimizer: OptimizerKind = "adamw",
): TrainState {
  const entries = Object.entries(params);
  const zeros = (of: typeof entries) =>
    Object.fromEntries(of.map(([name, p]) => [name, tf.zeros(p.shape) as tf.Tensor]));
  const adams = optimizer === "muon" ? entries.filter(([name, p]) => !isMuons(name, p.shape)) : entries;
  return { params, frozen, buffers, m: zeros(entries), v: zeros(adams), ema: ema ? copies(params) : {} };
}

/**
 * The state before the first step. The same configuration and seed give the same numbers.
 *
 * @param config The model's sizes and laws of initialisation, and the optimiser if it is not AdamW.
 * @param seed The run's seed.
 * @param ema Whether to keep an average of the parameters; it starts as their copy.
 * @throws {RangeError} When the model cannot be built.
 */
export function initialState(
  config: ModelConfig & { optimizer?: OptimizerKind },
  seed: number,
  ema = false,
): TrainState {
  return untrained(initModel(config, seed), ema, config.optimizer);
}

/** Number of trainable parameters. */
export function countParameters(params: Tensors): number {
  return leaves(params).reduce((sum, p) => sum + p.size, 0);
}

/** Gives back the memory of a tree. */
export function disposeTree(tree: Tree): void {
  for (const tensor of leaves(tree)) tensor.dispose();
}

/** Reads a state into host memory under the names of a checkpoint. Waits for the device. */
export async function readState(state: TrainState): Promise<Record<string, StoredTensor>> {
  const stored: Record<string, StoredTensor> = {};
  for (const part of ["params", "frozen", "buffers", "m", "v", "ema"] as const) {
    const prefix = part in PREFIX ? PREFIX[part as keyof typeof PREFIX] : "";
    for (const [name, tensor] of Object.entries(state[part])) {
      stored[prefix + name] = float32(tensor.shape, Float32Array.from(await tensor.data()));
    }
  }
  return stored;
}

/** The tensors of a checkpoint, sorted into the parts of a state but still in host memory. */
export function splitState(
  stored: Record<string, StoredTensor>,
): Record<keyof TrainState, Record<string, StoredTensor>> {
  const parts = { params: {}, frozen: {}, buffers: {}, m: {}, v: {}, ema: {} } as Record<
    keyof TrainState,
    Record<string, StoredTensor>
  >;
  for (const [name, tensor] of Object.entries(stored)) {
    const kind = (Object.keys(PREFIX) as (keyof typeof PREFIX)[]).find((k) => name.startsWith(PREFIX[k]));
    if (kind) parts[kind][name.slice(PREFIX[kind].length)] = tensor;
    else if (STATISTIC.test(name)) parts.buffers[name] = tensor;
    else if (Object.hasOwn(stored, PREFIX.m + name)) parts.params[name] = tensor;
    else parts.frozen[name] = tensor;
  }
  return parts;
}

/** Tensors on the current engine from those in host memory. */
function upload(stored: Record<string, StoredTensor>): Tensors {
  return Object.fromEntries(
    Object.entries(stored).map(([name, t]) => [name, tf.tensor(asFloat32(t), [...t.shape])]),
  );
}

/**
 * The model of a checkpoint on the current engine, without what only training needs.
 *
 * @param stored The tensors of a checkpoint.
 * @param teacher Take the averaged parameters.
 * @throws {Error} When the averaged parameters are asked for and the run kept none.
 */
export function writeModel(stored: Record<string, StoredTensor>, teacher = false): ModelState {
  const { params, ema, frozen, buffers } = splitState(stored);
  if (teacher && Object.keys(ema).length === 0) {
    throw new Error("the checkpoint holds no averaged parameters: its run was made without --ema");
  }
  return { params: upload(teacher ? ema : params), frozen: upload(frozen), buffers: upload(buffers) };
}

/** A whole state on the current engine from the tensors of a checkpoint. */
export function writeState(stored: Record<string, StoredTensor>): TrainState {
  const parts = splitState(stored);
  return {
    params: upload(parts.params),
    frozen: upload(parts.frozen),
    buffers: upload(parts.buffers),
    m: upload(parts.m),
    v: upload(parts.v),
    ema: upload(parts.ema),
  };
}

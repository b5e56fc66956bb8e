import type * as tf from "./tensors.ts";
import type { Tree } from "./tensors.ts";
import type { JitOptions, Jitted } from "./xla/types.ts";

/** The engines that can run tensors. */
export const ENGINES = ["xla", "tensorflow", "webgpu", "wasm"] as const;

/** An engine. */
export type EngineName = typeof ENGINES[number];

export type { CallMemory, CompileReport, Exchange, JitOptions, Jitted, Precision } from "./xla/types.ts";

/** A device that runs tensors, and how functions are prepared for it. */
export interface Engine {
  readonly name: EngineName;
  /** One line for people: what it runs on and its version. */
  readonly description: string;
  /** How many devices `shard` may split over, those of other processes too. */
  readonly devices: number;
  /** True when `jit` compiles, false when it runs op by op. */
  readonly compiles: boolean;
  /**
   * Bytes of one device's own memory: what programs may use, and the most that was in use; `host` for devices that use
   * the host's memory; undefined where nobody can tell.
   */
  deviceMemory(): { limit?: number; peak?: number } | "host" | undefined;
  /**
   * A tensor of whole numbers 0…255 (tfjs type int32) that crosses to the device as bytes where the engine can. With
   * several processes, of what is to be split over them each gives its own rows, and the shape of the whole.
   */
  bytes(data: Uint8Array, shape: number[]): tf.Tensor;
  /** As `bytes`, of float32. */
  floats(data: Float32Array, shape: number[]): tf.Tensor;
  /**
   * Prepares a pure function of tensor trees: no reading of values, no branch on them, no random op, static shapes.
   */
  jit<Args extends Record<string, Tree>, Result extends Tree>(
    fn: (args: Args) => Result,
    options?: JitOptions<Args>,
  ): Jitted<Args, Result>;
  /** Resolves when all tensors of the tree have been computed, without copying them. */
  ready(tree: Tree): Promise<void>;
  /** Gives back what the engine holds. */
  close(): Promise<void>;
}

import type * as tf from "./tensors.ts";
import type { Tree } from "./tensors.ts";

/** The engines that can run tensors. */
export const ENGINES = ["xla", "tensorflow", "webgpu", "wasm"] as const;

/** An engine. */
export type EngineName = typeof ENGINES[number];

/** The element type of matrix products; everything else stays float32. */
export type Precision = "float32" | "bfloat16";

/** How a function is compiled. */
export interface JitOptions<Args> {
  /** Arguments whose tensors are given up at the call: their memory may hold results, and reading them afterwards is an error. */
  donate?: readonly (keyof Args & string)[];
  /** Element type of matrix products. Default float32. */
  precision?: Precision;
  /**
   * Arguments, or parts of them by their path such as `batch/base`, that are split over the engine's devices along their
   * first axis. All others, and all results, are whole on every device. An engine of one device ignores it.
   */
  shard?: readonly (keyof Args & string | `${keyof Args & string}/${string}`)[];
}

/** Bytes of each device's memory that one call needs. */
export interface CallMemory {
  arguments: number;
  outputs: number;
  /** Bytes of arguments that hold outputs afterwards. */
  aliased: number;
  temporaries: number;
  /** The most in use at a time, by the compiler's count. */
  peak: number;
}

/** What compiling took. Zeros where the engine does not compile. */
export interface CompileReport {
  /** Seconds spent recording the function. */
  traceSeconds: number;
  /** Seconds spent compiling, or loading a compiled program. */
  compileSeconds: number;
  /** True when a stored executable was loaded in place of compiling. */
  cached: boolean;
  /** Bytes of each device's memory that one call needs, where the engine can tell. */
  memory?: CallMemory;
  /** Floating-point operations of the products and convolutions of one call, where the engine counts them. */
  flops?: number;
  /** What all devices together could do at this precision in a second, where that is known of them. */
  peakFlops?: number;
}

/** A function of named tensor trees that an engine has prepared. Shapes and types are fixed by each call's arguments. */
export interface Jitted<Args extends Record<string, Tree>, Result extends Tree> {
  /** Runs the function. May return before the device has finished; reading a result waits. */
  (args: Args): Result;
  /** Compiles for arguments of these shapes without running; the event loop stays free where the engine allows it. */
  compile(args: Args): Promise<CompileReport>;
}

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

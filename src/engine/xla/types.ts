import type { Exchange } from "./compile/exchanges.ts";
import type { Tree } from "./tree.ts";

/**
 * The element type of matrix products; everything else stays float32. With tf32 a graphics card may round the operands of
 * products to the 10 bits of TensorFloat-32; with float32 it may not. Processors do the same for both.
 */
export type Precision = "float32" | "tf32" | "bfloat16";

export type { Exchange };

/** What attention by one operation is besides its tensors. */
export interface FusedAttentionAttrs {
  /** Factor of the scores. */
  scale: number;
  /** How many of each sequence's tokens count; those behind them are padding. */
  tokens: number;
}

/** How a function is compiled. */
export interface JitOptions<Args> {
  /** Arguments whose tensors are given up at the call: their memory may hold results, and reading them afterwards is an error. */
  donate?: readonly (keyof Args & string)[];
  /** Element type of matrix products. Default float32. */
  precision?: Precision;
  /**
   * Arguments, or parts of them by their path such as `batch/base`, that are split over the engine's devices along their
   * first axis. All others, and all results, are whole on every device but for what is divided. An engine of one device
   * ignores it. See
   * `splitRows` for hints inside.
   */
  shard?: readonly (keyof Args & string | `${keyof Args & string}/${string}`)[];
  /**
   * Arguments, or parts of them, that lie divided among the devices of each process along their first axis, where it is
   * divisible, and so do results of the same paths: less memory on each. All else that `shard` does not name is whole on every
   * device. An engine of one device ignores it, and so does a function without `shard`. See `divideRows`.
   */
  divide?: JitOptions<Args>["shard"];
  /**
   * Element type of what the devices add: products aᵀ·b over rows that lie split over them, such as the gradients of
   * weights. Default float32. With bfloat16, where that is the precision too, each device rounds its part first: half as
   * much is sent, and digits are lost.
   */
  sums?: Precision;
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
  /** True when a stored executable was loaded instead of compiling. */
  cached: boolean;
  /** Bytes of each device's memory that one call needs, where the engine can tell. */
  memory?: CallMemory;
  /** Floating-point operations of the products and convolutions of one call on all devices, where the engine counts them. */
  flops?: number;
  /** What the devices exchange in one call; undefined for one device, or where the engine cannot tell. */
  exchanges?: readonly Exchange[];
  /** What all devices together could do at this precision in a second, where that is known of them. */
  peakFlops?: number;
}

/** A function of named tensor trees that an engine has prepared. Shapes and types are fixed by each call's arguments. */
export interface Jitted<Args extends Record<string, Tree>, Result extends Tree> {
  /**
   * Runs the function. May return before the device has finished; reading a result waits. Within `tf.grad` and its kin it runs
   * op by op, so that gradients go through it; faster is a compiled function that takes the gradients itself.
   */
  (args: Args): Result;
  /** Compiles for arguments of these shapes without running; the event loop stays free where the engine allows it. */
  compile(args: Args): Promise<CompileReport>;
  /** Frees the compiled programs and what they captured; a later call compiles again. */
  dispose(): void;
}

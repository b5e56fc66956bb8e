/** Element types of device buffers, by StableHLO's names with `u8` for `ui8`. */
export type ElementType =
  | "pred"
  | "i8"
  | "i16"
  | "i32"
  | "i64"
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | "f16"
  | "bf16"
  | "f32"
  | "f64"
  | "c64";

/** Element type and shape of a value. */
export interface ValueType {
  type: ElementType;
  dims: number[];
}

/** How a program is compiled. */
export interface CompileOptions {
  /** Copies of the program that run side by side, each with data of its own. Default 1. */
  replicas?: number;
  /** Devices that one copy is split over. Default 1. */
  partitions?: number;
  /** Split by the shardings in the program (SPMD). Default: true when partitions > 1. */
  spmd?: boolean;
  /** Partition by Shardy (`sdy` attributes) instead of GSPMD (`mhlo.sharding`). Default false. */
  shardy?: boolean;
  /** Device numbers, `replicas × partitions` of them, replica-major. Default: the first ones, in order. */
  devices?: number[];
  /** XLA's debug options for this program alone, such as `{ xla_cpu_enable_fast_math: true }`. */
  xlaFlags?: Record<string, string | number | boolean>;
  /**
   * Arguments whose buffers a run takes over. Default: read from the program's `tf.aliasing_output` and
   * `jax.buffer_donor` attributes; a deserialized program has none to read, so give them there.
   */
  donated?: readonly number[];
}

/**
 * Values for creating a client or a topology, such as `{ memory_fraction: 0.9, preallocate: false }`. A whole number is
 * given as an integer; where the plugin wants a float, write `{ float: 1 }`.
 */
export type NamedValues = Record<
  string,
  string | number | bigint | boolean | readonly number[] | { readonly float: number }
>;

/** Bytes that one run needs on each device. */
export interface ProgramMemory {
  arguments: number;
  outputs: number;
  temporaries: number;
  /** Bytes of arguments that outputs take over. */
  aliased: number;
  code: number;
  /** The most in use at a time, where the plugin says so. */
  peak?: number;
}

/** Bytes in use on a device; what a plugin doesn't tell is missing. */
export interface DeviceMemory {
  inUse: number;
  peak?: number;
  limit?: number;
  allocations?: number;
  largestAllocation?: number;
  reserved?: number;
  pool?: number;
}

/** A device that this process can address. */
export interface Device {
  readonly id: number;
  /** The vendor's name of this kind of device, such as "NVIDIA H100" or "cpu". */
  readonly kind: string;
  /** One line for people. */
  readonly description: string;
  /** The vendor's number of the device in this machine, −1 where there is none. */
  readonly hardwareId: number;
  /** The process that owns the device. */
  readonly processIndex: number;
  /** What the plugin tells of the device, such as compute capability. */
  readonly attributes: Record<string, string | number | boolean | number[]>;
  /** Memory in use now, or undefined where the plugin does not count. */
  memory(): DeviceMemory | undefined;
}

/** A device of any process, as far as others know it. */
export interface PlacedDevice {
  readonly id: number;
  /** The process that owns the device. */
  readonly processIndex: number;
}

/** Addresses of native functions by which the clients of several processes share values (PJRT_KeyValue…Callback). */
export interface KeyValueCallbacks {
  readonly get: number;
  readonly tryGet: number;
  readonly put: number;
}

/** An array on a device. Its contents may still be in the making; reading waits for them. */
export interface Buffer extends Readonly<ValueType> {
  readonly byteLength: number;
  readonly device: Device;
  /** True once the buffer was deleted or a run took it over. */
  readonly deleted: boolean;
  /**
   * Copies the contents to the host, row-major, blocking until they are there.
   *
   * @throws {PjrtError} When the computation failed
   */
  readSync(): Uint8Array<ArrayBuffer>;
  /** As `readSync`, but leaves the event loop free. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
  /** Resolves when the contents have been computed; rejects when that failed. */
  ready(): Promise<void>;
  /** Blocks until the contents have been computed. */
  readySync(): void;
  /** A copy on another device of the same client. */
  copyTo(device: Device): Buffer;
  /** Frees the memory once all work that uses it is done. Deleting twice does nothing. */
  delete(): void;
}

/** A compiled program. */
export interface Executable {
  readonly name: string;
  /** What a run returns. With several partitions: the shapes as the plugin states them. */
  readonly outputs: readonly ValueType[];
  /** The devices it runs on, in the order of `executeSharded`'s lists. */
  readonly devices: readonly Device[];
  readonly donated: readonly number[];
  /**
   * Queues a run on one device and returns at once. Failures during the run appear when a result is read.
   *
   * @param args one buffer per argument
   * @param donated arguments that the run takes over (default: the program's); their buffers are deleted afterwards
   */
  execute(args: readonly Buffer[], donated?: readonly number[]): Buffer[];
  /** As `execute` on every device of the program: arguments and results are lists by device. */
  executeSharded(args: readonly (readonly Buffer[])[], donated?: readonly number[]): Buffer[][];
  /** What a run needs, or undefined where the plugin cannot tell. */
  memory(): ProgramMemory | undefined;
  /** Floating-point operations of one run as XLA counts them, or undefined where it doesn't (XLA's CPU plugin). */
  flops(): number | undefined;
  /** All that XLA's cost analysis says. */
  cost(): Record<string, number>;
  /** A name of the program, where the plugin gives one. XLA's CPU plugin leaves compile flags out of it. */
  fingerprint(): string | undefined;
  /** The program after XLA's passes, as a serialized HloModuleProto. */
  optimized(): { format: string; code: Uint8Array<ArrayBuffer> };
  /** False for programs that would not survive `serialize` and `Client.load`. */
  readonly serializable: boolean;
  /** The executable's machine code, for `Client.load` with the same plugin and kind of device. */
  serialize(): Uint8Array<ArrayBuffer>;
  delete(): void;
}

/** What a client holds at the moment. */
export interface Counts {
  buffers: number;
  /** Bytes of the buffers by their shapes. */
  bytes: number;
  executables: number;
}

/** A plugin's devices, open for work. */
export interface Client {
  /** Such as "cpu", "cuda", "rocm". */
  readonly platform: string;
  readonly platformVersion: string;
  /** The C API that the plugin speaks, such as "0.115". */
  readonly apiVersion: string;
  /** What the plugin tells of itself, such as `xla_version` and `stablehlo_current_version`. */
  readonly attributes: Record<string, string | number | boolean | number[]>;
  /** The devices that this process can address. */
  readonly devices: readonly Device[];
  /** The devices of all processes. */
  readonly globalDevices: readonly PlacedDevice[];
  readonly processIndex: number;
  /**
   * Compiles StableHLO text.
   *
   * @throws {PjrtError} When the compiler refuses it; the message is the compiler's.
   */
  compile(stablehlo: string, options?: CompileOptions): Executable;
  /** As `compile`, but leaves the event loop free. */
  compileAsync(stablehlo: string, options?: CompileOptions): Promise<Executable>;
  /** Loads what `Executable.serialize` gave. */
  load(serialized: Uint8Array, options?: CompileOptions): Executable;
  /** As `load`, but leaves the event loop free. */
  loadAsync(serialized: Uint8Array, options?: CompileOptions): Promise<Executable>;
  /** Copies an array (row-major) to a device; the data may be changed as soon as this returns. */
  buffer(data: ArrayBufferView, type: ElementType, dims: readonly number[], device?: Device): Buffer;
  counts(): Counts;
  /** Frees everything that is left. Pending reads finish first. */
  close(): void;
}

/** Bytes of one element. */
export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  pred: 1,
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  f16: 2,
  bf16: 2,
  f32: 4,
  f64: 8,
  c64: 8,
};

import * as tf from "./tf.ts";
import type { Target, TensorType, Value } from "./ir/types.ts";
import { compileAlone, type KernelProgram, signatureOf } from "./kernels/program.ts";
import type { AnyLowering } from "./kernels/types.ts";
import type { Buffer, Client } from "./pjrt/types.ts";
import type { DeviceMesh } from "./compile/spread.ts";
import {
  bufferOf,
  type DType,
  dtypeOf,
  type Entry,
  hostOf,
  readParts,
  readPartsSync,
  toHost,
  typeOfEntry,
} from "./storage.ts";
import { takeOver } from "./take_over.ts";
import { type Trace, userLine, valueOf } from "./compile/trace.ts";

type Inputs = Record<string, tf.TensorInfo> | tf.TensorInfo[];

/**
 * TensorFlow.js's view of an XLA device. A kernel is either recorded into the function that is being traced or, outside
 * of one, compiled alone, once per signature, and run.
 */
export class XlaBackend extends tf.KernelBackend {
  readonly entries: tf.DataStorage<Entry>;
  /** The function that is being recorded, if any. */
  trace: Trace | null = null;
  /** Programs of single kernels by their signature. */
  readonly #programs = new Map<string, KernelProgram>();

  /**
   * @param client The devices.
   * @param mesh Those that jit may split a function over, where they are several. All else runs on the first one.
   * @param arranges Whether traced products are written for XLA's CPU compiler, see kernels/arrange.ts.
   * @param platform The platform whose forms are recorded, where forms differ. Default: the client's.
   */
  constructor(
    readonly client: Client,
    readonly mesh?: DeviceMesh,
    readonly arranges = false,
    readonly platform: string = client.platform,
  ) {
    super();
    this.entries = new tf.DataStorage<Entry>(this, { moveData: takeOver });
  }

  /** What traced programs for one device are for. */
  get target(): Target {
    const { platform, client, arranges } = this;
    return { platform, losesNaN: client.platform === "cpu", arranges };
  }

  /** Takes values in; they move to the device when first used. */
  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    return this.#add({ references: 1, dtype: dtype as DType, shape, host: hostOf(values, dtype) });
  }

  override move(
    dataId: tf.DataId,
    values: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    references: number,
  ): void {
    this.entries.set(dataId, { references, dtype: dtype as DType, shape, host: hostOf(values, dtype) });
  }

  /**
   * A data id for a device buffer, or for one buffer on each device.
   *
   * @param lay How the value lies over several devices. Default: whole on each.
   */
  adopt(
    given: Buffer | readonly Buffer[],
    shape?: readonly number[],
    lay: "whole" | "rows" | "share" = "whole",
  ): tf.TensorInfo {
    const buffers = [given].flat(), [first] = buffers, dtype = dtypeOf(first.type), split = lay !== "whole";
    const parts = lay === "rows" ? this.mesh!.size : buffers.length;
    const spread = buffers.length > 1 ? { split, buffers, parts } : undefined;
    const dims = shape ?? first.dims, buffer = split ? undefined : first;
    return {
      dataId: this.#add({ references: 1, dtype, shape: dims, buffer, spread }),
      shape: [...dims],
      dtype,
    };
  }

  /**
   * A data id for bytes or floats that move to the devices at their first use, which says where they are needed. Of what
   * will be split over several processes each gives its own rows; `shape` is that of the whole.
   */
  adoptRows(data: Uint8Array | Float32Array, shape: readonly number[]): tf.TensorInfo {
    // The caller may write into its array again.
    const { buffer } = data.slice(), element = data instanceof Uint8Array ? "u8" as const : "f32" as const;
    const waiting = { data: new Uint8Array(buffer), element }, dtype = dtypeOf(element);
    return { dataId: this.#add({ references: 1, dtype, shape, waiting }), shape: [...shape], dtype };
  }

  /** A data id for an argument of a type, without values: functions can be lowered for it, but not run. */
  adoptType(type: TensorType): tf.TensorInfo {
    const { element, shape } = type, dtype = dtypeOf(element);
    const waiting = { data: new Uint8Array(0), element };
    return { dataId: this.#add({ references: 1, dtype, shape, waiting }), shape: [...shape], dtype };
  }

  /** A data id for a value of the function being traced. */
  adoptValue(value: Value): tf.TensorInfo {
    const { shape } = value.type, dtype = dtypeOf(value.type.element);
    return { dataId: this.#add({ references: 1, dtype, shape, value }), shape: [...shape], dtype };
  }

  #add(entry: Entry): tf.DataId {
    const dataId = {};
    this.entries.set(dataId, entry);
    return dataId;
  }

  override readSync(dataId: tf.DataId): tf.backend_util.BackendValues {
    const entry = this.entries.get(dataId);
    if (entry.host) return entry.host;
    const parts = readPartsSync(entry);
    if (parts) return toHost(parts, typeOfEntry(entry).element);
    const buffer = this.#readable(entry);
    return toHost(buffer.readSync(), buffer.type);
  }

  override async read(dataId: tf.DataId): Promise<tf.backend_util.BackendValues> {
    const entry = this.entries.get(dataId);
    if (entry.host) return entry.host;
    // Begun at once, for the tensor may be disposed of before its values are here.
    const parts = readParts(entry);
    const { element } = typeOfEntry(entry);
    return toHost(await (parts ?? this.#readable(entry).read()), element);
  }

  #readable(entry: Entry): Buffer {
    if (entry.value && this.trace) {
      throw new Error(
        `xla: a tensor's value was read while its function is being traced${userLine()}. Inside jit values are not ` +
          "known yet: compute with tensors (tf.where instead of if), or read after the call",
      );
    }
    return bufferOf(this.client, entry);
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    if (!this.entries.has(dataId)) return true;
    const entry = this.entries.get(dataId);
    entry.references--;
    if (!force && entry.references > 0) return false;
    entry.buffer?.delete();
    entry.spread?.buffers.forEach((buffer) => buffer.delete());
    this.entries.delete(dataId);
    return true;
  }

  /** Data of another backend are taken over: it would not count this reference. */
  override incRef(dataId: tf.DataId): void {
    this.entries.get(dataId).references++;
  }

  decRef(dataId: tf.DataId): void {
    if (this.entries.has(dataId)) this.entries.get(dataId).references--;
  }

  override refCount(dataId: tf.DataId): number {
    return this.entries.has(dataId) ? this.entries.get(dataId).references : 0;
  }

  override numDataIds(): number {
    return this.entries.numDataIds();
  }

  override memory(): { unreliable: boolean; numBytesOnDevice: number; numBuffers: number } {
    const { buffers, bytes } = this.client.counts();
    return { unreliable: false, numBytesOnDevice: bytes, numBuffers: buffers };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return true;
  }

  /** Not an async function: what the work throws is thrown here, as TensorFlow.js's profiler needs its results at once. */
  override time(work: () => void): Promise<tf.BackendTimingInfo> {
    const start = performance.now();
    work();
    return Promise.resolve({ kernelMs: performance.now() - start });
  }

  override dispose(): void {
    for (const { executable } of this.#programs.values()) executable?.delete();
    this.#programs.clear();
    this.client.close();
  }

  /** The device buffer behind a tensor. */
  buffer(info: { dataId: tf.DataId }): Buffer {
    return bufferOf(this.client, this.entries.get(info.dataId));
  }

  /** The buffers behind a tensor: one on each device that it lies on. */
  buffers(info: { dataId: tf.DataId }): readonly Buffer[] {
    return this.entries.get(info.dataId).spread?.buffers ?? [this.buffer(info)];
  }

  /** Records or runs one kernel. The attributes must be those of the kernel that the lowering is for. */
  run(name: string, lowering: AnyLowering, inputs: Inputs, attrs: unknown): tf.TensorInfo | tf.TensorInfo[] {
    const given = Object.entries(inputs).filter(([, info]) => info?.dataId !== undefined);
    if (this.trace) return this.#record(this.trace, lowering, given, attrs);
    const buffers = given.map(([, info]) => this.buffer(info));
    const signature = signatureOf(name, given, buffers, attrs);
    let program = this.#programs.get(signature);
    if (!program) {
      program = compileAlone(this.client, this.target, name, lowering, given, buffers, attrs);
      this.#programs.set(signature, program);
    }
    const results = program.executable
      ? program.executable.execute(buffers).map((buffer, i) => this.adopt(buffer, program.types[i].shape))
      : program.types.map(({ element, shape }, i) => {
        const dtype = dtypeOf(element), dataId = this.write(program.known![i](), [...shape], dtype);
        return { dataId, shape: [...shape], dtype };
      });
    return program.list ? results : results[0];
  }

  #record(trace: Trace, lowering: AnyLowering, given: [string, tf.TensorInfo][], attrs: unknown) {
    const values = given.map(([key, info]) =>
      [key, valueOf(trace, this.entries.get(info.dataId), info)] as const
    );
    const { graph, precision } = trace;
    const result = lowering({ graph, precision, inputs: Object.fromEntries(values), attrs: attrs as never });
    return Array.isArray(result) ? result.map((value) => this.adoptValue(value)) : this.adoptValue(result);
  }
}

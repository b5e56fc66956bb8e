import type * as tf from "./tf.ts";
import type { Buffer, Client } from "./pjrt/types.ts";
import type { ElementType, TensorType, Value } from "./ir/types.ts";
import { sizeOf } from "./ir/types.ts";

/** tfjs's dtypes that have values on the device. */
export type DType = "float32" | "int32" | "bool" | "complex64";

/** Host data of a tensor. */
export type HostArray = Float32Array | Int32Array | Uint8Array;

/**
 * What stands behind a tensor's data id. It has values in one of three forms: on the host, on the device, or as a value
 * of the function that is being traced.
 */
export interface Entry {
  /** How many tensors share it. */
  references: number;
  readonly dtype: DType | "string";
  readonly shape: readonly number[];
  host?: HostArray | Uint8Array[];
  /** Whole, on the first device. */
  buffer?: Buffer;
  /** On all devices of the mesh. Where it is not split, its first buffer is `buffer`. */
  spread?: Spread;
  /** Host data in an element type of its own, not yet moved to where they are needed. */
  waiting?: { readonly data: Uint8Array; readonly element: ElementType };
  value?: Value;
  /** True where it was given up to a compiled function that has handed it on as its result. */
  gone?: boolean;
}

/** A value on several devices: a part on each, cut along the first axis, or the whole on each. */
export interface Spread {
  readonly split: boolean;
  /** Those on this process's devices. */
  readonly buffers: readonly Buffer[];
  /** Parts that a split value is cut into, those of other processes too. */
  readonly parts: number;
}

/** Where the numbers of a dtype are kept on the host. */
const ARRAYS: Readonly<
  Record<string, { new (length: number): HostArray; from(numbers: ArrayLike<number>): HostArray } | undefined>
> = {
  float32: Float32Array,
  complex64: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
};

/**
 * Values as they are kept on the host: in the array of their dtype, which kernels of other backends do not always give, and
 * truth values as 0 and 1, whatever number stood for true.
 */
export function hostOf(values: tf.backend_util.BackendValues, dtype: string): HostArray | Uint8Array[] {
  const Elements = ARRAYS[dtype], numbers = values as HostArray;
  if (!Elements) return values as Uint8Array[];
  if (dtype === "bool" && numbers.some((number) => number !== 0 && number !== 1)) {
    return Uint8Array.from(numbers, (number) => number === 0 ? 0 : 1);
  }
  return numbers instanceof Elements ? numbers : Elements.from(numbers);
}

/** Parts of a split value as one. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/**
 * The parts of an entry that lies split over devices and nowhere whole; undefined for any other.
 *
 * @throws {Error} When the tensor was given up, or lies on several processes.
 */
function partsOfEntry(entry: Entry): readonly Buffer[] | undefined {
  alive(entry);
  const { spread } = entry;
  if (!spread?.split || entry.buffer || entry.host || entry.waiting) return undefined;
  if (spread.buffers.length === spread.parts) return spread.buffers;
  throw new Error(
    "xla: this tensor lies split over the devices of several processes; no one of them can read it",
  );
}

/** As {@linkcode dataOf} for an entry that only lies split over devices, without blocking; undefined for any other. */
export function readParts(entry: Entry): Promise<Uint8Array<ArrayBuffer>> | undefined {
  const parts = partsOfEntry(entry);
  return parts && Promise.all(parts.map((part) => part.read())).then(joined);
}

/** As {@linkcode readParts}, at once. */
export function readPartsSync(entry: Entry): Uint8Array<ArrayBuffer> | undefined {
  return partsOfEntry(entry) && joined(partsOfEntry(entry)!.map((part) => part.readSync()));
}

/**
 * Our element type of a tfjs dtype.
 *
 * @throws {Error} When the dtype is not computed with, such as string.
 */
export function elementOf(dtype: string): ElementType {
  switch (dtype) {
    case "float32":
      return "f32";
    case "int32":
      return "i32";
    case "bool":
      return "pred";
    case "complex64":
      return "c64";
    default:
      throw new Error(`xla: tensors of ${dtype} stay on the host and cannot be computed with`);
  }
}

/** The tfjs dtype under which an element type is shown. */
export function dtypeOf(element: ElementType): DType {
  switch (element) {
    case "f16":
    case "bf16":
    case "f32":
    case "f64":
      return "float32";
    case "pred":
      return "bool";
    case "c64":
      return "complex64";
    default:
      return "int32";
  }
}

const NOT_HERE = "stay on the host and cannot be computed with";

/**
 * Makes sure that a tensor's memory is still its own.
 *
 * @throws {Error} When it was given up to a compiled function.
 */
export function alive(entry: Entry): void {
  if (entry.gone || entry.buffer?.deleted || entry.spread?.buffers[0].deleted) {
    throw new Error("xla: this tensor was given up (donated) to a compiled function and is gone");
  }
}

/** The element type and shape that an entry's values have, or will have, on the device. */
export function typeOfEntry(entry: Entry): TensorType {
  alive(entry);
  const { buffer, spread, waiting } = entry;
  if (buffer) return { element: buffer.type, shape: buffer.dims };
  if (spread) {
    const { type, dims: [first, ...rest] } = spread.buffers[0];
    return { element: type, shape: spread.split ? [first * spread.parts, ...rest] : [first, ...rest] };
  }
  return { element: waiting?.element ?? elementOf(entry.dtype), shape: entry.shape };
}

/**
 * The entry's values as host data in their element type; reads them from the device where they are only there.
 *
 * @throws {Error} When the tensor was given up, is a stand-in of a trace that is over, holds strings, or lies on several
 * processes.
 */
export function dataOf(entry: Entry): ArrayBufferView {
  alive(entry);
  if (entry.value) {
    throw new Error(
      "xla: a value of a compiled function was used outside of it, where it does not exist: let the function return it",
    );
  }
  if (entry.waiting) return entry.waiting.data;
  if (entry.dtype === "string") throw new Error(`xla: tensors of string ${NOT_HERE}`);
  if (entry.host) return entry.host as HostArray;
  if (entry.buffer) return entry.buffer.readSync();
  return readPartsSync(entry)!;
}

/** Drops host data that are now on the device. */
export function settled(entry: Entry): void {
  entry.waiting = undefined;
  // Small arrays keep their host copy: they become constants of traced functions, and reading them is free.
  if (entry.host && entry.host.length > SMALL) entry.host = undefined;
}

/** The entry's values as one buffer on the first device; host data and parts are copied there at the first use. */
export function bufferOf(client: Client, entry: Entry): Buffer {
  alive(entry);
  if (entry.buffer) return entry.buffer;
  const data = dataOf(entry), { element, shape } = typeOfEntry(entry);
  entry.buffer = client.buffer(data, element, shape);
  settled(entry);
  return entry.buffer;
}

/** Arrays up to this many elements are written into programs; larger ones are passed as arguments. */
export const SMALL = 1024;

/**
 * Device bytes as the array that tfjs shows for a dtype.
 *
 * @throws {Error} When tfjs has no array for the elements.
 */
export function toHost(bytes: Uint8Array<ArrayBuffer>, element: ElementType): HostArray {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (element) {
    case "f32":
    case "c64":
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case "i32":
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case "pred":
      return bytes;
    case "u8":
      return Int32Array.from(bytes);
    case "bf16": {
      const half = new Uint16Array(buffer, byteOffset, byteLength / 2);
      return new Float32Array(Uint32Array.from(half, (bits) => bits << 16).buffer);
    }
    default:
      throw new Error(`xla: elements of ${element} have no form on the host in tfjs`);
  }
}

/** The number that fills a whole host array, if one does. */
export function uniform(host: HostArray): number | undefined {
  const [first] = host;
  for (let i = 1; i < host.length; i++) if (!Object.is(host[i], first)) return undefined;
  return host.length > 0 ? first : undefined;
}

/**
 * A host array in the bytes of its element type (truth values as one byte each).
 *
 * @throws {Error} When there are more or fewer values than the shape has.
 */
export function hostData(entry: Entry): HostArray {
  const host = entry.host as HostArray;
  if (entry.dtype === "complex64" || host.length === sizeOf(entry.shape)) return host;
  throw new Error(`xla: ${host.length} values for a tensor of shape [${entry.shape}]`);
}

/** One tensor as files store it: its type, shape and memory, and what its numbers are. */
import { BYTES, type Dtype } from "./safetensors_header.ts";

/** The memory of a tensor. F16 and BF16 are held as their raw 16 bits. */
export type StoredData = Float64Array | Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

/** One tensor as it is stored: row-major, little-endian. */
export interface StoredTensor {
  dtype: Dtype;
  shape: readonly number[];
  data: StoredData;
}

/**
 * Elements as they are stored, as a typed array over their bytes [begin, end); copied only where their place is not aligned.
 *
 * @param bytes Between begin and end a whole number of little-endian elements.
 */
export function storedView(bytes: Uint8Array, dtype: Dtype, begin = 0, end = bytes.length): StoredData {
  const aligned = (bytes.byteOffset + begin) % BYTES[dtype] === 0;
  const part = aligned ? bytes.subarray(begin, end) : bytes.slice(begin, end);
  const [buffer, offset, length] = [part.buffer, part.byteOffset, part.byteLength / BYTES[dtype]];
  switch (dtype) {
    case "F64":
      return new Float64Array(buffer, offset, length);
    case "F32":
      return new Float32Array(buffer, offset, length);
    case "F16":
    case "BF16":
      return new Uint16Array(buffer, offset, length);
    case "I64":
      return new BigInt64Array(buffer, offset, length);
    case "I32":
      return new Int32Array(buffer, offset, length);
    case "U8":
    case "BOOL":
      return new Uint8Array(buffer, offset, length);
    default:
      return dtype satisfies never;
  }
}

/** The value of a half-precision number's bits. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The tensor's values as float32, row-major. Shares memory when they are float32 already. */
export function asFloat32({ dtype, data }: StoredTensor): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number);
  if (dtype === "F16") return Float32Array.from(data, half);
  if (dtype === "BF16") {
    const bits = Uint32Array.from(data, (value) => value << 16);
    return new Float32Array(bits.buffer);
  }
  return Float32Array.from(data);
}

/** A float32 tensor to be stored. */
export function float32(shape: readonly number[], data: Float32Array): StoredTensor {
  return { dtype: "F32", shape, data };
}

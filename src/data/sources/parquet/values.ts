import { DamagedError } from "../../io/reader/chunks.ts";
import type { Column } from "./columns.ts";

/** A column's values: bytes for pictures and texts, numbers for labels; null where there is none. */
export type Value = Uint8Array | number | bigint | null;

/**
 * Reads whole numbers of a few bits each, in runs of repeats and of packed bits. A run that would give too many values
 * ends the reading, so damage costs no more than its bytes.
 *
 * @param bytes Where they stand.
 * @param bits Bits of a number, 0 … 32.
 * @param count How many are wanted.
 * @throws {DamagedError} There are fewer.
 */
export function readHybrid(bytes: Uint8Array, bits: number, count: number): Uint32Array {
  if (bits > 32) throw new DamagedError(`numbers of ${bits} bits`);
  const out = new Uint32Array(count);
  // With no bits there is nothing to read: all are 0.
  if (bits === 0) return out;
  const width = Math.ceil(bits / 8);
  let at = 0, to = 0;
  while (to < count) {
    let head = 0;
    for (let i = 0;; i++) {
      if (i === 5 || at >= bytes.length) throw new DamagedError("runs of numbers end too early");
      head += (bytes[at] & 0x7f) * 2 ** (7 * i);
      if (bytes[at++] < 0x80) break;
    }
    if (head % 2 === 0) {
      if (at + width > bytes.length) throw new DamagedError("runs of numbers end too early");
      let value = 0;
      for (let i = 0; i < width; i++) value += bytes[at++] * 2 ** (8 * i);
      const end = Math.min(count, to + head / 2);
      out.fill(value, to, end);
      to = end;
      continue;
    }
    const wanted = Math.min(count - to, (head - 1) / 2 * 8);
    if (at + Math.ceil(wanted * bits / 8) > bytes.length) {
      throw new DamagedError("runs of numbers end too early");
    }
    let have = 0, held = 0, from = at;
    for (let i = 0; i < wanted; i++) {
      while (have < bits) {
        held += bytes[from++] * 2 ** have;
        have += 8;
      }
      out[to++] = held % 2 ** bits;
      held = Math.floor(held / 2 ** bits);
      have -= bits;
    }
    at += (head - 1) / 2 * bits;
  }
  return out;
}

/** Bytes of a value of each type that has a size. */
const SIZES = { INT32: 4, INT64: 8, FLOAT: 4, DOUBLE: 8 } as const;

/** One number; whole ones beyond 2⁵³ as bigints. */
function readNumber(
  view: DataView,
  at: number,
  type: keyof typeof SIZES,
  unsigned: boolean,
): number | bigint {
  switch (type) {
    case "INT32":
      return unsigned ? view.getUint32(at, true) : view.getInt32(at, true);
    case "INT64":
      return smallest(unsigned ? view.getBigUint64(at, true) : view.getBigInt64(at, true));
    case "FLOAT":
      return view.getFloat32(at, true);
    case "DOUBLE":
      return view.getFloat64(at, true);
    default:
      return type satisfies never;
  }
}

/** A whole number as JavaScript's own, where that is exact. */
export function smallest(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/**
 * Reads values as they are.
 *
 * @param column The column's type.
 * @param bytes Where they stand.
 * @param count How many.
 * @throws {DamagedError} They do not fit into the bytes.
 */
export function readPlain(column: Column, bytes: Uint8Array, count: number): Value[] {
  const { type, length, unsigned } = column;
  const tooMany = (size: number) => {
    if (count * size <= bytes.length) return;
    throw new DamagedError(`${count} values do not fit into a page of ${bytes.length}`);
  };
  const each = (one: (i: number) => Value) => Array.from({ length: count }, (_, i) => one(i));
  if (type === "BOOLEAN") {
    tooMany(1 / 8);
    return each((i) => (bytes[i >> 3] >> (i & 7)) & 1);
  }
  if (type === "FIXED_LEN_BYTE_ARRAY") {
    tooMany(length);
    return each((i) => bytes.subarray(i * length, (i + 1) * length));
  }
  tooMany(type === "BYTE_ARRAY" ? 4 : SIZES[type]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type !== "BYTE_ARRAY") return each((i) => readNumber(view, i * SIZES[type], type, unsigned));
  let at = 0;
  return each(() => {
    const size = at + 4 <= bytes.length ? view.getUint32(at, true) : Infinity;
    at += 4;
    if (at + size > bytes.length) throw new DamagedError("a value reaches beyond its page");
    return bytes.subarray(at, at += size);
  });
}

/**
 * Reads values of which all first bytes stand together, then all second ones (BYTE_STREAM_SPLIT).
 *
 * @throws {DamagedError} They do not fit into the bytes.
 */
export function readSplit(column: Column, bytes: Uint8Array, count: number): Value[] {
  const { type } = column;
  if (type === "BOOLEAN" || type === "BYTE_ARRAY") {
    throw new DamagedError(`${type} values cannot be split into streams of bytes`);
  }
  const size = type === "FIXED_LEN_BYTE_ARRAY" ? column.length : SIZES[type];
  if (count * size > bytes.length) {
    throw new DamagedError(`${count} values do not fit into a page of ${bytes.length}`);
  }
  const joined = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    for (let byte = 0; byte < size; byte++) joined[i * size + byte] = bytes[byte * count + i];
  }
  return readPlain(column, joined, count);
}

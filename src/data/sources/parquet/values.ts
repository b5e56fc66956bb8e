import { DamagedError } from "../../io/reader/chunks.ts";
import type { Column } from "./metadata.ts";

/** A column's values: bytes for pictures, numbers for labels; null where there is none. */
export type Value = Uint8Array | number | null;

/**
 * Reads whole numbers of a few bits each, in runs of repeats and of packed bits. A run that would give too many values
 * ends the reading, so damage costs no more than its bytes.
 *
 * @param bytes Where they stand.
 * @param bits Bits of a number, 0 … 32.
 * @param count How many are wanted.
 * @throws DamagedError when there are fewer.
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

/**
 * Reads values as they are.
 *
 * @param type The column's type.
 * @param bytes Where they stand.
 * @param count How many.
 * @throws DamagedError when they do not fit into the bytes.
 */
export function readPlain(type: Column["type"], bytes: Uint8Array, count: number): Value[] {
  const size = type === "INT64" ? 8 : 4;
  if (count * size > bytes.length) {
    throw new DamagedError(`${count} values do not fit into a page of ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === "INT32") return Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
  if (type === "INT64") {
    return Array.from(
      { length: count },
      (_, i) => view.getUint32(8 * i, true) + view.getInt32(8 * i + 4, true) * 2 ** 32,
    );
  }
  let at = 0;
  return Array.from({ length: count }, () => {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Infinity;
    at += 4;
    if (at + length > bytes.length) throw new DamagedError("a value reaches beyond its page");
    return bytes.subarray(at, at += length);
  });
}

import { DamagedError } from "../../io/reader/chunks.ts";

/** The bytes end inside a structure: more of them may mend that. */
export class EndsEarlyError extends DamagedError {
  override name = "EndsEarlyError";
}

const DEEPEST = 32;

/**
 * Walks one structure in Thrift's compact protocol without keeping any of it, and finds its end. What passes here can be
 * parsed in time and memory in proportion to its bytes: numbers have at most ten bytes, lists no more elements than bytes
 * are left, structures are at most 32 deep.
 *
 * @param bytes Where the structure stands.
 * @param at Its first byte.
 * @returns The byte after its last one.
 * @throws {EndsEarlyError} When the bytes end before it.
 * @throws {DamagedError} When it is none.
 */
export function endOfStruct(bytes: Uint8Array, at = 0): number {
  const byte = (): number => {
    if (at >= bytes.length) throw new EndsEarlyError("the metadata ends too early");
    return bytes[at++];
  };
  const varint = (most: number): number => {
    let value = 0;
    for (let i = 0; i < most; i++) {
      const next = byte();
      value += (next & 0x7f) * 2 ** (7 * i);
      if (next < 0x80) return value;
    }
    throw new DamagedError("damaged metadata: a number without end");
  };
  const pass = (count: number) => {
    if (count > bytes.length - at) throw new EndsEarlyError("the metadata ends too early");
    at += count;
  };
  const value = (type: number, depth: number): void => {
    switch (type) {
      case 1:
      case 2:
        return;
      case 3:
        return pass(1);
      case 4:
      case 5:
        return void varint(5);
      case 6:
        return void varint(10);
      case 7:
        return pass(8);
      case 8:
        return pass(varint(5));
      case 9:
        return list(depth);
      case 12:
        return struct(depth + 1);
      default:
        throw new DamagedError(`damaged metadata: no type ${type}`);
    }
  };
  const list = (depth: number) => {
    const head = byte(), type = head & 15, count = head >> 4 === 15 ? varint(5) : head >> 4;
    if (count > bytes.length - at) throw new EndsEarlyError("the metadata ends too early");
    // Elements of a list have their truth in a byte of their own.
    for (let i = 0; i < count; i++) value(type === 1 || type === 2 ? 3 : type, depth);
  };
  const struct = (depth: number) => {
    if (depth > DEEPEST) throw new DamagedError("damaged metadata: structures without end");
    for (let head = byte(); (head & 15) !== 0; head = byte()) {
      if (head >> 4 === 0) varint(5);
      value(head & 15, depth);
    }
  };
  struct(0);
  return at;
}

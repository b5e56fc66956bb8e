/** Values that are stored as differences: Parquet's DELTA encodings. Never reads, or takes memory for, more than is there. */
import { DamagedError } from "../../io/reader/chunks.ts";

/** A block is a few hundred numbers; one that claims more lies. */
const MOST_BLOCK = 2 ** 20;

const damaged = (what: string) => new DamagedError(`a page of differences is damaged: ${what}`);

/** Reads from a page, front to back. */
function cursor(bytes: Uint8Array) {
  let at = 0;
  const byte = (): number => {
    if (at >= bytes.length) throw damaged("it ends too early");
    return bytes[at++];
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < 10; i++) {
      const next = byte();
      value |= BigInt(next & 0x7f) << BigInt(7 * i);
      if (next < 0x80) return value;
    }
    throw damaged("a number without end");
  };
  return {
    byte,
    count: (): number => Number(varint()),
    zigzag: (): bigint => {
      const value = varint();
      return (value >> 1n) ^ -(value & 1n);
    },
    take(length: number): Uint8Array {
      if (length > bytes.length - at) throw damaged("it ends too early");
      return bytes.subarray(at, at += length);
    },
    rest: (): Uint8Array => bytes.subarray(at),
  };
}

/** One number of `width` bits out of packed ones. */
function packed(bytes: Uint8Array, index: number, width: number): bigint {
  let value = 0n;
  for (let bit = index * width, got = 0; got < width;) {
    const take = Math.min(8 - bit % 8, width - got);
    value |= BigInt((bytes[bit >> 3] >> (bit % 8)) & ((1 << take) - 1)) << BigInt(got);
    got += take;
    bit += take;
  }
  return value;
}

/**
 * Reads whole numbers stored as differences (DELTA_BINARY_PACKED).
 *
 * @param bytes Where they begin.
 * @param bits 32 or 64, the width in which they wrap around.
 * @param count How many there must be.
 * @returns The numbers, and the bytes behind them.
 * @throws {DamagedError} There are fewer, or the blocks are none.
 */
export function readDeltas(
  bytes: Uint8Array,
  bits: 32 | 64,
  count: number,
): { numbers: bigint[]; rest: Uint8Array } {
  const from = cursor(bytes);
  const block = from.count(), parts = from.count(), total = from.count(), each = block / parts;
  if (!(block > 0 && block <= MOST_BLOCK && Number.isInteger(each) && each % 8 === 0)) {
    throw damaged(`blocks of ${block} in ${parts} parts`);
  }
  if (total !== count) throw damaged(`${total} numbers instead of ${count}`);
  let value = from.zigzag();
  // Each number after the first takes a difference's bits, perhaps none: only whole blocks of those.
  const numbers: bigint[] = count > 0 ? [BigInt.asIntN(bits, value)] : [];
  while (numbers.length < count) {
    const least = from.zigzag(), widths = from.take(parts);
    for (let part = 0; part < parts && numbers.length < count; part++) {
      const width = widths[part];
      if (width > bits) throw damaged(`numbers of ${width} bits`);
      const body = from.take(each * width / 8);
      for (let i = 0; i < each && numbers.length < count; i++) {
        value = BigInt.asIntN(bits, value + least + packed(body, i, width));
        numbers.push(value);
      }
    }
  }
  return { numbers, rest: from.rest() };
}

/** Lengths must be lengths. */
function readLengths(bytes: Uint8Array, count: number): { lengths: number[]; sum: number; rest: Uint8Array } {
  const { numbers, rest } = readDeltas(bytes, 32, count);
  let sum = 0;
  const lengths = numbers.map((number) => {
    const length = Number(number);
    if (length < 0) throw damaged(`a length of ${length}`);
    sum += length;
    return length;
  });
  return { lengths, sum, rest };
}

/**
 * Reads byte arrays behind their lengths (DELTA_LENGTH_BYTE_ARRAY).
 *
 * @returns Parts of `bytes`.
 * @throws {DamagedError} They do not fit into the page.
 */
export function readDeltaLengths(bytes: Uint8Array, count: number): Uint8Array[] {
  const { lengths, sum, rest } = readLengths(bytes, count);
  if (sum > rest.length) throw damaged("a value reaches beyond it");
  let at = 0;
  return lengths.map((length) => rest.subarray(at, at += length));
}

/**
 * Reads byte arrays of which each begins like the one before (DELTA_BYTE_ARRAY).
 *
 * @param most More bytes in all are refused.
 * @returns Parts of one memory.
 * @throws {DamagedError} They do not fit into the page, or are too many.
 */
export function readDeltaBytes(bytes: Uint8Array, count: number, most: number): Uint8Array[] {
  const prefixes = readLengths(bytes, count), suffixes = readLengths(prefixes.rest, count);
  const size = prefixes.sum + suffixes.sum;
  if (suffixes.sum > suffixes.rest.length) throw damaged("a value reaches beyond it");
  if (size > most) {
    throw new DamagedError(`values of ${size} bytes, over the limit of ${most} (maxPageBytes)`);
  }
  let before = 0;
  prefixes.lengths.forEach((prefix, i) => {
    if (prefix > before) throw damaged("a value repeats more of the one before than there is");
    before = prefix + suffixes.lengths[i];
  });
  const out = new Uint8Array(size);
  let to = 0, from = 0, last = 0;
  return prefixes.lengths.map((prefix, i) => {
    const suffix = suffixes.lengths[i], start = to;
    out.copyWithin(start, last, last + prefix);
    out.set(suffixes.rest.subarray(from, from + suffix), start + prefix);
    from += suffix;
    last = start;
    return out.subarray(start, to = start + prefix + suffix);
  });
}

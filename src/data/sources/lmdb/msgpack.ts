import { DamagedError } from "../../io/reader/chunks.ts";

/** More values than this are no picture with a class; also the deepest nesting. */
const MOST_VALUES = 10_000, DEEPEST = 16;

/**
 * Reads one msgpack value. Bytes and texts are both given as bytes, which old writers do not tell apart; extensions are
 * passed over. Time and memory are bounded by a number of values that hostile bytes cannot raise, which the libraries for
 * msgpack do not offer: a value of 100 MB may be a hundred million arrays.
 *
 * @param bytes The value.
 * @returns Arrays, maps by the text of their keys, bytes as parts of `bytes`, numbers, truths and null; undefined for extensions.
 * @throws {DamagedError} When it is cut short, damaged, or holds too much.
 */
export function readMsgpack(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), decoder = new TextDecoder();
  let at = 0, values = 0;
  const take = (count: number): Uint8Array => {
    if (count > bytes.length - at) throw new DamagedError(`damaged msgpack: it ends at byte ${bytes.length}`);
    return bytes.subarray(at, at += count);
  };
  const unsigned = (size: number) => take(size).reduce((sum, byte) => sum * 256 + byte, 0);
  const signed = (size: number) => {
    const value = unsigned(size);
    return value < 2 ** (8 * size - 1) ? value : value - 2 ** (8 * size);
  };
  const several = (count: number, one: () => unknown): unknown[] => {
    if (values + count > MOST_VALUES) throw new DamagedError("msgpack of too many values");
    return Array.from({ length: count }, one);
  };
  const map = (count: number, depth: number): Map<string, unknown> => {
    const text = () => {
      const key = read(depth + 1);
      return key instanceof Uint8Array ? decoder.decode(key) : String(key);
    };
    return new Map(several(count, () => [text(), read(depth + 1)]) as [string, unknown][]);
  };
  const list = (count: number, depth: number) => several(count, () => read(depth + 1));
  const extension = (size: number): undefined => {
    take(1 + size);
    return undefined;
  };

  const read = (depth: number): unknown => {
    if (++values > MOST_VALUES || depth > DEEPEST) throw new DamagedError("msgpack of too many values");
    const head = unsigned(1);
    if (head < 0x80) return head;
    if (head < 0x90) return map(head & 15, depth);
    if (head < 0xa0) return list(head & 15, depth);
    if (head < 0xc0) return take(head & 31);
    if (head >= 0xe0) return head - 256;
    // Sizes of 1, 2, 4 and 8 bytes have neighbouring heads.
    const size = (first: number) => 2 ** (head - first);
    if (head === 0xc2 || head === 0xc3) return head === 0xc3;
    if (head >= 0xc4 && head <= 0xc6) return take(unsigned(size(0xc4)));
    if (head >= 0xc7 && head <= 0xc9) return extension(unsigned(size(0xc7)));
    if (head === 0xca || head === 0xcb) {
      take(size(0xca) * 4);
      return head === 0xca ? view.getFloat32(at - 4) : view.getFloat64(at - 8);
    }
    if (head >= 0xcc && head <= 0xcf) return unsigned(size(0xcc));
    if (head >= 0xd0 && head <= 0xd3) return signed(size(0xd0));
    if (head >= 0xd4 && head <= 0xd8) return extension(size(0xd4));
    if (head >= 0xd9 && head <= 0xdb) return take(unsigned(size(0xd9)));
    if (head === 0xdc || head === 0xdd) return list(unsigned(2 * size(0xdc)), depth);
    if (head === 0xde || head === 0xdf) return map(unsigned(2 * size(0xde)), depth);
    if (head === 0xc0) return null;
    throw new DamagedError(`damaged msgpack: nothing begins with 0x${head.toString(16)}`);
  };
  return read(0);
}

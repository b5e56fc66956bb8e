import type { ByteReader } from "./reader/types.ts";

/** Bytes read at once. */
const BLOCK = 2 ** 20;
/** Blocks that are kept, those read ahead among them. */
const KEPT = 6;
/** Blocks read ahead. */
const AHEAD = 2;
/** Reads one after the other until it is taken that more follow. */
const STREAK = 8;
/** Bytes that may be passed over between two of them. */
const GAP = 64 * 1024;
/** Larger reads gain nothing. */
const LARGE = BLOCK / 4;

/**
 * Reads in large blocks ahead of whoever reads from front to back; others get just what they ask for. A result may be a part of
 * a block, which stays in memory as long.
 *
 * @param reader Closed together with the result.
 */
export function readingAhead(reader: ByteReader): ByteReader {
  const blocks = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();
  let end = 0, streak = 0;
  const block = (number: number) => {
    const known = blocks.get(number);
    if (known) return known;
    const start = number * BLOCK, bytes = reader.read(start, Math.min(BLOCK, reader.length - start));
    // Whoever needs it is told of a failure; the next one tries again.
    bytes.catch(() => blocks.delete(number));
    blocks.set(number, bytes);
    for (const oldest of blocks.keys()) {
      if (blocks.size <= KEPT) break;
      blocks.delete(oldest);
    }
    return bytes;
  };
  return {
    ...reader,
    async read(offset, length) {
      streak = offset >= end && offset <= end + GAP ? streak + 1 : 0;
      end = offset + length;
      if (streak < STREAK || length > LARGE || end > reader.length) return await reader.read(offset, length);
      const first = Math.floor(offset / BLOCK), start = first * BLOCK;
      const last = Math.min(first + AHEAD, Math.ceil(reader.length / BLOCK) - 1);
      for (let number = first + 1; number <= last; number++) block(number);
      const bytes = (await block(first)).subarray(offset - start, offset - start + length);
      if (bytes.length === length) return bytes;
      const both = new Uint8Array(length);
      both.set(bytes);
      both.set((await block(first + 1)).subarray(0, length - bytes.length), bytes.length);
      return both;
    },
    close() {
      blocks.clear();
      return reader.close();
    },
  };
}

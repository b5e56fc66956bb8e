import { cachedReader } from "./reader/cache.ts";
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
  const blocks = cachedReader(reader, { blockSize: BLOCK, maxBytes: KEPT * BLOCK });
  let end = 0, streak = 0, ahead = 0;
  return {
    ...reader,
    read(offset, length) {
      const follows = offset >= end && offset <= end + GAP;
      streak = follows ? streak + 1 : 0;
      if (!follows) ahead = 0;
      end = offset + length;
      if (streak < STREAK || length > LARGE) return reader.read(offset, length);
      const last = Math.min(Math.floor(end / BLOCK) + AHEAD, Math.ceil(reader.length / BLOCK) - 1);
      for (ahead = Math.max(ahead, Math.floor(offset / BLOCK)); ahead <= last; ahead++) {
        // Asked for a byte, the cache reads the block; whoever needs it is told of a failure.
        blocks.read(ahead * BLOCK, 1).catch(() => {});
      }
      return blocks.read(offset, length);
    },
    close: () => blocks.close(),
  };
}

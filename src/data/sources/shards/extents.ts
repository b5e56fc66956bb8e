import { DamagedError } from "../../io/reader/chunks.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import type { LmdbHeader } from "../lmdb/format.ts";
import { indexLeaves } from "../lmdb/leaves.ts";
import { isRecordKey } from "./format.ts";

/** Where each of a shard's values stands in its file. */
export interface Extents {
  offsets: Float64Array;
  sizes: Uint32Array;
}

/**
 * Walks a file's index once and remembers where the values of records 0, 1, 2 … are: 12 bytes a record. What stands
 * behind the last one does not count.
 *
 * @param reader The file.
 * @param header Its checked meta page.
 * @param count How many records it says that it has.
 * @throws {Error} When the index is damaged, or a record is missing.
 */
export async function recordExtents(reader: ByteReader, header: LmdbHeader, count: number): Promise<Extents> {
  const offsets = new Float64Array(count), sizes = new Uint32Array(count);
  let index = 0;
  await indexLeaves(reader, header, header, () => true, ({ key }, _page, _bytes, extent) => {
    if (index === count) return;
    if (!extent || !isRecordKey(key, index)) {
      throw new DamagedError(`damaged LMDB index: record ${index} is missing`);
    }
    offsets[index] = extent.offset;
    sizes[index++] = extent.size;
  });
  if (index !== count) throw new DamagedError(`damaged LMDB index: ${index} records instead of ${count}`);
  return { offsets, sizes };
}

import { requireIndex } from "../io/compact_lists.ts";
import { closeData, type Data, dataLabels, dataUri, openedOf, recordsInOrder } from "./opened.ts";
import type { BadRecordError, ImageRecord, Source } from "../types.ts";

/** More classes than this are no classes. */
const MOST_CLASSES = 65_536;

/** How much is collected. */
export interface CollectOptions {
  /** Records; the rest is not read. Default: all. */
  count?: number;
  /** More bytes are refused. Default 4 GiB. */
  maxBytes?: number;
  /** Told of records that cannot be read. Default: they are an error. */
  onBad?: (error: BadRecordError) => void;
}

/**
 * The records of a data set by index: of a stream by reading them, still encoded, into memory, in the stream's own order;
 * a source with random access is given back as it is.
 *
 * @param data What {@linkcode openData} gives. Closing the result closes it.
 * @returns A source.
 * @throws Error when the stream holds more than fits.
 */
export async function collect(data: Data, options: CollectOptions = {}): Promise<Source> {
  const opened = openedOf(data);
  if (opened.access === "random") return opened.source;
  const { count = Infinity, maxBytes = 4 * 2 ** 30, onBad } = options;
  const uri = dataUri(data), records: ImageRecord[] = [];
  let bytes = 0;
  if (count > 0) {
    for await (const { record } of recordsInOrder(opened, onBad)) {
      bytes += record.bytes.length;
      if (bytes > maxBytes) {
        throw new Error(
          `${uri}: only a stream, and with more than ${maxBytes} bytes too large to be held in memory; pack it into ` +
            "shards first (deno task pack)",
        );
      }
      if (records.push(record) >= count) break;
    }
  }
  const known = dataLabels(data);
  const at = (index: number) => {
    requireIndex(uri, index, records.length);
    return records[index];
  };
  return {
    uri,
    length: records.length,
    labels: known.length > 0 ? known : numbered(records),
    get: async (index) => await Promise.resolve(at(index)),
    key: async (index) => await Promise.resolve(at(index).key),
    close: () => closeData(data),
  };
}

/** Names for classes that are known by their numbers alone. */
function numbered(records: readonly ImageRecord[]): string[] {
  const count = records.reduce((most, { label = -1 }) => Math.max(most, label + 1), 0);
  // Numbers beyond any count of classes are none.
  return count <= MOST_CLASSES ? Array.from({ length: count }, (_, i) => String(i)) : [];
}

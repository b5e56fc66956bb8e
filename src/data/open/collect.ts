import { requireIndex } from "../io/compact_lists.ts";
import { growingClasses } from "../sources/growing_classes.ts";
import {
  closeData,
  type Data,
  dataLabels,
  dataPassedOver,
  dataUri,
  openedOf,
  recordsInOrder,
} from "./data.ts";
import type { BadRecordError, ImageRecord, Source } from "../types.ts";

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
 * @throws {Error} The stream holds more than fits.
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
  const classes = growingClasses(dataLabels(data));
  const numbers = records.map((record) => classes.number(record));
  const labels = classes.labels(), passedOver = [...dataPassedOver(data), ...classes.passedOver()];
  const at = (index: number): ImageRecord => {
    requireIndex(uri, index, records.length);
    const { key, bytes, source } = records[index], label = numbers[index];
    return {
      key,
      bytes,
      ...(source === undefined ? {} : { source }),
      ...(label === undefined ? {} : { label }),
    };
  };
  return {
    uri,
    length: records.length,
    labels,
    get: async (index) => await Promise.resolve(at(index)),
    key: async (index) => await Promise.resolve(at(index).key),
    passedOver: () => passedOver,
    close: () => closeData(data),
  };
}

import { requireIndex } from "../io/compact_lists.ts";
import { growingClasses } from "../sources/growing_classes.ts";
import { closeData, type Data, dataLabels, dataPassedOver, dataUri, dataWords, openedOf } from "./data.ts";
import { onePass } from "../epoch/one_pass.ts";
import { BadRecordError, type ImageRecord, type Source } from "../types.ts";

/** How much is collected. */
export interface CollectOptions {
  /** Records; the rest is not read. Default: all. */
  count?: number;
  /** More bytes are refused. Default 4 GiB. */
  maxBytes?: number;
  /** Told of records that cannot be read, and of shards that are lost. Default: they are an error. */
  onBad?: (error: BadRecordError) => void;
}

/**
 * The records of a data set by index: of a stream by reading them, still encoded, into memory, in the stream's own order;
 * a source with random access is given back as it is.
 *
 * @param data What {@linkcode openData} gives. Closing the result closes it.
 * @returns A source.
 * @throws {Error} The stream holds more than fits.
 * @throws {BadLimitError} More than 1 % of it is lost with damaged shards, as {@linkcode badWatch} says.
 */
export async function collect(data: Data, options: CollectOptions = {}): Promise<Source> {
  const opened = openedOf(data);
  if (opened.access === "random") return opened.source;
  const { count = Infinity, maxBytes = 4 * 2 ** 30, onBad } = options;
  const uri = dataUri(data), records: ImageRecord[] = [];
  const pass = onePass(data, {
    onBad: onBad ? "skip" : "fail",
    onBadRecord: ({ source, key, reason }) => onBad?.(new BadRecordError(source, key, reason)),
    // Who looks at the records counts those that are bad by themselves.
    onLimit(error) {
      if (error.lost) throw error;
    },
  });
  let bytes = 0, whole = count > 0;
  for await (const { read } of count > 0 ? pass.records() : []) {
    const record = await read();
    bytes += record.bytes.length;
    if (bytes > maxBytes) {
      throw new Error(
        `${uri}: only a stream, and with more than ${maxBytes} bytes too large to be held in memory; pack it into ` +
          "shards first (deno task pack)",
      );
    }
    whole = records.push(record) < count;
    if (!whole) break;
  }
  if (whole) pass.end();
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
    words: dataWords(data),
    length: records.length,
    labels,
    get: async (index) => await Promise.resolve(at(index)),
    key: async (index) => await Promise.resolve(at(index).key),
    passedOver: () => passedOver,
    close: () => closeData(data),
  };
}

import { closable } from "../../src/data/io/reader/closable.ts";
import type { OpenShardOptions, StreamSource } from "../../src/data/epoch/shuffle.ts";
import { BadRecordError, type ImageRecord, type Source } from "../../src/data/types.ts";

/** Neighbouring records that are cheap to read one after another. */
export interface Section {
  name: string;
  /** Its first record. */
  first: number;
  /** Records in it. */
  length: number;
}

/**
 * A source's sections as the shards of a stream, for sources where jumping about is costly: shards and a buffer are
 * shuffled instead of single records.
 *
 * @param source Records by index. Closing the stream closes it.
 * @param sections Its parts. Default: one of all records.
 */
export function streamOf(
  source: Source,
  sections: readonly Section[] = [{ name: source.uri, first: 0, length: source.length }],
): StreamSource {
  const known = new Map(sections.map((section) => [section.name, section]));
  async function* read(
    { first, length }: Section,
    { onBad }: OpenShardOptions,
    signal: AbortSignal,
  ): AsyncGenerator<ImageRecord, void, void> {
    for (let index = first; index < first + length; index++) {
      signal.throwIfAborted();
      try {
        yield await source.get(index);
      } catch (error) {
        if (!onBad || !(error instanceof BadRecordError)) throw error;
        onBad(error);
      }
    }
  }
  return {
    uri: source.uri,
    labels: source.labels,
    shards: sections.map((section) => section.name),
    open(shard, options = {}) {
      const section = known.get(shard);
      if (!section) throw new RangeError(`${source.uri}: no section ${shard}`);
      return closable((signal) => read(section, options, signal), options.signal);
    },
    close: () => source.close(),
  };
}

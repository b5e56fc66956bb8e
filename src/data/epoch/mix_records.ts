import { type RandomStream, randomStream } from "../../random.ts";
import { closable } from "../io/reader/closable.ts";
import { map, range } from "../iter.ts";
import { BadRecordError, type ImageRecord, type Source } from "../types.ts";
import { joinLabels, type MixPart, shares } from "./mix.ts";
import { permutation } from "./permutation.ts";
import {
  checkStreamOptions,
  deal,
  orderedRecords,
  type PartRecord,
  type PlacedRecord,
  type StreamRecordsOptions,
  type StreamSource,
} from "./shuffle.ts";

/** How {@linkcode mixRecords} reads sources with random access. */
export interface MixRecordsOptions extends StreamRecordsOptions {
  /** Records read at once from a source with random access. Default 8. */
  concurrency?: number;
}

/**
 * One epoch of a mix of which at least one source can only be read in order. The sources take turns by
 * the weights, exactly in each {@linkcode URN} records and in random order among them; a source that has ended begins
 * again in another order; the epoch ends when every source has ended once. Equal weights when none are given. The order
 * depends on seed, epoch and the sources alone.
 *
 * @param parts Sources and weights; not closed.
 * @param options Order, part, and where to begin, as in {@linkcode streamRecords}.
 * @throws {RangeError} For impossible options.
 * @throws {Error} When a source has no records.
 */
export function mixRecords(
  parts: readonly MixPart<Source | StreamSource>[],
  options: MixRecordsOptions,
): AsyncGenerator<PlacedRecord, void, void> {
  checkStreamOptions(options);
  const share = shares(parts) ?? parts.map(() => 1 / parts.length);
  return closable((signal) => deal(draws(parts, share, { ...options, signal }), options), options.signal);
}

/**
 * One pass over a mix of which at least one source can only be read in order: the sources one after another, each record
 * once, in its source's own order. Weights say nothing here.
 *
 * @param parts Sources; not closed.
 * @param options Who is told of bad records and of shards; a signal; `concurrency`.
 * @throws {Error} While iterating, for a class whose name another source of the mix holds twice.
 */
export function chainRecords(
  parts: readonly MixPart<Source | StreamSource>[],
  options: Pick<MixRecordsOptions, "onBad" | "onShard" | "signal" | "concurrency"> = {},
): AsyncGenerator<PlacedRecord, void, void> {
  const reading = { ...options, seed: 0, epoch: 0, shuffleBuffer: 1, keepOrder: true };
  const sources = parts.map((part) => part.source), { relabel } = joinLabels(sources);
  const chained = async function* (signal: AbortSignal): AsyncGenerator<PartRecord, void, void> {
    for (const [part, source] of sources.entries()) {
      const records = "get" in source
        ? exact(source, part, (place) => place, reading)
        : orderedRecords(source, { ...reading, signal }, part);
      for await (const record of records) yield { record: relabel(part, record), part };
    }
  };
  return closable((signal) => deal(chained(signal), {}), options.signal);
}

/** The records of all parts as their turns come, until each part has ended once. */
async function* draws(
  parts: readonly MixPart<Source | StreamSource>[],
  share: readonly number[],
  options: MixRecordsOptions,
): AsyncGenerator<PartRecord, void, void> {
  const random = randomStream(options.seed, "shuffle", options.epoch, 1);
  const next = turns(share, random);
  const { relabel } = joinLabels(parts.map((part) => part.source));
  const rounds = parts.map(() => 0);
  const open = (part: number) => recordsOf(parts[part].source, part, rounds[part], options);
  const running = parts.map((_, part) => open(part));
  try {
    for (;;) {
      const part = next();
      let step = await running[part].next();
      if (step.done) {
        rounds[part]++;
        if (rounds.every((round) => round > 0)) return;
        running[part] = open(part);
        step = await running[part].next();
        if (step.done) throw new Error(`${parts[part].source.uri}: no records that can be read`);
      }
      yield { record: relabel(part, step.value), part };
    }
  } finally {
    for (const records of running) await records.return();
  }
}

/** Records in which the weights hold exactly, but for fractions. */
export const URN = 256;

/** Whose turn it is: each part as often as its share demands, in random order. */
function turns(share: readonly number[], random: RandomStream): () => number {
  const given = share.map(() => 0), urn: number[] = [];
  let filled = 0;
  return () => {
    if (urn.length === 0) {
      for (const end = filled + URN; filled < end;) {
        filled++;
        // Who lacks most. Fractions are made up for in the next urn.
        const lacks = share.map((part, i) => part * filled - given[i]);
        const part = lacks.indexOf(Math.max(...lacks));
        given[part]++;
        urn.push(part);
      }
    }
    return random.draw(urn);
  };
}

/** All records of a source in the order of a round. */
function recordsOf(
  source: Source | StreamSource,
  part: number,
  round: number,
  options: MixRecordsOptions,
): AsyncGenerator<ImageRecord, void, void> {
  // Every part and every round has a seed of its own, drawn from the run's.
  const seed = randomStream(options.seed, "shuffle", part, round, 2).bits();
  if (!("get" in source)) return orderedRecords(source, { ...options, seed }, part);
  return exact(source, part, permutation(source.length, seed, options.epoch), options);
}

/** All records of a source by index, in an order. */
async function* exact(
  source: Source,
  part: number,
  order: (place: number) => number,
  options: Pick<MixRecordsOptions, "onBad" | "concurrency">,
): AsyncGenerator<ImageRecord, void, void> {
  const read = async (place: number): Promise<ImageRecord | BadRecordError> => {
    try {
      return await source.get(order(place));
    } catch (error) {
      if (error instanceof BadRecordError) return error;
      throw error;
    }
  };
  for await (const item of map(range(0, source.length), read, options.concurrency ?? 8)) {
    if (!(item instanceof BadRecordError)) yield item;
    else if (options.onBad) options.onBad(item, part);
    else throw item;
  }
}

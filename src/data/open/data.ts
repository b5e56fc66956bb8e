import { joinLabels, joinPassedOver, type MixPart, mixRecords, mixUri } from "../epoch/mix.ts";
import {
  type PlacedRecord,
  streamRecords,
  type StreamRecordsOptions,
  type StreamSource,
} from "../epoch/shuffle.ts";
import type { PassedOver, Source } from "../types.ts";

/** An opened data set: with random access, only in order, or a mixture with at least one of the latter. */
export type OpenedData =
  | { access: "random"; source: Source }
  | { access: "stream"; source: StreamSource }
  | { access: "mixed"; parts: MixPart<Source | StreamSource>[]; close(): Promise<void> };

/** Every way to name data: opened, or one of the two kinds of source. */
export type Data = OpenedData | Source | StreamSource;

/** A source as it is opened. */
export function openedOf(data: Data): OpenedData {
  if ("access" in data) return data;
  return "get" in data ? { access: "random", source: data } : { access: "stream", source: data };
}

/** What the user named. */
export function dataUri(data: Data): string {
  const opened = openedOf(data);
  if (opened.access !== "mixed") return opened.source.uri;
  return mixUri(opened.parts);
}

/** Number of records; null for a stream, which nobody knows before its end. */
export function dataLength(data: Data): number | null {
  const opened = openedOf(data);
  return opened.access === "random" ? opened.source.length : null;
}

/** Class names; empty where the data set has none or does not know them. */
export function dataLabels(data: Data): readonly string[] {
  const opened = openedOf(data);
  if (opened.access !== "mixed") return opened.source.labels;
  return joinLabels(opened.parts.map(({ source }) => source)).labels;
}

/** What a data set has passed over so far: files that are no pictures, labels that are no class. */
export function dataPassedOver(data: Data): PassedOver[] {
  const opened = openedOf(data);
  if (opened.access !== "mixed") return opened.source.passedOver?.() ?? [];
  return joinPassedOver(opened.parts.map(({ source }) => source));
}

/**
 * One pass over what can only be read in order: a stream in its own order, a mixture in that of seed 0.
 *
 * @param opened Not closed.
 * @param told Who is told of what cannot be read, and of shards. Default: it is thrown.
 */
export function recordsInOrder(
  opened: Exclude<OpenedData, { access: "random" }>,
  told: Pick<StreamRecordsOptions, "onBad" | "onShard"> = {},
): AsyncGenerator<PlacedRecord, void, void> {
  const reading = { seed: 0, epoch: 0, ...told };
  return opened.access === "mixed"
    ? mixRecords(opened.parts, reading)
    : streamRecords(opened.source, { ...reading, shuffleBuffer: 1, keepOrder: true });
}

/** The sources that data is made of: those of a mixture, or the one. */
export function dataSources(data: Data): readonly (Source | StreamSource)[] {
  const opened = openedOf(data);
  return opened.access === "mixed" ? opened.parts.map(({ source }) => source) : [opened.source];
}

/** Closes files and connections. Safe to call twice. */
export async function closeData(data: Data): Promise<void> {
  const opened = openedOf(data);
  await (opened.access === "mixed" ? opened.close() : opened.source.close());
}

import { joinLabels, joinPassedOver, type MixPart, mixUri, mixWords } from "../epoch/mix.ts";
import { chainRecords } from "../epoch/mix_records.ts";
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

/**
 * A source as it is opened.
 *
 * @throws {TypeError} When it is none: a path, or a promise of one.
 */
export function openedOf(data: Data): OpenedData {
  if (typeof data !== "object" || data === null || !("access" in data || "get" in data || "open" in data)) {
    throw new TypeError(
      "opened data is needed here, such as `await openData(PATH)` or `await openSource(PATH)` gives",
    );
  }
  if ("access" in data) return data;
  return "get" in data ? { access: "random", source: data } : { access: "stream", source: data };
}

/**
 * Refuses what is no source of pictures by index.
 *
 * @param what Named in errors.
 * @throws {TypeError} When it is none: a path, a stream, a promise of one.
 */
export function requireSource(what: string, source: Source): void {
  if (typeof source?.get === "function" && Number.isSafeInteger(source.length)) return;
  throw new TypeError(`${what} must be pictures by index, such as \`await openSource(PATH)\` gives`);
}

/** What the user named. */
export function dataUri(data: Data): string {
  const opened = openedOf(data);
  if (opened.access !== "mixed") return opened.source.uri;
  return mixUri(opened.parts);
}

/** What opens a data set again: the kind, name and options of each of its sources, without secrets. */
export function dataWords(data: Data): string {
  const opened = openedOf(data);
  if (opened.access === "mixed") return mixWords(opened.parts);
  return opened.source.words ?? opened.source.uri;
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
 * One pass over what can only be read in order, each record once: a stream in its own order, a mixture's sources one after
 * another.
 *
 * @param opened Not closed.
 * @param told Who is told of what cannot be read, and of shards. Default: it is thrown.
 */
export function recordsInOrder(
  opened: Exclude<OpenedData, { access: "random" }>,
  told: Pick<StreamRecordsOptions, "onBad" | "onShard"> = {},
): AsyncGenerator<PlacedRecord, void, void> {
  return opened.access === "mixed"
    ? chainRecords(opened.parts, told)
    : streamRecords(opened.source, { seed: 0, epoch: 0, shuffleBuffer: 1, keepOrder: true, ...told });
}

/** The sources that data is made of: those of a mixture, or the one. */
export function dataSources(data: Data): readonly (Source | StreamSource)[] {
  const opened = openedOf(data);
  return opened.access === "mixed" ? opened.parts.map(({ source }) => source) : [opened.source];
}

/** A data set's annotated objects, and which of its sources have some. */
export interface DataObjects {
  /** Looks up those of a picture by its index. Only where all of the sources have them and can be read by index. */
  objects?: NonNullable<Source["objects"]>;
  /** What the user named of the sources that know annotated objects, and of those that know none. */
  having: string[];
  lacking: string[];
}

/** What a data set knows of annotated objects. */
export function dataObjects(data: Data): DataObjects {
  const opened = openedOf(data);
  const alone = (source: Source | StreamSource) => ({
    uri: source.uri,
    objects: "get" in source && source.objects !== undefined,
  });
  const parts = opened.access === "random"
    ? opened.source.parts ?? [alone(opened.source)]
    : dataSources(opened).map(alone);
  const uris = (wanted: boolean) => parts.filter(({ objects }) => objects === wanted).map(({ uri }) => uri);
  const source = opened.access === "random" ? opened.source : undefined;
  if (source?.objects) {
    return { objects: (index) => source.objects!(index), having: uris(true), lacking: [] };
  }
  const lacking = uris(false);
  // The parts may have some that the whole was made without.
  return lacking.length > 0 ? { having: uris(true), lacking } : { having: [], lacking: [dataUri(data)] };
}

/** Closes files and connections. Safe to call twice. */
export async function closeData(data: Data): Promise<void> {
  const opened = openedOf(data);
  await (opened.access === "mixed" ? opened.close() : opened.source.close());
}

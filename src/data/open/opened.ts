import { joinLabels, joinPassedOver, mixRecords, mixUri } from "../epoch/mix.ts";
import { type OpenedData, openUri, type OpenUriOptions } from "./open_uri.ts";
import { type PlacedRecord, streamRecords, type StreamSource } from "../epoch/shuffle.ts";
import { readLabelsFile } from "../sources/labels_file.ts";
import type { BadRecordError, PassedOver, Source } from "../types.ts";

/** How {@linkcode openData} opens. */
export interface OpenDataOptions extends Pick<OpenUriOptions, "http" | "classes"> {
  /** Class names for tar shards whose label files hold numbers or names, and for LMDBs with numbers: a list, or a text file of one name a line. */
  labels?: readonly string[] | string;
}

/** Every way to name data: opened, or one of the two kinds of source. */
export type Data = OpenedData | Source | StreamSource;

/**
 * Opens any data set by the user's words: a folder, LMDB, tar shards, Parquet, COCO, ImageNet, local or over http(s), or
 * several with weights.
 *
 * @param uri Such as `./photos`, `lmdb:bedroom_train_lmdb`, `https://host/data-{000..146}.tar`, `a.tar*0.3,./b*0.7`.
 * @param options Class names, patience with servers.
 * @returns What can be read of it, and how; close it with {@linkcode closeData}.
 * @throws Error that names what cannot be opened, and why.
 */
export async function openData(uri: string, options: OpenDataOptions = {}): Promise<OpenedData> {
  const { labels, http, classes } = options;
  const names = typeof labels === "string" ? await readLabelsFile(labels) : labels;
  return await openUri(uri, { labels: names, http, classes });
}

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

/** What a data set has passed over so far: labels that are no class, files that are no pictures. */
export function dataPassedOver(data: Data): PassedOver[] {
  const opened = openedOf(data);
  if (opened.access !== "mixed") return opened.source.passedOver?.() ?? [];
  return joinPassedOver(opened.parts.map(({ source }) => source));
}

/**
 * One pass over what can only be read in order: a stream in its own order, a mixture in that of seed 0.
 *
 * @param opened Not closed.
 * @param onBad Told of what cannot be read. Default: it is thrown.
 */
export function recordsInOrder(
  opened: Exclude<OpenedData, { access: "random" }>,
  onBad?: (error: BadRecordError) => void,
): AsyncGenerator<PlacedRecord, void, void> {
  const reading = { seed: 0, epoch: 0, onBad };
  return opened.access === "mixed"
    ? mixRecords(opened.parts, reading)
    : streamRecords(opened.source, { ...reading, shuffleBuffer: 1, keepOrder: true });
}

/** Closes files and connections. Safe to call twice. */
export async function closeData(data: Data): Promise<void> {
  const opened = openedOf(data);
  await (opened.access === "mixed" ? opened.close() : opened.source.close());
}

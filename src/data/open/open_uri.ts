import { openCoco } from "../sources/coco.ts";
import { openFolder } from "../sources/folder.ts";
import type { HttpOptions } from "../io/http/types.ts";
import { openImagenet } from "../sources/imagenet.ts";
import { openLmdbImages } from "../sources/lmdb/images.ts";
import { locate } from "./expand_paths.ts";
import { joinLabels, type MixPart, mixSources } from "../epoch/mix.ts";
import { openSource } from "./path.ts";
import { isRemote } from "../io/paths.ts";
import { openParquet } from "../sources/parquet/open.ts";
import type { StreamSource } from "../epoch/shuffle.ts";
import { openTar } from "../sources/tar/indexed.ts";
import { openTarStream } from "../sources/tar/stream.ts";
import type { ImageRecord, Source } from "../types.ts";
import { type DataUri, parseDataUri } from "./uri.ts";

/** An opened data set: with random access, only in order, or a mixture with at least one of the latter. */
export type OpenedData =
  | { access: "random"; source: Source }
  | { access: "stream"; source: StreamSource }
  | { access: "mixed"; parts: MixPart<Source | StreamSource>[]; close(): Promise<void> };

/** How data sets are opened. */
export interface OpenUriOptions {
  /** Class names for tar shards whose label files hold numbers or names, and for LMDBs with numbers. */
  labels?: readonly string[];
  /**
   * Whether the pictures' classes are wanted. Without, labels that cost reading are not read, and sources whose classes do
   * not go together can be mixed. Default true.
   */
  classes?: boolean;
  /** Patience with servers. */
  http?: HttpOptions;
}

/**
 * Opens a data set by the user's words.
 *
 * @param uri Words as {@linkcode parseDataUri} takes them, or their meaning.
 * @param options Class names, patience with servers.
 * @returns What can be read of it, and how.
 * @throws Error that names what cannot be opened, and why.
 */
export async function openUri(uri: string | DataUri, options: OpenUriOptions = {}): Promise<OpenedData> {
  const meaning = typeof uri === "string" ? parseDataUri(uri) : uri;
  switch (meaning.kind) {
    case "path":
      return random(await openSource(meaning.path, { labels: options.labels }));
    case "folder":
      return random(await openFolder(meaning.path));
    case "lmdb": {
      const { path, database } = meaning, { labels } = options;
      if (database !== undefined) return random(await openLmdbImages(path, { database, labels }));
      try {
        return random(await openSource(path, { labels }));
      } catch (error) {
        // No shard of ours; pictures under keys of somebody else's are welcome in version 2 as well.
        const source = await openLmdbImages(path, { labels }).catch(() => null);
        if (source) return random(source);
        throw error;
      }
    }
    case "tar":
      return await openTars(meaning.name, await locate(meaning.shards, [".tar", ".tar.gz", ".tgz"]), options);
    case "parquet": {
      const { name, files, column, split } = meaning, { http } = options;
      return random(await openParquet(await locate(files, [".parquet"], { split }), { name, column, http }));
    }
    case "coco":
      return random(await openCoco(meaning.path, { annotations: meaning.annotations }));
    case "imagenet":
      return random(await openImagenet(meaning.path, { list: meaning.list }));
    case "mix":
      return await openMix(meaning.parts, options);
    default:
      return meaning satisfies never;
  }
}

const random = (source: Source): OpenedData => ({ access: "random", source });

/** Local, uncompressed shards by index, others in order. */
async function openTars(name: string, shards: string[], options: OpenUriOptions): Promise<OpenedData> {
  const { labels, http, classes } = options;
  for (const shard of shards) {
    if (isRemote(shard) || await isGzip(shard)) {
      return { access: "stream", source: await openTarStream(shards, { name, labels, http, classes }) };
    }
  }
  return random(await openTar(shards, { name, labels, classes }));
}

async function isGzip(path: string): Promise<boolean> {
  // A file that is not there is for the reader to complain about.
  if (!await Deno.stat(path).then((info) => info.isFile, () => false)) return false;
  using file = await Deno.open(path);
  const start = new Uint8Array(2);
  await file.read(start);
  return start[0] === 0x1f && start[1] === 0x8b;
}

/** A source whose records have no classes. */
function withoutClasses(source: Source | StreamSource): Source | StreamSource {
  const plain = ({ label: _label, className: _name, ...record }: ImageRecord): ImageRecord => record;
  if ("get" in source) {
    return { ...source, labels: [], get: async (index) => plain(await source.get(index)) };
  }
  const open: StreamSource["open"] = async function* (shard, options) {
    for await (const record of source.open(shard, options)) yield plain(record);
  };
  return { ...source, labels: [], open };
}

async function openMix(
  parts: readonly { weight?: number; uri: DataUri }[],
  options: OpenUriOptions,
): Promise<OpenedData> {
  const opened: MixPart<Source | StreamSource>[] = [];
  const close = async () => {
    await Promise.all(opened.map((part) => part.source.close()));
  };
  try {
    for (const { weight, uri } of parts) {
      const one = await openUri(uri, options);
      if (one.access === "mixed") throw new Error("a mixture cannot stand inside a mixture");
      opened.push({ source: options.classes === false ? withoutClasses(one.source) : one.source, weight });
    }
    // Before work begins: classes that cannot be told apart are an error.
    joinLabels(opened.map((part) => part.source));
    const exact = opened.filter((part): part is MixPart<Source> => "get" in part.source);
    if (exact.length === opened.length) return random(mixSources(exact));
    return { access: "mixed", parts: opened, close };
  } catch (error) {
    await close();
    throw error;
  }
}

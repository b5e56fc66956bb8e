import { joinLabels, type MixPart, mixSources } from "../epoch/mix.ts";
import type { StreamSource } from "../epoch/shuffle.ts";
import type { HttpOptions } from "../io/http/types.ts";
import { hasMeaning, hasWildcard, quoteName, QUOTING, unquoteName } from "../io/name_patterns.ts";
import { isRemote } from "../io/paths.ts";
import { redact, redactError } from "../../files/redact.ts";
import { readLabelsFile } from "../sources/labels_file.ts";
import { sameClasses } from "../sources/match_classes.ts";
import type { OpenRequest, SourceFormat } from "../sources/format.ts";
import { requestedPath } from "../sources/named_paths.ts";
import { openJoined } from "../sources/joined.ts";
import { formatByEnding, formatNamed, FORMATS } from "../sources/registry.ts";
import type { ImageRecord, Source } from "../types.ts";
import type { OpenedData } from "./data.ts";
import { parseDataUri, type SourceUri } from "./parse_data_uri.ts";
import { formatInside, recognise } from "./recognise.ts";

/** How {@linkcode openData} opens. */
export interface OpenDataOptions {
  /**
   * Class names for sources whose classes are numbers (tar shards, Parquet, LMDBs): a list, or a text file of one name a
   * line. A source that names its classes itself keeps its own, and says so.
   */
  labels?: readonly string[] | string;
  /**
   * Whether the pictures' classes are wanted. Without, labels that cost reading are not read, and sources whose classes do
   * not go together can be mixed. Default true.
   */
  classes?: boolean;
  /**
   * Whether pictures' annotated objects are wanted, which COCO's format and packs of it have (`Source.objects`). Not without
   * `classes`. Default false.
   */
  objects?: boolean;
  /** Patience with servers. */
  http?: HttpOptions;
  /** Which split is taken of a source with several where the words name none. Default `train`. */
  role?: "train" | "test";
  /** Told, a line each, what was decided for the user, such as which split was taken, and when a server asks to wait. */
  progress?: (line: string) => void;
  /** The kinds of source that there are. Default: those of the registry. */
  formats?: readonly SourceFormat[];
}

/**
 * Opens any data set by the user's words: each kind of source that is registered, local or over http(s), or several with
 * weights.
 *
 * @param uri Such as `./photos`, `lmdb:bedroom_train_lmdb`, `https://host/data-{000..146}.tar`, `parquet:./hub#split=test`,
 * `a.tar*0.3,./b*0.7`; see {@linkcode parseDataUri}.
 * @param options Class names, patience with servers, which split is meant.
 * @returns What can be read of it, and how; close it with {@linkcode closeData}.
 * @throws {RangeError} Objects are wanted without classes.
 * @throws {Error} That names what cannot be opened, why, and what to do.
 */
export async function openData(uri: string, options: OpenDataOptions = {}): Promise<OpenedData> {
  const { formats = FORMATS, labels } = options;
  if (options.objects && options.classes === false) {
    throw new RangeError("objects have classes: ask for both, or for none of them");
  }
  const names = typeof labels === "string" ? await readLabelsFile(labels) : labels;
  const open = async (source: SourceUri) => {
    const one = await openOne({ ...source, text: redact(source.text) }, {
      ...options,
      formats,
      labels: names,
    });
    const own = options.classes !== false && names && one.labels.length > 0;
    if (own && !sameClasses(one.labels, names)) {
      options.progress?.(`${one.uri}: names its classes itself, so the given names are not used`);
    }
    return one;
  };
  try {
    const sources = parseDataUri(uri, { formats, exists });
    if (sources.length === 1 && sources[0].weight === undefined) return asData(await open(sources[0]));
    return await openSeveral(sources, async (source) => {
      const one = await open(source);
      return options.classes === false ? withoutClasses(one) : one;
    });
  } catch (error) {
    throw redactError(explained(error, uri));
  }
}

/**
 * Opens a data set with random access by its path: nothing in the name has a meaning.
 *
 * @param uri A path or a file: URL.
 * @param options Class names for LMDBs whose values hold a class's number, and whether annotated objects are wanted.
 * @returns A source; close it when done.
 * @throws {Error} That says what is wrong with the path and what would be right.
 * @example
 * ```ts ignore
 * const source = await openSource("./my-photos");
 * console.log(source.length, source.labels);
 * await source.close();
 * ```
 */
export async function openSource(
  uri: string,
  options: { labels?: readonly string[] } & Pick<OpenDataOptions, "progress" | "objects"> = {},
): Promise<Source> {
  const path = pathOf(uri), names = [quoteName(path)];
  const words: SourceUri = { text: path, format: null, certain: false, names, options: {} };
  const source = await openOne(words, { ...options, formats: FORMATS });
  if ("get" in source) return source;
  await source.close();
  throw new Error(`${uri}: can only be read in order, as a stream; open it with openData`);
}

function pathOf(uri: string): string {
  if (uri === "") throw new Error("no data named: give a folder of pictures or shards");
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1].toLowerCase();
  if (scheme === "file") return decodeURIComponent(new URL(uri).pathname);
  if (scheme && uri.includes("://")) {
    throw new Error(`${uri}: ${scheme} sources cannot be read; name a local folder of pictures or shards`);
  }
  return uri;
}

const asData = (source: Source | StreamSource): OpenedData =>
  "get" in source ? { access: "random", source } : { access: "stream", source };

function exists(path: string): boolean {
  try {
    return path !== "" && Deno.statSync(path) !== null;
  } catch {
    return false;
  }
}

type OneOptions = Omit<OpenDataOptions, "labels"> & {
  formats: readonly SourceFormat[];
  labels?: readonly string[];
};

async function openOne(source: SourceUri, options: OneOptions): Promise<Source | StreamSource> {
  const { formats, labels, classes, objects, role = "train", progress = () => {} } = options;
  const http = options.progress ? { progress: options.progress, ...options.http } : options.http;
  const request: OpenRequest = { ...source, labels, classes, objects, http, role, progress };
  const path = localPath(source);
  const told = source.format === null
    ? formatByEnding(path ?? "", formats)
    : formatNamed(source.format, formats);
  // An ending tells what a file is. A folder may be called anything.
  const certain = told && (source.certain || path === null || !isFolder(path));
  if (certain) return await told.open(request);
  if (path !== null) return await openByLook(path, source, request, options);
  const only = await requestedPath(request), names = [quoteName(only)];
  return await openByLook(only, { ...source, names }, { ...request, names }, options);
}

/** Opens what is at a path: itself, or the folders in it that belong together. */
async function openByLook(
  path: string,
  source: SourceUri,
  request: OpenRequest,
  options: OneOptions,
): Promise<Source | StreamSource> {
  const { formats } = options;
  const format = await recognise(path, formats);
  // What is said on the way holds only if these are opened; else the format says it again.
  const said: string[] = [];
  const below = await format.below?.({ ...request, progress: (line) => said.push(line) });
  if (below) {
    for (const line of said) request.progress(line);
    const { split: _, ...others } = source.options;
    const open = (folder: string) =>
      openOne(
        { ...source, text: folder, format: null, names: [quoteName(folder)], options: others },
        options,
      );
    if (below.length === 1) return await open(below[0]);
    return await openJoined(below, async (folder) => {
      const one = await open(folder);
      if ("get" in one) return one;
      await one.close();
      throw new Error(
        `${folder}: can only be read in order, so it cannot be joined; name the folders one by one`,
      );
    });
  }
  checkOptions(source, format);
  try {
    return await format.open(request);
  } catch (error) {
    const inside = formatInside(error, formats);
    if (!inside) throw error;
    checkOptions(source, inside);
    return await inside.open(request);
  }
}

/** The path of a source that is one local name. */
function localPath({ names }: SourceUri): string | null {
  return names.length === 1 && !hasWildcard(names[0]) && !isRemote(names[0]) ? unquoteName(names[0]) : null;
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function checkOptions({ text, options }: SourceUri, format: SourceFormat): void {
  const unknown = Object.keys(options).find((key) => !format.options.some(({ name }) => name === key));
  if (unknown === undefined) return;
  const there = format.options.map(({ name }) => name).join(", ");
  throw new Error(`${text}: is ${format.title}, which takes no option "${unknown}"; there are ${there}`);
}

async function openSeveral(
  sources: readonly SourceUri[],
  open: (source: SourceUri) => Promise<Source | StreamSource>,
): Promise<OpenedData> {
  const parts: MixPart<Source | StreamSource>[] = [];
  const close = async () => {
    await Promise.all(parts.map(({ source }) => source.close()));
  };
  try {
    for (const source of sources) parts.push({ source: await open(source), weight: source.weight });
    // Before work begins: classes that cannot be told apart are an error.
    joinLabels(parts.map(({ source }) => source));
    const exact = parts.filter((part): part is MixPart<Source> => "get" in part.source);
    if (exact.length === parts.length) return { access: "random", source: mixSources(exact) };
    return { access: "mixed", parts, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A source whose records have no classes. */
function withoutClasses(source: Source | StreamSource): Source | StreamSource {
  const plain = ({ label: _label, className: _name, ...record }: ImageRecord): ImageRecord => record;
  if ("get" in source) {
    return {
      ...source,
      labels: [],
      objects: undefined,
      annotations: undefined,
      get: async (index) => plain(await source.get(index)),
    };
  }
  const open: StreamSource["open"] = async function* (shard, options) {
    for await (const record of source.open(shard, options)) yield plain(record);
  };
  return { ...source, labels: [], open };
}

/** Says how a name with special characters is written, where one that was looked for is not there. */
function explained(error: unknown, uri: string): unknown {
  const missing = error instanceof Error &&
    (error.cause instanceof Deno.errors.NotFound || / has such a name$/.test(error.message));
  if (!missing || !hasMeaning(uri)) return error;
  return new Error(`${error.message}. ${QUOTING}`, { cause: error.cause });
}

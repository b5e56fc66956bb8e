import { joinLabels, type MixPart, mixSources } from "../epoch/mix.ts";
import type { StreamSource } from "../epoch/shuffle.ts";
import type { HttpOptions } from "../io/http/types.ts";
import { hasMeaning, quoteName, QUOTING } from "../io/name_patterns.ts";
import { redact, redactError } from "../../files/redact.ts";
import { readLabelsFile } from "../sources/labels_file.ts";
import { sameClasses } from "../sources/match_classes.ts";
import type { SourceFormat } from "../sources/format.ts";
import { FORMATS } from "../sources/registry.ts";
import type { ImageRecord, Source } from "../types.ts";
import type { OpenedData } from "./data.ts";
import { openOne } from "./open_one.ts";
import { parseDataUri, type SourceUri } from "./parse_data_uri.ts";
import { sourceWords } from "./source_words.ts";

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
  /**
   * Whether each picture is wanted once, whatever the shares of several sources: by all who go through the data and do not
   * train on it. Default: where `role` is `test`.
   */
  once?: boolean;
  /** Told, a line each, what was decided for the user, such as which split was taken, and when a server asks to wait. */
  progress?: (line: string) => void;
  /** The kinds of source that there are. Default: those of the registry. */
  formats?: readonly SourceFormat[];
}

/**
 * Opens any data set by the user's words: each kind of source that is registered, local or over http(s), or several with
 * weights.
 *
 * @param given Such as `./photos`, `lmdb:bedroom_train_lmdb`, `https://host/data-{000..146}.tar`, `parquet:./hub#split=test`,
 * `a.tar*0.3,./b*0.7`; see {@linkcode parseDataUri}.
 * @param options Class names, patience with servers, which split is meant.
 * @returns What can be read of it, and how; close it with {@linkcode closeData}.
 * @throws {TypeError} The words are neither text nor a URL.
 * @throws {RangeError} Objects are wanted without classes.
 * @throws {Error} That names what cannot be opened, why, and what to do.
 */
export async function openData(given: string | URL, options: OpenDataOptions = {}): Promise<OpenedData> {
  const uri = textOf(given);
  const { formats = FORMATS, labels, role, once = role === "test" } = options;
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
    return { ...one, words: sourceWords(source) };
  };
  try {
    const sources = parseDataUri(uri, { formats, exists })
      .map((source) => once ? { ...source, weight: undefined } : source);
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
 * @param given A path or a file: URL.
 * @param options Class names for LMDBs whose values hold a class's number, and whether annotated objects are wanted.
 * @returns A source; close it when done.
 * @throws {TypeError} It is neither text nor a URL.
 * @throws {Error} That says what is wrong with the path and what would be right.
 * @example
 * ```ts ignore
 * const source = await openSource("./my-photos");
 * console.log(source.length, source.labels);
 * await source.close();
 * ```
 */
export async function openSource(
  given: string | URL,
  options: { labels?: readonly string[] } & Pick<OpenDataOptions, "progress" | "objects"> = {},
): Promise<Source> {
  const uri = textOf(given), path = pathOf(uri), names = [quoteName(path)];
  const words: SourceUri = { text: path, format: null, certain: false, names, options: {} };
  const source = await openOne(words, { ...options, formats: FORMATS }).catch((error) => {
    throw kindMeant(error, uri);
  });
  if ("get" in source) return source;
  await source.close();
  throw new Error(`${uri}: can only be read in order, as a stream; open it with openData`);
}

/** Says who reads words with a kind of source before the path, where nothing has such a name. */
function kindMeant(error: unknown, uri: string): unknown {
  const kind = FORMATS.find(({ name }) => uri.startsWith(`${name}:`))?.name;
  if (kind === undefined || !(error instanceof Error && error.cause instanceof Deno.errors.NotFound)) {
    return error;
  }
  return new Error(`${error.message}. ${kind}:PATH is for openData; openSource takes a path alone`, {
    cause: error.cause,
  });
}

/** What data is named by, as text. Throws a TypeError for what a program without types may give besides. */
function textOf(uri: string | URL): string {
  if (typeof uri === "string") return uri;
  if (uri instanceof URL) return uri.href;
  throw new TypeError(
    `data is named by a path or an address, not by ${
      (uri as unknown) instanceof Promise ? "a promise" : uri
    }`,
  );
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

/** Whether a path exists, as {@linkcode parseDataUri} asks. */
export function exists(path: string): boolean {
  try {
    return path !== "" && Deno.statSync(path) !== null;
  } catch {
    return false;
  }
}

/**
 * Whether the user's words give sources shares, so that some pictures come several times in an epoch.
 *
 * @throws {TypeError} The words are no text.
 * @throws {Error} When they cannot be understood.
 */
export function hasShares(uri: string): boolean {
  try {
    return parseDataUri(textOf(uri), { formats: FORMATS, exists }).some(({ weight }) => weight !== undefined);
  } catch (error) {
    throw redactError(error);
  }
}

/** Opens several sources as a mixture; where one cannot be opened, the others are closed. */
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

import { requireIndex } from "../../io/compact_lists.ts";
import { HEADER_BYTES, type LmdbHeader, readLmdbHeader } from "./format.ts";
import { memo } from "../../io/reader/cache.ts";
import { DamagedError } from "../../io/reader/chunks.ts";
import { openFileReader } from "../../io/reader/file.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { BadRecordError, type ImageRecord, NoPictureError, type Source } from "../../types.ts";
import { labeller, readStated, sameName } from "../class_names.ts";
import { describeValue, isNote, keyText } from "./keys.ts";
import { findLeaf, indexLeaves } from "./leaves.ts";
import {
  checkOverflow,
  extentOf,
  isDatabase,
  type Node,
  nodesOf,
  type SubDatabase,
  subDatabaseOf,
} from "./page.ts";
import type { InnerSplits } from "../inner_splits.ts";
import { indexRecords, type Records } from "./records.ts";
import { NoSplitError } from "../splits.ts";
import { recordsOfSplit } from "./record_splits.ts";
import { isWithoutPicture, unwrap, type Unwrapped } from "./unwrap.ts";

/** How a foreign LMDB is read. */
export interface LmdbImagesOptions {
  /** A named database inside the file. Default: the main one, or the only named one when the main one holds nothing else. */
  database?: string;
  /** Keeps splits in the keys apart. Default: all keys count, and what they begin with is a class. */
  inner?: InnerSplits;
  /** Class names for values that hold a class's number beside the picture. Default: what the keys name. */
  labels?: readonly string[];
  /** Larger values are bad records. Default 256 MiB. */
  maxRecordBytes?: number;
  /** Bytes of leaf pages kept. Default 16 MiB. */
  cacheBytes?: number;
}

/** Most named databases that are looked for. */
const MOST_NAMES = 1000;

/**
 * Opens an LMDB whose values are picture files, as Python's lmdb writes it (data version 1; version 2 works as well): LSUN
 * as it is distributed, ImageNet packed as key → JPEG, or as key → picture and class in a pickle, in msgpack or in Caffe's
 * Datum ({@linkcode unwrap}). The file is read without any LMDB library, so a damaged one gives an error and nothing
 * worse. It must not be written meanwhile.
 *
 * The tree is walked once, without its values; the index takes 16 bytes a leaf page. Records come in the order of keys.
 * Where every key names a class (`class/name`, behind a split's name if one is in front, or an ImageNet synset), these are
 * the labels; otherwise the class beside the picture is its label, a number or a name, of which nobody knows beforehand
 * which there are.
 *
 * @param path The data file, or the folder with its data.mdb.
 * @param options Named database and limits.
 * @returns A source with random access.
 * @throws {Error} When this is no LMDB, is cut short or damaged, holds no records, or there are no pictures in its values
 * (what they probably are is named).
 */
export async function openLmdbImages(path: string, options: LmdbImagesOptions = {}): Promise<Source> {
  const isFolder = await Deno.stat(path).then((info) => info.isDirectory, () => false);
  const reader = await openFileReader(isFolder ? `${path.replace(/\/+$/, "")}/data.mdb` : path);
  try {
    return await open(path, reader, options);
  } catch (error) {
    await reader.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw reason.startsWith(path) ? error : new Error(`${path}: ${reason}`, { cause: error });
  }
}

async function open(uri: string, reader: ByteReader, options: LmdbImagesOptions): Promise<Source> {
  const start = await reader.read(0, Math.min(HEADER_BYTES, reader.length));
  const header = readLmdbHeader(start, reader.length);
  const tree = await chooseTree(reader, header, options.database);
  const { inner } = options;
  let missing: NoSplitError | null = null;
  const records = await indexRecords(reader, header, tree, options).catch(async (error) => {
    // Where no key states the split that was asked for, the values may.
    if (!(error instanceof NoSplitError && inner?.isOpen(""))) throw error;
    missing = error;
    return await indexRecords(reader, header, tree, { ...options, inner: undefined });
  });
  const { splitAt, ...source } = makeSource(uri, reader, header, records, options);
  await checkFirst(source);
  return inner ? await recordsOfSplit(source, splitAt, inner, missing) : source;
}

/** The database to read: the named one, or the main one unless it only holds named ones. */
async function chooseTree(
  reader: ByteReader,
  header: LmdbHeader,
  wanted: string | undefined,
): Promise<SubDatabase> {
  const { root, depth, entries } = header;
  const main: SubDatabase = { root, depth, entries };
  // Nobody keeps so many named databases: these are records, and need no look of their own.
  if (wanted === undefined && entries > MOST_NAMES) return main;
  const found = new Map<string, SubDatabase>();
  let records = 0;
  await indexLeaves(reader, header, main, () => true, (node, page, bytes) => {
    if (!isDatabase(node)) records += isNote(node.key) ? 0 : 1;
    else if (found.size < MOST_NAMES) found.set(keyText(node.key), subDatabaseOf(header, page, bytes, node));
  });
  const names = [...found.keys()];
  if (wanted !== undefined) {
    const database = found.get(wanted);
    if (database) return database;
    throw new Error(
      `no database named "${wanted}"; ` +
        (names.length > 0 ? `there are: ${names.join(", ")}` : "it has none"),
    );
  }
  if (records > 0 || names.length === 0) return main;
  if (names.length === 1) return found.get(names[0])!;
  throw new Error(
    `holds ${names.length} named databases (${names.slice(0, 10).join(", ")}); ` +
      `choose one as lmdb:PATH#NAME`,
  );
}

/**
 * The classes of a data set's records.
 *
 * @param records The records; no labels where nobody has named their classes.
 * @param given Whether the user has named the classes.
 */
function recordClasses(
  uri: string,
  { labels, index: { length: records }, classOf }: Records,
  given: boolean,
) {
  const classes = labeller(uri, labels.length > 0 ? labels : undefined);
  const names = new Set(labels.map(sameName));
  // Records whose label is known to be none: it is told once, however often they are read.
  const told = new Uint8Array(labels.length > 0 ? records : 0);
  const of = (
    at: number,
    key: string,
    stated: Unwrapped["label"],
  ): Pick<ImageRecord, "label" | "className"> => {
    // A class that the key names goes before one beside the picture, which may be a number that nobody knows.
    const named = classOf(key), known = named !== null && names.has(sameName(named));
    if (labels.length === 0) {
      return typeof stated === "string"
        ? { className: stated }
        : stated === undefined
        ? {}
        : { label: stated };
    }
    if ((!known && !given) || told[at]) return {};
    const label = classes.number(known ? named : readStated(stated), key);
    if (label >= 0) return { label };
    told[at] = 1;
    return {};
  };
  return { of, passedOver: classes.passedOver };
}

function makeSource(
  uri: string,
  reader: ByteReader,
  header: LmdbHeader,
  records: Records,
  options: LmdbImagesOptions,
): Source & { splitAt(index: number): Promise<string | undefined> } {
  const { maxRecordBytes = 256 * 2 ** 20, cacheBytes = 16 * 2 ** 20 } = options;
  const { index, labels, wanted, passed } = records, size = header.pageSize;
  const classes = recordClasses(uri, records, options.labels !== undefined);
  const leaf = memo(cacheBytes, async (page: number) => {
    const bytes = await reader.read(page * size, size);
    return { bytes, nodes: nodesOf(header, page, bytes, "leaf").filter(wanted) };
    // A node is an object and a view of its key, some 200 bytes.
  }, ({ nodes }) => size + 200 * nodes.length);
  const find = async (at: number): Promise<{ page: number; bytes: Uint8Array; node: Node; key: string }> => {
    requireIndex(uri, at, index.length);
    const { page, node: number } = findLeaf(index, at);
    const { bytes, nodes } = await leaf(page);
    const node = nodes[number];
    if (!node) throw new Error(`${uri}: page ${page} changed while it was read`);
    return { page, bytes, node, key: keyText(node.key) };
  };
  const value = async (page: number, bytes: Uint8Array, node: Node): Promise<Uint8Array> => {
    const extent = extentOf(header, page, bytes, node);
    if (extent.size > maxRecordBytes) {
      throw new DamagedError(`${extent.size} bytes, over the limit of ${maxRecordBytes} (maxRecordBytes)`);
    }
    if (extent.page === undefined) return bytes.slice(node.rest, node.rest + extent.size);
    const front = header.layout.header;
    const whole = await reader.read(extent.offset - front, front + extent.size);
    checkOverflow(header, extent, whole);
    return whole.subarray(front);
  };
  return {
    uri,
    length: index.length,
    labels,
    async splitAt(at) {
      const { page, bytes, node } = await find(at);
      try {
        return unwrap(await value(page, bytes, node))?.split;
      } catch (error) {
        // What cannot be read is bad when it is read.
        if (error instanceof DamagedError || error instanceof RangeError) return undefined;
        throw error;
      }
    },
    async get(at): Promise<ImageRecord> {
      const { page, bytes, node, key } = await find(at);
      let raw: Uint8Array, picture: Unwrapped | null;
      try {
        raw = await value(page, bytes, node);
        picture = unwrap(raw);
      } catch (error) {
        // What is wrong with the bytes is the record's fault; what is wrong with the machine is not.
        if (!(error instanceof DamagedError || error instanceof RangeError)) throw error;
        throw new BadRecordError(uri, key, error.message);
      }
      if (!picture && isWithoutPicture(raw)) throw new NoPictureError(uri, key, "no picture (null)");
      if (!picture) throw new BadRecordError(uri, key, `the value is no picture but ${describeValue(raw)}`);
      return { key, bytes: picture.bytes, ...classes.of(at, key, picture.label) };
    },
    key: async (at) => (await find(at)).key,
    passedOver: () => [...passed, ...classes.passedOver()],
    close: () => reader.close(),
  };
}

/** Refuses a data set of which the first, the middle and the last record are all no pictures. */
async function checkFirst(source: Source): Promise<void> {
  let reason = "";
  for (const at of new Set([0, source.length >> 1, source.length - 1])) {
    try {
      await source.get(at);
      return;
    } catch (error) {
      if (!(error instanceof BadRecordError)) throw error;
      reason ||= `${error.key}: ${error.reason}`;
    }
  }
  throw new Error(
    `no LMDB of picture files: ${reason}. Values must be JPEG, PNG, WebP … files, as they are or with their class in a ` +
      "pickle, in msgpack or in Caffe's Datum; write others into a folder or tar shards first",
  );
}

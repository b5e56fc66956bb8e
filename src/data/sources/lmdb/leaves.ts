import { Buffer } from "node:buffer";
import { type NumberList, numberList } from "../../io/compact_lists.ts";
import type { LmdbHeader } from "./format.ts";
import type { ByteReader } from "../../io/reader/types.ts";
import { damaged, type Extent, extentOf, isDatabase, type Node, nodesOf, type SubDatabase } from "./page.ts";

/** At most so many pages are read at once. */
const RUN = 64;

/** Reads that are under way together. */
const TOGETHER = 4;

/** Which leaf holds record i: 12 bytes a leaf. */
export interface LeafIndex {
  /** Number of records. */
  length: number;
  /** Page numbers of the leaves, in the order of keys. */
  pages: NumberList;
  /** Records in all leaves up to and including this one. */
  ends: NumberList;
}

/** Whether a leaf's node counts as a record. */
export type Wanted = (node: Node) => boolean;

/**
 * Walks a tree once and notes its leaves and how many records each holds. Values in pages of their own are not read, but
 * each must lie inside the file.
 *
 * Never runs in circles: every level goes down by one, and no more pages are read than the file has.
 *
 * @param reader The file.
 * @param header Its checked meta page.
 * @param tree The database's root.
 * @param wanted Which nodes count.
 * @param visit Called with each record's node, its page and, unless it is a named database, where its value lies.
 * @throws {Error} When the tree is damaged or holds another number of records than it says.
 */
export async function indexLeaves(
  reader: ByteReader,
  header: LmdbHeader,
  tree: SubDatabase,
  wanted: Wanted,
  visit?: (node: Node, page: number, bytes: Uint8Array, extent: Extent | null) => void,
): Promise<LeafIndex> {
  const pages = numberList(Float64Array), ends = numberList(Float64Array);
  let records = 0, nodes = 0, pagesLeft = header.lastPage;

  const leaf = (page: number, bytes: Uint8Array) => {
    for (const node of nodesOf(header, page, bytes, "leaf")) {
      nodes++;
      if (!wanted(node)) continue;
      const extent = isDatabase(node) ? null : extentOf(header, page, bytes, node);
      records++;
      visit?.(node, page, bytes, extent);
    }
    pages.push(page);
    ends.push(records);
  };

  const walk = async (children: readonly number[], depth: number): Promise<void> => {
    pagesLeft -= children.length;
    if (pagesLeft < 0) throw damaged("more pages are named than there are");
    for await (const [page, bytes] of readPages(reader, header, children)) {
      if (depth <= 1) leaf(page, bytes);
      else await walk(nodesOf(header, page, bytes, "branch").map((node) => node.value), depth - 1);
    }
  };

  if (tree.root >= 0) await walk([tree.root], tree.depth);
  if (nodes !== tree.entries) {
    throw damaged(`it says that it has ${tree.entries} records but has ${nodes}`);
  }
  return { length: records, pages, ends };
}

/** A record that was found by its key. */
interface Found {
  key: Uint8Array;
  /** Where its value lies. */
  extent: Extent;
}

/** Goes down a tree, on each page to the node that is chosen. */
async function descend(
  reader: ByteReader,
  header: LmdbHeader,
  tree: SubDatabase,
  choose: (nodes: Node[], kind: "branch" | "leaf") => Node | undefined,
): Promise<Found | null> {
  const { pageSize, lastPage } = header;
  let page = tree.root;
  if (page < 0) return null;
  for (let depth = tree.depth;; depth--) {
    if (!(page >= 2 && page <= lastPage)) throw damaged(`page ${page} lies outside the file`);
    const bytes = await reader.read(page * pageSize, pageSize), kind = depth <= 1 ? "leaf" : "branch";
    const node = choose(nodesOf(header, page, bytes, kind), kind);
    if (!node) return null;
    if (kind === "leaf") return { key: node.key, extent: extentOf(header, page, bytes, node) };
    page = node.value;
  }
}

/**
 * The last record in the order of keys, found by as many pages as the tree has levels.
 *
 * @returns Its key and where its value lies; null in an empty tree.
 * @throws {Error} When the pages on the way are damaged.
 */
export async function lastRecord(
  reader: ByteReader,
  header: LmdbHeader,
  tree: SubDatabase,
): Promise<Found | null> {
  return await descend(reader, header, tree, (nodes) => nodes.at(-1));
}

/**
 * A record by its key, found by as many pages as the tree has levels.
 *
 * @returns Null where there is none of this key.
 * @throws {Error} When the pages on the way are damaged.
 */
export async function findRecord(
  reader: ByteReader,
  header: LmdbHeader,
  tree: SubDatabase,
  key: Uint8Array,
): Promise<Found | null> {
  const order = (node: Node) => Buffer.compare(node.key, key);
  return await descend(
    reader,
    header,
    tree,
    (nodes, kind) =>
      kind === "leaf"
        ? nodes.find((node) => order(node) === 0)
        // A branch's first node has no key of its own.
        : nodes.findLast((node, i) => i === 0 || order(node) <= 0),
  );
}

/** Reads pages in the given order, neighbours together and some reads at once. */
async function* readPages(
  reader: ByteReader,
  header: LmdbHeader,
  numbers: readonly number[],
): AsyncGenerator<[page: number, bytes: Uint8Array], void, void> {
  const runs: { first: number; count: number }[] = [];
  for (const page of numbers) {
    if (!(page >= 2 && page <= header.lastPage)) throw damaged(`page ${page} lies outside the file`);
    const last = runs.at(-1);
    if (last && page === last.first + last.count && last.count < RUN) last.count++;
    else runs.push({ first: page, count: 1 });
  }
  const size = header.pageSize;
  for (let at = 0; at < runs.length; at += TOGETHER) {
    const part = runs.slice(at, at + TOGETHER);
    const read = await Promise.all(part.map((run) => reader.read(run.first * size, run.count * size)));
    for (let i = 0; i < part.length; i++) {
      for (let k = 0; k < part[i].count; k++) {
        yield [part[i].first + k, read[i].subarray(k * size, (k + 1) * size)];
      }
    }
  }
}

/**
 * Finds the leaf of a record.
 *
 * @param index The leaves.
 * @param record 0 … index.length − 1.
 * @returns The leaf's page, and the record's number among the leaf's records.
 */
export function findLeaf(index: LeafIndex, record: number): { page: number; node: number } {
  let low = 0, high = index.ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (index.ends.get(middle) > record) high = middle;
    else low = middle + 1;
  }
  return { page: index.pages.get(low), node: record - (low === 0 ? 0 : index.ends.get(low - 1)) };
}

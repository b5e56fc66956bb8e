import type { LmdbHeader } from "./format.ts";
import { DamagedError } from "../../io/reader/chunks.ts";

/** Kinds of pages, among a page's flags. */
export const BRANCH = 0x01, LEAF = 0x02, OVERFLOW = 0x04;
/** Flag of a node whose value has pages of its own. */
export const BIG = 0x01;
/** Bytes of a node before its key. */
export const NODE_HEADER = 8;
const KINDS = 0x07, SPECIAL = 0x60, DATABASE = 0x02, DUPLICATES = 0x04, DATABASE_RECORD = 48;

/** An index that contradicts itself. */
export function damaged(what: string): DamagedError {
  return new DamagedError(`damaged LMDB index: ${what}`);
}

/** A branch's child, or a leaf's record. */
export interface Node {
  key: Uint8Array;
  /** Child page in a branch, size of the value in a leaf. */
  value: number;
  /** What stands behind the key. */
  flags: number;
  /** Offset of that in the page. */
  rest: number;
}

/** Where a value lies in the file, in bytes. */
export interface Extent {
  offset: number;
  size: number;
  /** The first of its own pages, when it has such. */
  page?: number;
}

/** A named database inside the main one. */
export interface SubDatabase {
  depth: number;
  entries: number;
  /** −1 when it is empty. */
  root: number;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The nodes of a page, in order, each number checked against the page's borders.
 *
 * @param header The file's checked meta page.
 * @param page The page's number.
 * @param bytes The page.
 * @param kind What it has to be.
 * @throws {Error} When it is another page, of another kind, or its nodes do not fit into it.
 */
export function nodesOf(
  header: LmdbHeader,
  page: number,
  bytes: Uint8Array,
  kind: "branch" | "leaf",
): Node[] {
  const { layout, pageSize } = header, data = view(bytes);
  if (data.getBigUint64(0, true) !== BigInt(page)) throw damaged(`page ${page} carries another number`);
  const flags = data.getUint16(layout.flags, true);
  if ((flags & KINDS) !== (kind === "leaf" ? LEAF : BRANCH) || (flags & SPECIAL) !== 0) {
    throw damaged(`page ${page} is no ${kind} page`);
  }
  const count = (data.getUint16(layout.flags + 2, true) + layout.base - layout.header) / 2;
  if (!Number.isInteger(count) || count < 1 || layout.header + 2 * count > pageSize) {
    throw damaged(`page ${page} cannot hold ${count} nodes`);
  }
  return Array.from({ length: count }, (_, i) => {
    const at = data.getUint16(layout.header + 2 * i, true) + layout.base;
    if (at + NODE_HEADER > pageSize) throw damaged(`node ${i} of page ${page} lies outside it`);
    const low = data.getUint16(at, true) + data.getUint16(at + 2, true) * 0x10000;
    const nodeFlags = data.getUint16(at + 4, true);
    const rest = at + NODE_HEADER + data.getUint16(at + 6, true);
    if (rest > pageSize) throw damaged(`a key of page ${page} lies outside it`);
    const key = bytes.subarray(at + NODE_HEADER, rest);
    return kind === "leaf"
      ? { key, value: low, flags: nodeFlags, rest }
      : { key, value: low + nodeFlags * 2 ** 32, flags: 0, rest };
  });
}

/** Whether a leaf's node is a named database. */
export const isDatabase = (node: Node): boolean => (node.flags & DATABASE) !== 0;

/** Reads the record of a named database. */
export function subDatabaseOf(header: LmdbHeader, page: number, bytes: Uint8Array, node: Node): SubDatabase {
  if (node.flags !== DATABASE || node.value !== DATABASE_RECORD || node.rest + node.value > header.pageSize) {
    throw damaged(`page ${page} describes a database of no known kind`);
  }
  const data = view(bytes), at = node.rest;
  const root = data.getBigUint64(at + 40, true), depth = data.getUint16(at + 6, true);
  const entries = Number(data.getBigUint64(at + 32, true));
  const empty = root === 0xffffffffffffffffn;
  if (depth > 32 || (!empty && root > BigInt(header.lastPage)) || (empty && entries > 0)) {
    throw damaged(`page ${page} describes a database with an impossible root`);
  }
  return { depth, entries, root: empty ? -1 : Number(root) };
}

/**
 * Where a record's value lies: in the leaf, or in pages of its own.
 *
 * @throws {Error} When that is outside the page or the file, or the node is of another kind.
 */
export function extentOf(header: LmdbHeader, page: number, bytes: Uint8Array, node: Node): Extent {
  const { layout, pageSize, lastPage } = header, size = node.value;
  if ((node.flags & DUPLICATES) !== 0) {
    throw new Error(
      "this database holds several values a key (dupsort), which is not how pictures are stored",
    );
  }
  if (node.flags === 0) {
    if (node.rest + size > pageSize) throw damaged(`a value of page ${page} lies outside it`);
    return { offset: page * pageSize + node.rest, size };
  }
  if (node.flags !== BIG || node.rest + 8 > pageSize) {
    throw damaged(`page ${page} has a node of no known kind`);
  }
  const first = Number(view(bytes).getBigUint64(node.rest, true));
  const pages = Math.ceil((layout.header + size) / pageSize);
  if (first < 2 || first + pages - 1 > lastPage) {
    throw damaged(`a value named by page ${page} lies outside the file`);
  }
  return { offset: first * pageSize + layout.header, size, page: first };
}

/** Throws unless a value's first page, given by its header, is where a value begins. */
export function checkOverflow(header: LmdbHeader, extent: Extent, pageHeader: Uint8Array): void {
  const data = view(pageHeader), { layout, pageSize } = header;
  const flags = data.getUint16(layout.flags, true), pages = data.getUint32(layout.flags + 2, true);
  if (
    data.getBigUint64(0, true) !== BigInt(extent.page ?? -1) || (flags & KINDS) !== OVERFLOW ||
    pages < Math.ceil((layout.header + extent.size) / pageSize)
  ) {
    throw damaged(`page ${extent.page} is not the value that a record says it is`);
  }
}

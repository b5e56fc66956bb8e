import type { LmdbHeader } from "./lmdb_format.ts";

const BRANCH = 0x01, LEAF = 0x02, KINDS = 0x07, SPECIAL = 0x60;
const BIG = 0x01;
const NODE_HEADER = 8;

/** Where one record stands in the file. */
export interface Entry {
  key: Uint8Array;
  /** Offset of the value in the file, in bytes. */
  offset: number;
  /** Length of the value, in bytes. */
  size: number;
}

/** Reads one page by its number: `pageSize` bytes. */
export type ReadPage = (page: number) => Uint8Array;

interface Node {
  flags: number;
  key: Uint8Array;
  /** Child page in a branch, size of the value in a leaf. */
  value: number;
  /** Offset of what follows the key, in the page. */
  rest: number;
}

function damaged(what: string): Error {
  return new Error(`damaged LMDB index: ${what}`);
}

/** The nodes of a branch or leaf page, each number checked against the page's borders. */
function nodesOf(header: LmdbHeader, page: number, bytes: Uint8Array, kind: number): Node[] {
  const { layout, pageSize } = header;
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (Number(data.getBigUint64(0, true)) !== page) throw damaged(`page ${page} carries another number`);
  const flags = data.getUint16(layout.flags, true);
  if ((flags & KINDS) !== kind || (flags & SPECIAL) !== 0) throw damaged(`page ${page} is of another kind`);
  const lower = data.getUint16(layout.flags + 2, true);
  const count = (lower + layout.base - layout.header) / 2;
  if (!Number.isInteger(count) || count < 1 || layout.header + 2 * count > pageSize) {
    throw damaged(`page ${page} cannot hold ${count} records`);
  }
  const nodes: Node[] = [];
  for (let i = 0; i < count; i++) {
    const at = data.getUint16(layout.header + 2 * i, true) + layout.base;
    if (at + NODE_HEADER > pageSize) throw damaged(`record ${i} of page ${page} lies outside it`);
    const low = data.getUint16(at, true) + data.getUint16(at + 2, true) * 0x10000;
    const nodeFlags = data.getUint16(at + 4, true), keySize = data.getUint16(at + 6, true);
    const rest = at + NODE_HEADER + keySize;
    if (rest > pageSize) throw damaged(`a key of page ${page} lies outside it`);
    nodes.push({
      flags: nodeFlags,
      key: bytes.subarray(at + NODE_HEADER, rest),
      value: kind === BRANCH ? low + nodeFlags * 2 ** 32 : low,
      rest,
    });
  }
  return nodes;
}

/** Where a leaf's record has its value: in the page, or in pages of its own. */
function entryOf(header: LmdbHeader, page: number, bytes: Uint8Array, node: Node): Entry {
  const { layout, pageSize, lastPage } = header;
  const { key, value: size } = node;
  if (node.flags === 0) {
    if (node.rest + size > pageSize) throw damaged(`a value of page ${page} lies outside it`);
    return { key, offset: page * pageSize + node.rest, size };
  }
  if (node.flags !== BIG || node.rest + 8 > pageSize) {
    throw damaged(`a record of page ${page} is of no known kind`);
  }
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = Number(data.getBigUint64(node.rest, true));
  const pages = Math.ceil((layout.header + size) / pageSize);
  if (first < 2 || first + pages - 1 > lastPage) {
    throw damaged(`a value named by page ${page} lies outside the file`);
  }
  return { key, offset: first * pageSize + layout.header, size };
}

/**
 * Walks the main database in the order of its keys.
 *
 * @param header The file's checked meta page.
 * @param readPage Reads a page; asked for numbers from 2 to `header.lastPage` only.
 * @param options `last`: only the last record.
 * @returns Every record's key and place. Keys are views of pages: copy one to keep it.
 * @throws Error when the tree is damaged. It never runs in circles: each level goes down, and a page counts once.
 */
export function* entriesOf(
  header: LmdbHeader,
  readPage: ReadPage,
  options: { last?: boolean } = {},
): Generator<Entry, void, void> {
  if (header.root < 0) return;
  let pagesLeft = header.lastPage;
  function* walk(page: number, depth: number): Generator<Entry, void, void> {
    if (!(page >= 2 && page <= header.lastPage)) throw damaged(`page ${page} lies outside the file`);
    if (pagesLeft-- <= 0) throw damaged("more pages are named than there are");
    const bytes = readPage(page);
    let nodes = nodesOf(header, page, bytes, depth === 1 ? LEAF : BRANCH);
    if (options.last) nodes = nodes.slice(-1);
    for (const node of nodes) {
      if (depth === 1) yield entryOf(header, page, bytes, node);
      else yield* walk(node.value, depth - 1);
    }
  }
  yield* walk(header.root, header.depth);
}

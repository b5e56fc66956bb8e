/**
 * LMDB files, read without any library: the two meta pages at the beginning of a file, and what they promise.
 *
 * A library maps the whole file and trusts it, so a file of the other data version, a cut one or a damaged index ends
 * the process with a signal. Here every number is checked before it is used.
 */

/** The first of the file's numbers that say "LMDB". */
export const MAGIC = 0xbeefc0de;
/** Stands for "no page". */
const NO_PAGE = 0xffffffffffffffffn;
/** The kind of a meta page, among a page's flags. */
export const META_PAGE = 0x08;

/** Where things stand in the pages of a data version. */
export interface Layout {
  version: 1 | 2;
  /** Bytes of a page's header; in version 2 it has the transaction's number as well. */
  header: number;
  /** Offset of a page's flags in its header. */
  flags: number;
  /** What offsets of nodes in a page are counted from. */
  base: number;
}

/** The layout of Python's lmdb and of most others. */
export const VERSION_1: Layout = { version: 1, header: 16, flags: 10, base: 0 };
const VERSION_2: Layout = { version: 2, header: 24, flags: 18, base: 24 };

/** What a meta page says of a file. */
export interface LmdbHeader {
  layout: Layout;
  pageSize: number;
  /** Number of the last page in use. */
  lastPage: number;
  /** Number of the last transaction. */
  transaction: number;
  /** Records of the main database. */
  entries: number;
  /** Levels of the main database's tree. */
  depth: number;
  /** Page of the tree's root, or -1 when it is empty. */
  root: number;
}

/** Bytes that {@linkcode readLmdbHeader} needs: two meta pages of the largest size. */
export const HEADER_BYTES = 65536 + 256;

function looksLike(data: DataView, at: number, layout: Layout): boolean {
  return data.byteLength >= at + layout.header + 136 &&
    data.getUint32(at + layout.header, true) === MAGIC &&
    data.getUint32(at + layout.header + 4, true) === layout.version;
}

/**
 * Tells which data version a file has.
 *
 * @param start The file's first 256 bytes or more.
 * @returns 1 (Python's lmdb and most others), 2 (npm:lmdb), or null when it is no LMDB file.
 */
export function lmdbVersion(start: Uint8Array): 1 | 2 | null {
  const data = new DataView(start.buffer, start.byteOffset, start.byteLength);
  for (const layout of [VERSION_2, VERSION_1]) {
    if (looksLike(data, 0, layout)) return layout.version;
  }
  return null;
}

function readMeta(data: DataView, at: number, layout: Layout, page: number): LmdbHeader | null {
  if (!looksLike(data, at, layout) || (data.getUint16(at + layout.flags, true) & META_PAGE) === 0) {
    return null;
  }
  if (data.getBigUint64(at, true) !== BigInt(page)) return null;
  const body = at + layout.header, main = body + 24 + 48;
  const long = (offset: number) => Number(data.getBigUint64(offset, true));
  return {
    layout,
    pageSize: data.getUint32(body + 24, true),
    depth: data.getUint16(main + 6, true),
    entries: long(main + 32),
    root: data.getBigUint64(main + 40, true) === NO_PAGE ? -1 : long(main + 40),
    lastPage: long(main + 48),
    transaction: long(main + 56),
  };
}

/**
 * Reads and checks the two meta pages: magic, version, page size, and that the file is as long as its last page demands.
 *
 * @param start The file's first {@linkcode HEADER_BYTES} bytes, or all of a shorter file.
 * @param length The whole file's length in bytes.
 * @returns The newer of the two.
 * @throws {Error} That says what is wrong; the caller knows the file's name.
 */
export function readLmdbHeader(start: Uint8Array, length: number): LmdbHeader {
  const version = lmdbVersion(start);
  if (version === null) {
    throw new Error(
      `no LMDB file: its ${length} bytes do not begin with LMDB's magic number; check the path`,
    );
  }
  const layout = version === 1 ? VERSION_1 : VERSION_2;
  const data = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const pageSize = data.getUint32(layout.header + 24, true);
  if (pageSize < 512 || pageSize > 65536 || (pageSize & (pageSize - 1)) !== 0) {
    throw new Error(`damaged LMDB file: a page size of ${pageSize} bytes cannot be`);
  }
  if (length < 2 * pageSize) {
    throw new Error(
      `LMDB file cut short: ${length} bytes are less than its two meta pages of ${pageSize} bytes; copy it again`,
    );
  }
  const first = readMeta(data, 0, layout, 0), second = readMeta(data, pageSize, layout, 1);
  if (!first || !second || second.pageSize !== pageSize) {
    throw new Error("damaged LMDB file: its two meta pages do not agree");
  }
  const header = second.transaction > first.transaction ? second : first;
  const needed = (header.lastPage + 1) * pageSize;
  if (length < needed) {
    throw new Error(
      `LMDB file cut short: its header speaks of ${needed} bytes, the file has ${length}; copy it again`,
    );
  }
  if (header.root > header.lastPage || header.depth > 32 || (header.root < 0 && header.entries > 0)) {
    throw new Error("damaged LMDB file: its meta page names a root that cannot be");
  }
  return header;
}

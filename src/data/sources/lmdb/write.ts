/**
 * Writes LMDB files of data version 1, which Python's lmdb and most other programs read. Records come in the order of
 * their keys and the sizes of their values are known beforehand. So the tree is laid out before the first byte is
 * written, a file is made from its front to its end, and the same records give the same bytes.
 */
import { MAGIC, META_PAGE, VERSION_1 } from "./format.ts";
import {
  type Branch,
  even,
  FIRST_PAGE,
  HEADER,
  type Leaf,
  leavesOf,
  type LmdbSizes,
  PAGE,
  PLACE,
  type Plan,
  planOf,
  spaceOf,
} from "./layout.ts";
import { BIG, BRANCH, LEAF, NODE_HEADER, OVERFLOW } from "./page.ts";

/** Bytes of the longest key. */
const MOST_KEY = 511;
/** Bytes that are handed on together. */
const TOGETHER = 1 << 20;
const INTEGER_KEYS = 0x08;
const NO_PAGE = 0xffffffffffffffffn;

/** Records that become an LMDB. */
export interface LmdbRecords extends LmdbSizes {
  /** All values in order. */
  values(): AsyncIterable<Uint8Array>;
}

/** A page with its number and kind. */
function newPage(
  number: number,
  flags: number,
  pages = 1,
): { bytes: Uint8Array<ArrayBuffer>; data: DataView } {
  const bytes = new Uint8Array(pages * PAGE), data = new DataView(bytes.buffer);
  data.setBigUint64(0, BigInt(number), true);
  data.setUint16(VERSION_1.flags, flags, true);
  return { bytes, data };
}

/** One of the two meta pages; page 0 speaks of the empty file that there was before the only transaction. */
function metaPage(number: 0 | 1, { branches, leaves, overflow, depth, root, lastPage }: Plan, count: number) {
  const { bytes, data } = newPage(number, META_PAGE), free = HEADER + 24, main = free + 48;
  const long = (at: number, value: number | bigint) => data.setBigUint64(at, BigInt(value), true);
  data.setUint32(HEADER, MAGIC, true);
  data.setUint32(HEADER + 4, VERSION_1.version, true);
  long(HEADER + 16, (lastPage + 1) * PAGE);
  data.setUint32(free, PAGE, true);
  data.setUint16(free + 4, INTEGER_KEYS, true);
  long(free + 40, NO_PAGE);
  if (number === 1) {
    data.setUint16(main + 6, depth, true);
    [branches.length, leaves, overflow, count, root].forEach((value, i) => long(main + 8 + 8 * i, value));
  } else long(main + 40, NO_PAGE);
  long(main + 48, number === 1 ? lastPage : FIRST_PAGE - 1);
  long(main + 56, number);
  return bytes;
}

/** A node of a page: three numbers of its head, its key and what stands behind it. */
interface NewNode {
  head: [low: number, high: number, flags: number];
  key: Uint8Array;
  rest: Uint8Array;
}

function nodePage(number: number, kind: number, nodes: readonly NewNode[]): Uint8Array<ArrayBuffer> {
  const { bytes, data } = newPage(number, kind);
  let upper = PAGE;
  nodes.forEach(({ head, key, rest }, i) => {
    upper -= even(NODE_HEADER + key.length + rest.length);
    [...head, key.length].forEach((value, k) => data.setUint16(upper + 2 * k, value, true));
    bytes.set(key, upper + NODE_HEADER);
    bytes.set(rest, upper + NODE_HEADER + key.length);
    data.setUint16(HEADER + PLACE * i, upper, true);
  });
  data.setUint16(VERSION_1.flags + 2, HEADER + PLACE * nodes.length, true);
  data.setUint16(VERSION_1.flags + 4, upper, true);
  return bytes;
}

function longBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

const NOTHING = new Uint8Array();

function branchPage({ page, level, from, to }: Branch, { key }: LmdbRecords): Uint8Array {
  return nodePage(
    page,
    BRANCH,
    Array.from({ length: to - from }, (_, i) => {
      const child = level.pages[from + i],
        low = child % 2 ** 16,
        high = Math.floor(child / 2 ** 16) % 2 ** 16;
      // What is smaller than the second key is below the first child, whose own key nobody compares with.
      const first = i === 0 ? NOTHING : key(level.firsts[from + i]);
      return { head: [low, high, Math.floor(child / 2 ** 32)], key: first, rest: NOTHING };
    }),
  );
}

/** A leaf's page and those behind it. */
async function* leafPages(
  { page, first, end }: Leaf,
  { key, size }: LmdbRecords,
  values: AsyncIterator<Uint8Array, void>,
): AsyncGenerator<Uint8Array, void, void> {
  const nodes: NewNode[] = [], behind: Uint8Array[] = [];
  let next = page + 1;
  for (let i = first; i < end; i++) {
    const { value } = await values.next(), own = key(i), { pages } = spaceOf(own.length, size(i));
    if (value?.length !== size(i)) {
      throw new Error(`record ${i} has a value of ${value?.length ?? "no"} bytes instead of ${size(i)}`);
    }
    const low = value.length % 2 ** 16, high = Math.floor(value.length / 2 ** 16);
    if (pages === 0) {
      nodes.push({ head: [low, high, 0], key: own, rest: value });
      continue;
    }
    nodes.push({ head: [low, high, BIG], key: own, rest: longBytes(next) });
    const { bytes, data } = newPage(next, OVERFLOW, pages);
    data.setUint32(VERSION_1.flags + 2, pages, true);
    bytes.set(value, HEADER);
    behind.push(bytes);
    next += pages;
  }
  yield nodePage(page, LEAF, nodes);
  yield* behind;
}

async function* piecesOf(records: LmdbRecords): AsyncGenerator<Uint8Array, void, void> {
  const plan = planOf(records), values = records.values()[Symbol.asyncIterator]();
  yield metaPage(0, plan, records.count);
  yield metaPage(1, plan, records.count);
  for (const leaf of leavesOf(records)) yield* leafPages(leaf, records, values);
  for (const branch of plan.branches) yield branchPage(branch, records);
}

/** Puts small pieces together. */
async function* gathered(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let buffer = new Uint8Array(TOGETHER), used = 0;
  for await (const piece of pieces) {
    if (used + piece.length > TOGETHER && used > 0) {
      yield buffer.subarray(0, used);
      [buffer, used] = [new Uint8Array(TOGETHER), 0];
    }
    if (piece.length > TOGETHER) {
      yield piece;
      continue;
    }
    buffer.set(piece, used);
    used += piece.length;
  }
  if (used > 0) yield buffer.subarray(0, used);
}

/**
 * The bytes of an LMDB file of data version 1, in order.
 *
 * @param records Its records; `key` and `size` are asked more than once.
 * @returns Pieces of about 1 MiB, or of one value where that is larger.
 * @throws {RangeError} When there is no record, or a key or value cannot be stored; before the first piece.
 */
export function lmdbPieces(records: LmdbRecords): AsyncGenerator<Uint8Array, void, void> {
  if (!(records.count >= 1)) throw new RangeError("an LMDB without records is not written");
  for (let i = 0; i < records.count; i++) {
    const { length } = records.key(i), size = records.size(i);
    if (!(length >= 1 && length <= MOST_KEY)) {
      throw new RangeError(`record ${i} has a key of ${length} bytes; LMDB takes 1 to ${MOST_KEY}`);
    }
    if (!(size >= 0 && size < 2 ** 32)) {
      throw new RangeError(`record ${i} has a value of ${size} bytes; LMDB takes less than 4 GiB`);
    }
  }
  return gathered(piecesOf(records));
}

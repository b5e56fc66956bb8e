/** Where the records of an LMDB file of data version 1 are to stand, worked out before its first byte is written. */
import { VERSION_1 } from "./format.ts";
import { NODE_HEADER } from "./page.ts";

/** Bytes of a page, and of its header. */
export const PAGE = 4096, HEADER = VERSION_1.header;
/** Records begin behind the two meta pages. */
export const FIRST_PAGE = 2;
/** Bytes of a node's place in the list at its page's front. */
export const PLACE = 2;
/** Bytes of a node whose value stands in its leaf: two of them fit into a page. */
const MOST_NODE = 2038;

/** How large records are. */
export interface LmdbSizes {
  /** How many, at least 1. */
  count: number;
  /** The key of a record, 1 to 511 bytes; each is larger than the one before it, byte by byte. */
  key(index: number): Uint8Array;
  /** Bytes of its value, below 4 GiB. */
  size(index: number): number;
}

/** A leaf: records `first` … `end` − 1, and behind it the pages of those values that do not fit into it. */
export interface Leaf {
  page: number;
  first: number;
  end: number;
  pages: number;
}

/** Pages that a branch's page names, and the first record below each. */
export interface Level {
  pages: number[];
  firsts: number[];
}

/** A branch's page: children `from` … `to` − 1 of a level. */
export interface Branch {
  page: number;
  level: Level;
  from: number;
  to: number;
}

/** An even number of bytes: nodes begin at such places. */
export const even = (bytes: number) => bytes + bytes % 2;

/** What a record takes in its leaf, and how many pages of its own. */
export function spaceOf(key: number, value: number): { bytes: number; pages: number } {
  const whole = NODE_HEADER + key + value;
  if (whole <= MOST_NODE) return { bytes: even(whole), pages: 0 };
  return { bytes: even(NODE_HEADER + key + 8), pages: Math.ceil((HEADER + value) / PAGE) };
}

/** The leaves in order, each as full as it can be. */
export function* leavesOf({ count, key, size }: LmdbSizes): Generator<Leaf, void, void> {
  for (let page = FIRST_PAGE, first = 0; first < count;) {
    let end = first, room = PAGE - HEADER, pages = 0;
    for (; end < count; end++) {
      const space = spaceOf(key(end).length, size(end));
      if (space.bytes + PLACE > room) break;
      room -= space.bytes + PLACE;
      pages += space.pages;
    }
    yield { page, first, end, pages };
    page += 1 + pages;
    first = end;
  }
}

/** Where everything is to stand. */
export interface Plan {
  branches: Branch[];
  leaves: number;
  overflow: number;
  depth: number;
  root: number;
  lastPage: number;
}

/** Lays out the whole tree. */
export function planOf(records: LmdbSizes): Plan {
  let level: Level = { pages: [], firsts: [] }, overflow = 0, page = FIRST_PAGE, longest = 0;
  for (const leaf of leavesOf(records)) {
    level.pages.push(leaf.page);
    level.firsts.push(leaf.first);
    longest = Math.max(longest, records.key(leaf.first).length);
    overflow += leaf.pages;
    page = leaf.page + 1 + leaf.pages;
  }
  const branches: Branch[] = [], leaves = level.pages.length;
  const most = Math.floor((PAGE - HEADER) / (even(NODE_HEADER + longest) + PLACE));
  let depth = 1;
  for (; level.pages.length > 1; depth++) {
    const children = level.pages.length, pages = Math.ceil(children / most);
    const above: Level = { pages: [], firsts: [] };
    for (let i = 0; i < pages; i++) {
      // LMDB wants at least two children on each page, so all get about as many.
      const [from, to] = [i, i + 1].map((end) => Math.floor(end * children / pages));
      branches.push({ page, level, from, to });
      above.pages.push(page++);
      above.firsts.push(level.firsts[from]);
    }
    level = above;
  }
  return { branches, leaves, overflow, depth, root: level.pages[0], lastPage: page - 1 };
}

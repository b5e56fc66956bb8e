import type { Engine } from "../../engine/types.ts";
import type { Rows } from "../rows.ts";
import { unitRow } from "../rows.ts";
import { type Gallery, type GalleryBlock, rowNumber } from "./gallery.ts";
import { pairsAbove } from "./pairs.ts";
import { searchPrograms } from "./programs.ts";

/** A picture of a group of near-duplicates. */
export interface DuplicateMember {
  /** Its row in the gallery. */
  row: number;
  /** The row of the picture that it is most alike, of the same group. */
  nearest: number;
  cosine: number;
}

/** Pictures that are alike, and how alike. */
export interface Duplicates {
  threshold: number;
  /** Pictures that were compared. */
  pictures: number;
  /** Pairs at or above the threshold. */
  pairs: number;
  /** Groups of at least two, the largest first; members in the gallery's order. */
  groups: DuplicateMember[][];
  /** Rows of length 0, which are like nothing. */
  empty: number[];
}

/** How duplicates are looked for. */
export interface DuplicatesOptions {
  /** Called with how many pairs have been compared, and of how many. */
  progress?(done: number, total: number): void;
  /** Aborting it ends the search with its reason. */
  signal?: AbortSignal;
  /** One more than the largest row number. Default: the gallery's rows. */
  size?: number;
  /** Rows that are compared with all later ones at once; for each so many the gallery is read again. Default: 64 MB of them. */
  together?: number;
}

/** Cosines are float32, so a pair that is this much below the threshold counts as being there. */
const ROUNDING = 1e-6;

/** Numbers of the rows that are compared with all later ones at once (64 MB). */
const TOGETHER_NUMBERS = 1 << 24;

/** Sets of rows that grow together. */
function openSets(rows: number) {
  const parent = Int32Array.from({ length: rows }, (_, row) => row);
  const find = (row: number) => {
    while (parent[row] !== row) row = parent[row] = parent[parent[row]];
    return row;
  };
  return {
    find,
    /** The smaller number stands for both. */
    join(a: number, b: number) {
      const [first, second] = [find(a), find(b)];
      parent[Math.max(first, second)] = Math.min(first, second);
    },
  };
}

/** The rows of a block at length 1, and their numbers; those of length 0 are told and left out. */
async function queriesOf(block: GalleryBlock, gallery: Gallery, empty: number[]) {
  const { rows, width, data } = block.rows, numbers: number[] = [], out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const number = rowNumber(block, row);
    const length = unitRow(data, row * width, width, out, numbers.length * width);
    if (!Number.isFinite(length)) {
      throw new Error(`${await gallery.nameOf(number)}: its features are not finite numbers`);
    }
    if (length > 0) numbers.push(number);
    else empty.push(number);
  }
  const queries: Rows = { rows: numbers.length, width, data: out.subarray(0, numbers.length * width) };
  return { queries, numbers };
}

/**
 * Groups of pictures that are alike: two belong to one group if their cosine is at least the threshold, or if others link
 * them. Exact: all pairs are compared, in blocks; memory grows by 16 bytes a picture, however many pairs there are.
 * Nothing is deleted.
 *
 * @param engine Runs the products.
 * @param gallery Rows of any length.
 * @param threshold Above −1 and at most 1. Cosines are float32, so what is less than 1e-6 below it counts.
 * @throws {RangeError} The threshold is not between −1 and 1, no row is to be compared at once, or a row has a number from
 * `size` on.
 * @throws {Error} A row holds a number that is not finite; names the row. Or the signal's reason.
 */
export async function findDuplicates(
  engine: Engine,
  gallery: Gallery,
  threshold: number,
  options: DuplicatesOptions = {},
): Promise<Duplicates> {
  if (!(threshold > -1 && threshold <= 1)) {
    throw new RangeError(`the threshold of duplicates is ${threshold}; it must be above -1 and at most 1`);
  }
  const { size = gallery.rows, progress, signal } = options;
  const { together = Math.max(1024, Math.floor(TOGETHER_NUMBERS / gallery.width / 1024) * 1024) } = options;
  const sets = openSets(size), nearest = new Int32Array(size).fill(-1), cosines = new Float32Array(size);
  const empty: number[] = [],
    programs = searchPrograms(engine),
    total = gallery.rows * (gallery.rows - 1) / 2;
  let pairs = 0, done = 0, before = 0;
  const link = (row: number, other: number, cosine: number) => {
    if (nearest[row] >= 0 && cosines[row] >= cosine) return;
    nearest[row] = other;
    cosines[row] = cosine;
  };
  try {
    for await (const block of gallery.blocks(together)) {
      const last = block.rows.rows === 0 ? -1 : rowNumber(block, block.rows.rows - 1);
      if (!(last < size)) throw new RangeError(`size is ${size}, but there is a row of number ${last}`);
      const { queries, numbers } = await queriesOf(block, gallery, empty);
      const count = block.rows.rows, start = done;
      // Of the block with itself only half of the pairs are new.
      const whole = count * (gallery.rows - before), fresh = whole - count * (count + 1) / 2;
      let compared = 0;
      await pairsAbove(programs, queries, gallery, {
        bounds: new Float32Array(queries.rows).fill(threshold - ROUNDING),
        unit: true,
        from: rowNumber(block, 0),
        signal,
        take(query, row, cosine) {
          const own = numbers[query];
          if (row <= own) return;
          pairs++;
          sets.join(own, row);
          link(own, row, cosine);
          link(row, own, cosine);
        },
        step(rows, columns) {
          compared += rows * columns;
          // The end is told once, below.
          progress?.(Math.min(total - 1, start + Math.round(fresh * compared / whole)), total);
        },
      });
      before += count;
      done = start + fresh;
    }
  } finally {
    programs.close();
  }
  progress?.(total, total);
  const groups = new Map<number, DuplicateMember[]>();
  for (let row = 0; row < size; row++) {
    if (nearest[row] < 0) continue;
    const first = sets.find(row), group = groups.get(first);
    const member = { row, nearest: nearest[row], cosine: Math.min(1, cosines[row]) };
    if (group) group.push(member);
    else groups.set(first, [member]);
  }
  return {
    threshold,
    pictures: gallery.rows - empty.length,
    pairs,
    groups: [...groups.values()].sort((a, b) => b.length - a.length || a[0].row - b[0].row),
    empty,
  };
}

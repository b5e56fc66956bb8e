/** Ranks of the right pictures of a gallery, exact, without a list of all others. */
import { DISTRACTOR, JUNK } from "../data/sources/people/names.ts";
import type { Engine } from "../engine/types.ts";
import { checkPersons, type People, type Persons } from "./people.ts";
import { scoreBlocks, type Scores } from "./scores.ts";

/** How {@linkcode rightRanks} works. */
export interface RankOptions {
  /** Runs the products. */
  engine: Engine;
  queries: Persons;
  gallery: Persons;
  /** Gallery rows that are compared at once. Default 8,192. */
  blockRows?: number;
  /** Told how many gallery rows of how many have been compared with all queries. */
  progress?: (done: number, total: number) => void;
}

/** The right pictures of all queries, those of one behind those of another. */
interface Rights {
  /** Those of query q stand from `starts[q]` on, up to `starts[q + 1]`. */
  starts: Int32Array;
  /** Rows of the gallery. */
  rows: Int32Array;
  scores: Float32Array;
}

/**
 * The ranks of each query's right pictures in the gallery, by falling cosine. Rules, as in Market-1501's protocol
 * (docs/reid.md): a picture of the same person by the same camera and one of identity −1 do not count; one of another
 * person, and a distractor (identity 0), is wrong. Ties go to the picture that stands first.
 *
 * The gallery is read in blocks, and for each query only the pictures that come before its right ones are counted, so
 * memory is that of a block and the queries, whatever the gallery's size. A block with right pictures is multiplied twice
 * by the same program, so that a score is compared with itself and not with another rounding of it.
 *
 * @param options Features need not be of length 1; both sets must be of one model.
 * @returns For each query the ranks from 1, rising; none for a query without a right picture.
 * @throws {TypeError} When the engine, the queries or the gallery are none.
 * @throws {RangeError} When widths differ or people do not fit features.
 * @throws {Error} When a feature is no finite number.
 */
export async function rightRanks(options: RankOptions): Promise<Int32Array[]> {
  const { engine, queries, gallery, blockRows = 8192, progress } = options ?? {};
  checkPersons("queries", queries);
  checkPersons("gallery", gallery);
  const rights = rightsOf(queries, gallery), { length: total } = gallery.identities;
  await using blocks = await scoreBlocks(engine, queries.features, gallery.features, blockRows);
  const holding = new Set(Array.from(rights.rows, (row) => Math.floor(row / blocks.rows)));
  for (const block of [...holding].sort((a, b) => a - b)) {
    await blocks.compare(block, (scores) => takeScores(scores, rights));
  }
  order(rights);
  const before = new Int32Array(rights.rows.length);
  for (let block = 0; block < blocks.count; block++) {
    await blocks.compare(block, (scores) => countBefore(scores, rights, queries, gallery, before));
    progress?.(Math.min(total, (block + 1) * blocks.rows), total);
  }
  return Array.from({ length: queries.identities.length }, (_, query) => {
    const start = rights.starts[query], ranks = new Int32Array(rights.starts[query + 1] - start);
    let wrong = 0;
    for (let i = 0; i < ranks.length; i++) {
      wrong += before[start + i];
      ranks[i] = 1 + i + wrong;
    }
    return ranks;
  });
}

/** Each query's right pictures: of the same person, by another camera. */
function rightsOf(queries: People, gallery: People): Rights {
  const wanted = new Map<number, number[]>();
  for (const identity of queries.identities) if (identity > DISTRACTOR) wanted.set(identity, []);
  gallery.identities.forEach((identity, row) => wanted.get(identity)?.push(row));
  const starts = new Int32Array(queries.identities.length + 1), rows: number[] = [];
  queries.identities.forEach((identity, query) => {
    for (const row of wanted.get(identity) ?? []) {
      if (gallery.cameras[row] !== queries.cameras[query]) rows.push(row);
    }
    starts[query + 1] = rows.length;
  });
  return { starts, rows: Int32Array.from(rows), scores: new Float32Array(rows.length) };
}

/** Enters the scores of right pictures that a block holds. */
function takeScores({ values, width, firstQuery, queries, firstRow, rows }: Scores, rights: Rights): void {
  for (let line = 0; line < queries; line++) {
    const query = firstQuery + line;
    for (let i = rights.starts[query]; i < rights.starts[query + 1]; i++) {
      const column = rights.rows[i] - firstRow;
      if (column >= 0 && column < rows) rights.scores[i] = values[line * width + column];
    }
  }
}

/** Puts each query's right pictures into the order of their scores, ties as they stand in the gallery. */
function order({ starts, rows, scores }: Rights): void {
  for (let query = 0; query + 1 < starts.length; query++) {
    const places = Array.from({ length: starts[query + 1] - starts[query] }, (_, i) => starts[query] + i);
    const sorted = places.map((at) => ({ row: rows[at], score: scores[at] }))
      .sort((a, b) => b.score - a.score || a.row - b.row);
    sorted.forEach(({ row, score }, i) => {
      rows[starts[query] + i] = row;
      scores[starts[query] + i] = score;
    });
  }
}

/** Counts, for each right picture, the wrong ones of a block that come before it and behind the right one before it. */
function countBefore(
  { values, width, firstQuery, queries, firstRow, rows }: Scores,
  rights: Rights,
  { identities: asked }: People,
  { identities }: People,
  before: Int32Array,
): void {
  for (let line = 0; line < queries; line++) {
    const query = firstQuery + line, start = rights.starts[query], end = rights.starts[query + 1];
    if (start === end) continue;
    const identity = asked[query], lowest = rights.scores[end - 1], from = line * width;
    for (let column = 0; column < rows; column++) {
      const score = values[from + column];
      if (score < lowest) continue;
      const row = firstRow + column, other = identities[row];
      if (other === identity || other === JUNK) continue;
      // The first right picture that this one comes before.
      let low = start, high = end;
      while (low < high) {
        const middle = (low + high) >> 1, right = rights.scores[middle];
        if (score > right || (score === right && row < rights.rows[middle])) high = middle;
        else low = middle + 1;
      }
      if (low < end) before[low]++;
    }
  }
}

/** The nearest pictures of a gallery, by the rules that ranks count by. */
import { JUNK } from "../data/sources/people/names.ts";
import type { Engine } from "../engine/types.ts";
import { requireWhole } from "../text/whole.ts";
import { checkPersons, type Persons } from "./people.ts";
import { scoreBlocks } from "./scores.ts";

/** A picture of the gallery, as near as it is to a query. */
export interface NearPicture {
  /** Its row in the gallery. */
  row: number;
  cosine: number;
  /** Whether it shows the query's person. */
  right: boolean;
}

/**
 * The nearest gallery pictures of each query, best first; those that do not count are left out, ties as in `rightRanks`.
 *
 * @param count How many for each query; fewer only where the gallery has no more.
 * @param blockRows Gallery rows that are compared at once.
 * @throws {TypeError} When the engine, the queries or the gallery are none.
 * @throws {RangeError} When widths differ, people do not fit features, or the count is no whole number from 1.
 */
export async function nearestPersons(
  engine: Engine,
  queries: Persons,
  gallery: Persons,
  count: number,
  blockRows = 8192,
): Promise<NearPicture[][]> {
  checkPersons("queries", queries);
  checkPersons("gallery", gallery);
  requireWhole("count", count);
  const found: NearPicture[][] = Array.from(queries.identities, () => []);
  await using blocks = await scoreBlocks(engine, queries.features, gallery.features, blockRows);
  for (let block = 0; block < blocks.count; block++) {
    await blocks.compare(block, ({ values, width, firstQuery, queries: lines, firstRow, rows }) => {
      for (let line = 0; line < lines; line++) {
        const query = firstQuery + line, near = found[query], identity = queries.identities[query];
        for (let column = 0; column < rows; column++) {
          const cosine = values[line * width + column], row = firstRow + column;
          if (near.length === count && !(cosine > near[count - 1].cosine)) continue;
          const same = gallery.identities[row] === identity && identity > 0;
          if (gallery.identities[row] === JUNK) continue;
          if (same && gallery.cameras[row] === queries.cameras[query]) continue;
          if (near.length === count) near.pop();
          let at = near.length;
          while (at > 0 && near[at - 1].cosine < cosine) at--;
          near.splice(at, 0, { row, cosine, right: same });
        }
      }
    });
  }
  return found;
}

import { type FeatureSet, pickSet } from "../feature_set.ts";
import type { LabelledRows } from "../heads.ts";
import { besideRows, type Rows, sliceColumns } from "../rows.ts";
import { randomStream } from "../../random.ts";

/** Which kinds of features a set holds, in words. */
export function heldKinds({ class: own, mean, blocks, stored }: FeatureSet): string {
  const held = [(own ?? stored?.class) && "class", (mean ?? stored?.mean) && "mean", blocks && "blocks"];
  return held.filter((kind) => kind !== undefined).join(", ") || "none";
}

/** Which n there are: those that a set holds so many blocks of. */
export function possibleBlocks(
  { blocks, class: last, blockCount }: FeatureSet,
  wanted: readonly number[],
): number[] {
  const most = Math.max(blocks ? blockCount : 0, last ? 1 : 0);
  return [...new Set(wanted.map((n) => Math.min(n, most)))].filter((n) => n > 0);
}

/**
 * Features for a linear probe: class tokens of the last n blocks, oldest first, then the mean patch token if asked for.
 *
 * @throws {Error} When the set does not hold them.
 */
export function probeRows(set: FeatureSet, n: number, pool: boolean): LabelledRows {
  let rows: Rows | undefined = n === 1 ? set.class : undefined;
  if (!rows && set.blocks && n <= set.blockCount) {
    const width = set.blocks.width / set.blockCount;
    rows = sliceColumns(set.blocks, set.blocks.width - n * width, n * width);
  }
  if (!rows || (pool && !set.mean)) {
    const missing = rows ? "the mean patch token" : `class tokens of ${n} block${n === 1 ? "" : "s"}`;
    throw new Error(`${set.uri}: does not hold ${missing}; embed again with --tokens class,mean,blocks`);
  }
  return { ...pool ? besideRows(rows, set.mean!) : rows, labels: set.labels };
}

/**
 * Parts training pictures at random, the same way for the same seed and number.
 *
 * @returns The larger part, and a tenth that chooses.
 * @throws {RangeError} When there are fewer than ten pictures.
 */
export function partValidation(set: FeatureSet, seed: number): { train: FeatureSet; validation: FeatureSet } {
  const count = set.labels.length, tenth = Math.floor(count / 10);
  if (tenth === 0) {
    throw new RangeError(`${set.uri}: ${count} pictures are too few to set a tenth aside for choosing`);
  }
  const order = randomStream(seed, "validation").shuffle(Array.from({ length: count }, (_, i) => i));
  const rising = (part: number[]) => part.sort((a, b) => a - b);
  return {
    validation: pickSet(set, rising(order.slice(0, tenth))),
    train: pickSet(set, rising(order.slice(tenth))),
  };
}

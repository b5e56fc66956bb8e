/** Bytes that a step of so many pictures needs; undefined when its compiler ran out of memory. */
export type BatchNeed = (batchSize: number) => Promise<number | undefined>;

/** What the search for the largest batch needs. */
export interface BatchSearch {
  /** Pictures in the step that does not fit. */
  batchSize: number;
  /** Bytes that it needs; undefined when it could not be compiled. */
  known: number | undefined;
  /** Batches are divisible by this. */
  multiple: number;
  /** Bytes available; undefined where only the compiler knows. */
  limit: number | undefined;
  need: BatchNeed;
}

/**
 * The largest batch below one that does not fit. Memory grows nearly linearly with the batch, so a line through two
 * compiled sizes tells where it reaches the limit. That size is compiled next; each result narrows the range.
 *
 * @returns A size that was compiled and fits, so near to the largest that the next one tried did not; or undefined when
 * not even `multiple` pictures fit.
 */
export async function largestBatch(search: BatchSearch): Promise<number | undefined> {
  const { batchSize, known, multiple, limit = Infinity, need } = search;
  // In units of `multiple`: `low` fits (0: nothing does yet), `high` does not.
  let low = 0, high = Math.ceil(batchSize / multiple);
  const points: { units: number; bytes: number }[] = known === undefined
    ? []
    : [{ units: batchSize / multiple, bytes: known }];
  for (let tries = 0; tries < MOST && high - low > 1; tries++) {
    const units = Math.min(high - 1, Math.max(low + 1, guess(points, limit, low, high)));
    const bytes = await need(units * multiple);
    if (bytes !== undefined) points.push({ units, bytes });
    if (bytes !== undefined && bytes <= limit) low = units;
    else high = units;
    // The line cannot tell neighbouring sizes apart.
    if (low > 0 && high - low <= Math.max(1, low * NEAR)) break;
  }
  return low > 0 ? low * multiple : undefined;
}

/** Sizes that are compiled at most: each takes as long as the step's own compilation. */
const MOST = 12;
/** The share of a batch that is not worth another compilation. */
const NEAR = 1 / 32;

/** Where the line through the two nearest points reaches the limit; without two points, the middle. */
function guess(
  points: { units: number; bytes: number }[],
  limit: number,
  low: number,
  high: number,
): number {
  const middle = Math.max(low + 1, Math.floor((low + high) / 2));
  if (points.length < 2 || limit === Infinity) return middle;
  const distance = ({ bytes }: { bytes: number }) => Math.abs(bytes - limit);
  const [a, b] = [...points].sort((p, q) => distance(p) - distance(q));
  const slope = (a.bytes - b.bytes) / (a.units - b.units);
  return slope > 0 ? Math.floor(a.units + (limit - a.bytes) / slope) : middle;
}

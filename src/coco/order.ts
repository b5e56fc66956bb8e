/** Rows grouped by category and picture. */

/** Rows by category, within it by picture, within it as they came. */
export interface Grouped {
  /** Row numbers, those of category k at `starts[k]` … `starts[k + 1]` − 1. */
  rows: Uint32Array;
  starts: Uint32Array;
}

/** A stable counting sort: the rows of `rows` by their keys from 0 to `count` − 1; other keys are left out. */
function sortBy(rows: Uint32Array, keys: Int32Array, count: number): Grouped {
  const starts = new Uint32Array(count + 1);
  for (const row of rows) if (keys[row] >= 0) starts[keys[row] + 1]++;
  for (let key = 0; key < count; key++) starts[key + 1] += starts[key];
  const next = starts.slice(), sorted = new Uint32Array(starts[count]);
  for (const row of rows) if (keys[row] >= 0) sorted[next[keys[row]]++] = row;
  return { rows: sorted, starts };
}

/**
 * Groups rows; those without a category are left out.
 *
 * @param images Each row's picture, from 0 to `imageCount` − 1.
 * @param categories Each row's category, from 0 to `categoryCount` − 1, or −1.
 * @param together Whether all categories are one; then the rows of a picture are by category, within it as they came.
 */
export function groupRows(
  images: Int32Array,
  categories: Int32Array,
  imageCount: number,
  categoryCount: number,
  together: boolean,
): Grouped {
  const all = Uint32Array.from(images, (_, row) => row);
  if (!together) return sortBy(sortBy(all, images, imageCount).rows, categories, categoryCount);
  const { rows } = sortBy(sortBy(all, categories, categoryCount).rows, images, imageCount);
  return { rows, starts: Uint32Array.of(0, rows.length) };
}

/**
 * Numbers of values by falling value; equal ones keep their order.
 *
 * @param values Finite numbers.
 */
export function fallingOrder(values: Float64Array): Uint32Array {
  return Uint32Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
}

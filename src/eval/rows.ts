/** Rows of numbers, one row a picture. */
export interface Rows {
  rows: number;
  width: number;
  /** rows × width. */
  data: Float32Array;
}

/**
 * The same rows, their numbers counted.
 *
 * @throws {TypeError} When they are no rows.
 * @throws {RangeError} When there are not rows × width numbers.
 */
export function checkRows(all: Rows): Rows {
  const { rows, width, data } = all ?? {};
  if (!(data instanceof Float32Array)) {
    throw new TypeError(
      "features must be rows: how many, their width, and a Float32Array of rows × width numbers",
    );
  }
  if (Number.isSafeInteger(rows) && rows >= 0 && data.length === rows * width) return all;
  throw new RangeError(`${rows} rows of ${width} numbers cannot be ${data.length} numbers`);
}

/** Some rows of many, in the order of `indices`. */
export function pickRows({ width, data }: Rows, indices: readonly number[]): Rows {
  const out = new Float32Array(indices.length * width);
  indices.forEach((index, i) => out.set(data.subarray(index * width, (index + 1) * width), i * width));
  return { rows: indices.length, width, data: out };
}

/** Some neighbouring columns of all rows. */
export function sliceColumns({ rows, width, data }: Rows, from: number, count: number): Rows {
  const out = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    out.set(data.subarray(row * width + from, row * width + from + count), row * count);
  }
  return { rows, width: count, data: out };
}

/** Rows of the same pictures beside each other. */
export function besideRows(left: Rows, right: Rows): Rows {
  const width = left.width + right.width, data = new Float32Array(left.rows * width);
  for (let row = 0; row < left.rows; row++) {
    data.set(left.data.subarray(row * left.width, (row + 1) * left.width), row * width);
    data.set(right.data.subarray(row * right.width, (row + 1) * right.width), row * width + left.width);
  }
  return { rows: left.rows, width, data };
}

/** Rows of one width below each other; at least one part. */
export function joinRows(parts: readonly Rows[]): Rows {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0), { width } = parts[0];
  const data = new Float32Array(rows * width);
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { rows, width, data };
}

/**
 * Brings one row to length 1; a row of length 0 stays 0.
 *
 * @param from Where it begins in `data`.
 * @param to Where its copy begins in `out`.
 * @returns The length that it had; not finite where one of its numbers is not.
 */
export function unitRow(
  data: Float32Array,
  from: number,
  width: number,
  out: Float32Array,
  to: number,
): number {
  let square = 0;
  for (let j = from; j < from + width; j++) square += data[j] * data[j];
  const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
  for (let j = 0; j < width; j++) out[to + j] = data[from + j] * scale;
  return Math.sqrt(square);
}

/**
 * Rows of length 1. A row of length 0 stays 0.
 *
 * @param features Any rows; they are not changed.
 * @param nameOf What a row is called in errors. Default: `picture` and its number.
 * @throws {RangeError} There are not rows × width numbers.
 * @throws {Error} A row holds a number that is not finite; names the row.
 */
export function unitRows(
  features: Rows,
  nameOf: (row: number) => string = (row) => `picture ${row}`,
): Rows {
  const { rows, width, data } = checkRows(features), out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    const length = unitRow(data, i * width, width, out, i * width);
    if (!Number.isFinite(length)) throw new Error(`the features of ${nameOf(i)} are not finite numbers`);
  }
  return { rows, width, data: out };
}

/**
 * Refuses rows that hold a number that is not finite: nothing that is reckoned from them would be right.
 *
 * @param what What the numbers of a row are called in errors, and whose they are.
 * @throws {Error} A row holds such a number; says which.
 */
export function requireFinite({ width, data }: Rows, what: (row: number) => string): void {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw new Error(`${what(Math.floor(at / width))} are not finite numbers`);
}

/** Rows minus each row's mean, so that a picture's overall brightness does not count. */
export function centreRows({ rows, width, data }: Rows): Rows {
  const out = new Float32Array(data.length);
  for (let from = 0; from < data.length; from += width) {
    let sum = 0;
    for (let j = from; j < from + width; j++) sum += data[j];
    for (let j = from; j < from + width; j++) out[j] = data[j] - sum / width;
  }
  return { rows, width, data: out };
}

/** Rows of numbers, one row a picture. */
export interface Rows {
  rows: number;
  width: number;
  /** rows × width. */
  data: Float32Array;
}

/** Some rows of many, in the order of `indices`. */
export function pickRows({ width, data }: Rows, indices: readonly number[]): Rows {
  const out = new Float32Array(indices.length * width);
  indices.forEach((index, i) => out.set(data.subarray(index * width, (index + 1) * width), i * width));
  return { rows: indices.length, width, data: out };
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
 * Rows of length 1. A row of length 0 stays 0.
 *
 * @param features Any rows; they are not changed.
 * @throws {Error} A row holds a number that is not finite.
 */
export function unitRows({ rows, width, data }: Rows): Rows {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    let square = 0;
    for (let j = i * width; j < (i + 1) * width; j++) square += data[j] * data[j];
    if (!Number.isFinite(square)) throw new Error(`the features of picture ${i} are not finite numbers`);
    const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let j = i * width; j < (i + 1) * width; j++) out[j] = data[j] * scale;
  }
  return { rows, width, data: out };
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

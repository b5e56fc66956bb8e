import * as tf from "../engine/tensors.ts";
import { gridSize, type ModelConfig, tokenCount } from "./config.ts";

/**
 * The decoder's fixed positions (docs/spec.md §5): row 0, the class token's, is zero; for a cell the first half of the width
 * encodes its column, the second its row, each as sines then cosines. Computed in double.
 *
 * @returns T·C numbers, row by row.
 */
export function sineCosine(config: ModelConfig): Float32Array {
  const grid = gridSize(config), width = config.codeWidth, quarter = width / 4;
  const table = new Float32Array(tokenCount(config) * width);
  for (let cell = 0; cell < grid * grid; cell++) {
    const place = [cell % grid, Math.floor(cell / grid)];
    for (let half = 0; half < 2; half++) {
      const at = (1 + cell) * width + half * 2 * quarter;
      for (let k = 0; k < quarter; k++) {
        const angle = place[half] * 10000 ** (-k / quarter);
        table[at + k] = Math.sin(angle);
        table[at + quarter + k] = Math.cos(angle);
      }
    }
  }
  return table;
}

/** Weight of a sample at distance t in cubic interpolation with a = −0.75. */
function cubic(distance: number): number {
  const a = -0.75, t = Math.abs(distance);
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/** `to` × `from` weights of bicubic resizing along one axis, the border repeated (docs/spec.md §2). */
function cubicMatrix(from: number, to: number): number[][] {
  // The reference gives the scale as (to + .1)/from and does not derive it again from the sizes.
  const factor = (to + 0.1) / from;
  return Array.from({ length: to }, (_, i) => {
    const source = (i + 0.5) / factor - 0.5, first = Math.floor(source);
    const row = new Array<number>(from).fill(0);
    for (let tap = first - 1; tap <= first + 2; tap++) {
      row[Math.min(Math.max(tap, 0), from - 1)] += cubic(source - tap);
    }
    return row;
  });
}

/**
 * The learned positions for pictures of another size: those of the patches are resized bicubically, the class token's
 * is kept (docs/spec.md §2).
 *
 * @param positions [1, 1 + G², d].
 * @param from G.
 * @param rows Patches of the new size from top to bottom.
 * @param columns Patches from left to right.
 * @returns [1, 1 + rows·columns, d].
 */
export function resizePositions(
  positions: tf.Tensor,
  from: number,
  rows: number,
  columns: number,
): tf.Tensor {
  if (rows === from && columns === from) return positions;
  const [vertical, horizontal] = [cubicMatrix(from, rows), cubicMatrix(from, columns)];
  // Row and column 0 stand for the class token.
  const width = 1 + from * from;
  const weights = new Float32Array((1 + rows * columns) * width);
  weights[0] = 1;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const at = (1 + r * columns + c) * width + 1;
      for (let i = 0; i < from; i++) {
        for (let j = 0; j < from; j++) weights[at + i * from + j] = vertical[r][i] * horizontal[c][j];
      }
    }
  }
  const table = tf.reshape(positions, [width, -1]);
  return tf.expandDims(tf.matMul(tf.tensor2d(weights, [1 + rows * columns, width]), table), 0);
}

/**
 * As {@linkcode resizePositions} for numbers in host memory, computed in double.
 *
 * @param values (1 + G²)·d numbers, the class token's position first.
 * @returns (1 + rows·columns)·d numbers.
 */
export function resizedPositions(
  values: Float32Array,
  from: number,
  rows: number,
  columns: number,
): Float32Array {
  if (rows === from && columns === from) return values;
  const [vertical, horizontal] = [cubicMatrix(from, rows), cubicMatrix(from, columns)];
  const width = values.length / (1 + from * from), out = new Float32Array((1 + rows * columns) * width);
  out.set(values.subarray(0, width));
  const sum = new Float64Array(width);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      sum.fill(0);
      for (let i = 0; i < from; i++) {
        for (let j = 0; j < from; j++) {
          const weight = vertical[r][i] * horizontal[c][j];
          if (weight === 0) continue;
          const at = (1 + i * from + j) * width;
          for (let k = 0; k < width; k++) sum[k] += weight * values[at + k];
        }
      }
      out.set(sum, (1 + r * columns + c) * width);
    }
  }
  return out;
}

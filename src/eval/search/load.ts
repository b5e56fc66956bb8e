/** Blocks of a gallery on the engine. */
import * as tf from "../../engine/tensors.ts";
import type { Rows } from "../rows.ts";
import { type Gallery, type GalleryBlock, rowNumber } from "./gallery.ts";
import { type SearchPrograms, USUAL } from "./programs.ts";

/** A block whose rows have length 1 on the engine. */
export interface LoadedBlock {
  block: GalleryBlock;
  /** Its rows, padded with zeros. */
  tensor: tf.Tensor;
  /** Those of its rows that have length 0; missing where there is none. */
  empty?: ReadonlySet<number>;
}

/** So many rows, padded with zeros. */
function padded({ rows, width, data }: Rows, count: number): tf.Tensor2D {
  if (rows === count) return tf.tensor2d(data, [count, width]);
  const out = new Float32Array(count * width);
  out.set(data);
  return tf.tensor2d(out, [count, width]);
}

/**
 * Puts a block on the engine as it is.
 *
 * @param count Rows of the tensor, which is the caller's.
 */
export function loadBlock(block: GalleryBlock, count: number): LoadedBlock {
  return { block, tensor: padded(block.rows, count) };
}

const usual = (square: number) => square >= USUAL.least && square <= USUAL.most;

/**
 * Brings rows of unusual length to length 1, in float64.
 *
 * @returns A copy, and which rows have length 0.
 * @throws {Error} When a number is not finite; names the row.
 */
async function mended(block: GalleryBlock, squares: ArrayLike<number>, gallery: Gallery) {
  const { rows, width } = block.rows, data = block.rows.data.slice(), empty = new Set<number>();
  for (let row = 0; row < rows; row++) {
    if (usual(squares[row])) continue;
    const one = data.subarray(row * width, (row + 1) * width);
    if (one.some((value) => !Number.isFinite(value))) {
      throw new Error(`${await gallery.nameOf(rowNumber(block, row))}: its features are not finite numbers`);
    }
    const length = Math.sqrt(one.reduce((sum, value) => sum + value * value, 0));
    if (length === 0) empty.add(row);
    else one.forEach((value, i) => one[i] = value / length);
  }
  return { rows: { rows, width, data }, empty };
}

/**
 * Puts a block on the engine and brings its rows to length 1 there.
 *
 * @param count Rows of the tensor, which is the caller's.
 * @param gallery That the block is of, for errors.
 * @throws {Error} When a number is not finite; names the row.
 */
export async function loadUnitBlock(
  block: GalleryBlock,
  count: number,
  gallery: Gallery,
  { unit: program }: Pick<SearchPrograms, "unit">,
): Promise<LoadedBlock> {
  const load = async (rows: Rows) => {
    const given = padded(rows, count), { unit, squares } = program({ rows: given });
    const values = await squares.data();
    tf.dispose([given, squares]);
    return { unit, squares: values };
  };
  const { unit, squares } = await load(block.rows);
  let allUsual = true;
  for (let row = 0; row < block.rows.rows; row++) allUsual &&= usual(squares[row]);
  if (allUsual) return { block, tensor: unit };
  unit.dispose();
  const { rows, empty } = await mended(block, squares, gallery);
  return { block, tensor: (await load(rows)).unit, empty };
}

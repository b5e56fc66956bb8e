/** What is searched: rows of features, block by block, so that they need not fit into memory. */
import { plain } from "../../data/plain.ts";
import type { EmbeddingFile } from "../embedding/format.ts";
import { requireToken } from "../embedding/format.ts";
import { sizeOfShape, type TokenName } from "../embedding/info.ts";
import { checkRows, type Rows } from "../rows.ts";

/** Some rows of a gallery. */
export interface GalleryBlock {
  rows: Rows;
  /** The number of the first row. */
  first: number;
  /** The number of each row, where they do not follow one another; rising. */
  numbers?: Int32Array;
}

/** Rows that can be read again and again, in order. */
export interface Gallery {
  /** How many there are. */
  rows: number;
  width: number;
  /**
   * All rows in order.
   *
   * @param most Rows in a block; only the last one has fewer.
   * @param from The number of the row to begin with. Default 0.
   * @throws {RangeError} While iterating, when a block is to have no row.
   */
  blocks(most: number, from?: number): AsyncIterable<GalleryBlock> | Iterable<GalleryBlock>;
  /** What a row is called in errors. */
  nameOf(row: number): Promise<string>;
}

/**
 * Refuses blocks without rows, which would never end.
 *
 * @throws {RangeError} When a block is to have no whole number of rows from 1.
 */
export function checkBlockRows(most: number): void {
  if (!(Number.isInteger(most) && most >= 1)) {
    throw new RangeError(`blocks of ${most} rows; it must be a whole number of at least 1`);
  }
}

/** The number of a block's row. */
export function rowNumber({ first, numbers }: GalleryBlock, row: number): number {
  return numbers ? numbers[row] : first + row;
}

/**
 * Rows in memory as a gallery.
 *
 * @throws {RangeError} When there are not rows × width numbers.
 */
export function rowsGallery(all: Rows, name = "picture"): Gallery {
  const { rows, width, data } = checkRows(all);
  return {
    rows,
    width,
    *blocks(most, from = 0) {
      checkBlockRows(most);
      for (let first = from; first < rows; first += most) {
        const count = Math.min(most, rows - first);
        const part = data.subarray(first * width, (first + count) * width);
        yield { rows: { rows: count, width, data: part }, first };
      }
    },
    nameOf: (row) => Promise.resolve(`${name} ${row}`),
  };
}

/**
 * The features of an embedding file as a gallery. They are read as they are needed.
 *
 * @param file Must stay open.
 * @param token Which of its features.
 * @throws {Error} When the file does not hold them.
 */
export function fileGallery(file: EmbeddingFile, token: TokenName): Gallery {
  const rows = file.info.count, width = sizeOfShape(requireToken(file, token));
  return {
    rows,
    width,
    async *blocks(most, from = 0) {
      checkBlockRows(most);
      for (let first = from; first < rows; first += most) {
        yield { rows: await file.part(token, first, Math.min(most, rows - first)), first };
      }
    },
    nameOf: async (row) => `${file.path}: ${(await file.keys())[row]}`,
  };
}

/**
 * Some rows of a gallery, which keep their numbers.
 *
 * @param keep For each row of the gallery whether it is one of them.
 * @throws {RangeError} When there are rows of which it is not said.
 */
export function keptGallery(gallery: Gallery, keep: ArrayLike<boolean | number>): Gallery {
  const { width } = gallery;
  if (keep.length < gallery.rows) {
    throw new RangeError(
      `there are ${gallery.rows} rows, but only ${keep.length} are said to be kept or not`,
    );
  }
  let rows = 0;
  for (let row = 0; row < keep.length; row++) if (keep[row]) rows++;
  return {
    ...plain(gallery),
    rows,
    async *blocks(most, from = 0) {
      checkBlockRows(most);
      const empty = () => ({ data: new Float32Array(most * width), numbers: new Int32Array(most), count: 0 });
      const full = ({ data, numbers, count }: ReturnType<typeof empty>): GalleryBlock => ({
        rows: { rows: count, width, data: data.subarray(0, count * width) },
        first: numbers[0],
        numbers: numbers.subarray(0, count),
      });
      let part = empty();
      for await (const block of gallery.blocks(most, from)) {
        for (let row = 0; row < block.rows.rows; row++) {
          const number = rowNumber(block, row);
          if (!keep[number]) continue;
          part.data.set(block.rows.data.subarray(row * width, (row + 1) * width), part.count * width);
          part.numbers[part.count++] = number;
          if (part.count < most) continue;
          yield full(part);
          part = empty();
        }
      }
      if (part.count > 0) yield full(part);
    },
  };
}

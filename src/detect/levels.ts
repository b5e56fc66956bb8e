/** The levels of a pyramid: strides, locations, and which sizes of objects each is for. */

/** A level of the pyramid. */
export interface Level {
  /** Cells on a side. */
  side: number;
  /** Pixels from one cell to the next. */
  stride: number;
  /** The largest distance from a location to a side of its box is within these, in pixels, both included. */
  range: readonly [number, number];
}

/** The sizes that levels follow from. */
export interface LevelSizes {
  imageSize: number;
  patchSize: number;
  /** How often the encoder's map is doubled for the finest level. */
  upscale: number;
  /** How many levels there are. */
  levels: number;
}

/**
 * The levels, the finest first. Each takes objects up to 8 of its strides from a location to the box's farthest side, and from
 * where the level before ends; the first begins at 0, the last has no end (FCOS, Tian et al., ICCV 2019: 64 pixels at stride 8).
 *
 * @throws {RangeError} When the map cannot be halved so often.
 */
export function levelsOf({ imageSize, patchSize, upscale, levels }: LevelSizes): Level[] {
  const grid = imageSize / patchSize, halvings = Math.max(0, levels - 1 - upscale);
  if (grid % 2 ** halvings !== 0) {
    throw new RangeError(
      `pictures of ${imageSize} pixels have ${grid} × ${grid} patches, which cannot be halved ` +
        `${
          halvings === 1 ? "once" : `${halvings} times`
        } for ${levels} levels; take an image size that is a multiple of ` +
        `${patchSize * 2 ** halvings}, or fewer levels`,
    );
  }
  return Array.from({ length: levels }, (_, i) => {
    const stride = patchSize * 2 ** (i - upscale);
    return {
      side: imageSize / stride,
      stride,
      range: [i === 0 ? 0 : 4 * stride, i === levels - 1 ? Infinity : 8 * stride] as const,
    };
  });
}

/** All locations of a pyramid as columns, level after level, rows of cells. */
export interface Locations {
  /** L: how many. */
  count: number;
  /** Where each is, in pixels. */
  x: Float32Array;
  y: Float32Array;
  stride: Float32Array;
  /** Of its level. */
  least: Float32Array;
  most: Float32Array;
}

/** Stands for a range without end in float32. */
const ENDLESS = 1e8;

/** The locations of levels: that of cell (row, column) is (column · stride + ⌊stride/2⌋, row · stride + ⌊stride/2⌋). */
export function locationsOf(levels: readonly Level[]): Locations {
  const count = levels.reduce((sum, { side }) => sum + side * side, 0),
    column = () => new Float32Array(count);
  const all = { count, x: column(), y: column(), stride: column(), least: column(), most: column() };
  let at = 0;
  for (const { side, stride, range: [least, most] } of levels) {
    const middle = Math.floor(stride / 2);
    for (let cell = 0; cell < side * side; cell++, at++) {
      all.x[at] = cell % side * stride + middle;
      all.y[at] = Math.floor(cell / side) * stride + middle;
      all.stride[at] = stride;
      all.least[at] = least;
      all.most[at] = Math.min(most, ENDLESS);
    }
  }
  return all;
}

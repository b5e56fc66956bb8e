import { matMulFloat32 } from "../engine/tensors.ts";
import * as tf from "../engine/tensors.ts";
import { checkShape } from "./check_tensors.ts";
import { gridSize, type ModelConfig, tokenCount } from "./config.ts";

/** The grid cells that views cover: rows [top, bottom), columns [left, right); whole numbers as float32, [N]. */
export interface Cells {
  top: tf.Tensor1D;
  bottom: tf.Tensor1D;
  left: tf.Tensor1D;
  right: tf.Tensor1D;
  /** 1 where the view was flipped, else 0. */
  flip: tf.Tensor1D;
}

/** Codes at their positions in the base picture. */
export interface Aligned {
  /** [N, T, C]: the class code, then the canvas row by row. */
  aligned: tf.Tensor3D;
  /** [N, G, G]: 0 where the view covers a cell, 1 where the mask token stands. */
  mask: tf.Tensor3D;
}

/** First and last-plus-one cell between two edges in [0, 1]. An empty region gets one cell (docs/spec.md §10 D6). */
function span(low: tf.Tensor, high: tf.Tensor, grid: number): [tf.Tensor1D, tf.Tensor1D] {
  const first = tf.minimum(tf.floor(tf.mul(low, grid)), grid - 1);
  const last = tf.maximum(tf.floor(tf.mul(high, grid)), tf.add(first, 1));
  return [first as tf.Tensor1D, last as tf.Tensor1D];
}

/**
 * The cells that boxes cover (docs/spec.md §4): both edges times G in float32, truncated.
 *
 * @param boxes [N, 4]: x0, y0, x1, y1 in shares of the picture's side; x0 > x1 marks a flip.
 */
export function cells(boxes: tf.Tensor, config: ModelConfig): Cells {
  const grid = gridSize(config);
  const edge = (i: number) => tf.reshape(tf.slice(boxes, [0, i], [-1, 1]), [-1]);
  const [x0, y0, x1, y1] = [edge(0), edge(1), edge(2), edge(3)];
  const [left, right] = span(tf.minimum(x0, x1), tf.maximum(x0, x1), grid);
  const [top, bottom] = span(y0, y1, grid);
  return { top, bottom, left, right, flip: tf.cast(tf.greater(x0, x1), "float32") as tf.Tensor1D };
}

/** Boxes of as many views that show the whole picture, without a flip: [N, 4]. */
export function wholeBoxes(boxes: tf.Tensor): tf.Tensor2D {
  return tf.mul(tf.ones([boxes.shape[0], 1]), tf.tensor2d([[0, 0, 1, 1]]));
}

/** 0, 1, …, G − 1. */
function steps(grid: number): tf.Tensor1D {
  return tf.tensor1d(Array.from({ length: grid }, (_, i) => i));
}

/** For every cell of an axis, 1 inside [first, last) and 0 outside: [N, G]. */
function inside(first: tf.Tensor, last: tf.Tensor, grid: number): tf.Tensor {
  const at = tf.reshape(steps(grid), [1, grid]);
  const after = tf.greaterEqual(at, tf.reshape(first, [-1, 1]));
  const before = tf.less(at, tf.reshape(last, [-1, 1]));
  return tf.mul(tf.cast(after, "float32"), tf.cast(before, "float32"));
}

/**
 * What each cell of one axis of the canvas takes from each cell of the code grid: [N, G, own], bilinear, outside cells
 * take nothing (docs/spec.md §4).
 *
 * @param sides Cells of the canvas and of the code grid along the axis.
 * @param flip 1 where the code grid is mirrored along this axis; left out: nowhere.
 */
function placement(
  first: tf.Tensor,
  last: tf.Tensor,
  [grid, own]: [number, number],
  flip?: tf.Tensor,
): tf.Tensor {
  const from = tf.reshape(first, [-1, 1]), to = tf.reshape(last, [-1, 1]);
  const at = tf.sub(tf.add(tf.reshape(steps(grid), [1, grid]), 0.5), from);
  const scale = tf.div(own, tf.sub(to, from));
  // Clamped to the grid, a tent of half-width 1 around the source place gives both bilinear weights.
  const place = tf.minimum(tf.maximum(tf.sub(tf.mul(at, scale), 0.5), 0), own - 1);
  const turn = flip && tf.reshape(flip, [-1, 1]);
  // place where flip = 0, G − 1 − place where flip = 1; the products are exact.
  const source = turn ? tf.add(tf.mul(place, tf.sub(1, tf.mul(turn, 2))), tf.mul(turn, own - 1)) : place;
  const distance = tf.abs(tf.sub(tf.expandDims(source, 2), tf.reshape(steps(own), [1, 1, own])));
  const weights = tf.maximum(tf.sub(1, distance), 0);
  return tf.mul(weights, tf.expandDims(inside(first, last, grid), 2));
}

/**
 * The codes that the decoder is given: the aligned ones, or where it reconstructs the view itself, the view's own codes on
 * the whole canvas.
 *
 * @param placed What {@linkcode align} has made of `codes`.
 * @returns The sequence, [N, T, C], and the cells that the decoder is asked for: 1 or 0, [N, G, G].
 */
export function decoderInput(
  config: ModelConfig,
  maskToken: tf.Tensor,
  codes: tf.Tensor,
  placed: Aligned,
): { given: tf.Tensor3D; asked: tf.Tensor3D } {
  if (config.reconstructionTarget === "view") {
    const { aligned: given } = align(
      { ...config, aligner: false },
      maskToken,
      codes,
      tf.zeros([codes.shape[0], 4]),
    );
    return { given, asked: tf.onesLike(placed.mask) };
  }
  const asked = config.aligner === false ? tf.onesLike(placed.mask) : placed.mask;
  return { given: placed.aligned, asked };
}

/** Codes whose channels are reversed in the cells, not the class code, of flipped views: as shipped (docs/spec.md §10 D1). */
function reverseChannels(codes: tf.Tensor, flip: tf.Tensor): tf.Tensor {
  const [count, tokens] = codes.shape;
  const cellsOnly = tf.pad(tf.ones([1, tokens - 1, 1]), [[0, 0], [1, 0], [0, 0]]);
  const turn = tf.mul(tf.reshape(flip, [count, 1, 1]), cellsOnly);
  return tf.add(tf.mul(codes, tf.sub(1, turn)), tf.mul(tf.reverse(codes, 2), turn));
}

/**
 * The semantic aligner (docs/spec.md §4). The canvas covers the whole picture. Each view's grid of codes is mirrored
 * back if the view was flipped and resized into the cells that its box covers; the mask token fills the other cells.
 * Per sample the canvas is Ry·K·Rxᵀ with G × G matrices from the box; here as one product with Ry ⊗ Rx, in which the
 * class code has a place of its own. With `config.aligner` off, the boxes have no part in it.
 *
 * @param maskToken [1, 1, C].
 * @param codes [N, 1 + own², C]; views that are smaller than the picture have fewer cells than the canvas.
 * @param boxes [N, 4], in shares of the picture's side, as `boxesOf` gives them.
 * @throws {RangeError} When shapes do not fit the configuration or each other.
 */
export function align(
  config: ModelConfig,
  maskToken: tf.Tensor,
  codes: tf.Tensor,
  boxes: tf.Tensor,
): Aligned {
  const grid = gridSize(config), tokens = tokenCount(config), area = grid * grid;
  checkShape("the mask token", maskToken, [1, 1, config.codeWidth], "1, 1, C");
  checkShape("the aligner's codes", codes, [null, null, config.codeWidth], "N, T, C");
  checkShape("the boxes of these codes", boxes, [codes.shape[0], 4], "N, 4");
  if (!Number.isInteger(Math.sqrt(codes.shape[1]! - 1))) {
    throw new RangeError(
      `the aligner's codes are ${codes.shape[1]} a view: no class code and a square of cells`,
    );
  }
  const { top, bottom, left, right, flip } = cells(
    config.aligner === false ? wholeBoxes(boxes) : boxes,
    config,
  );
  const count = boxes.shape[0];
  const mirror = config.flipRule === "columns";
  const own = Math.round(Math.sqrt(codes.shape[1]! - 1)), seen = own * own;
  const rows = placement(top, bottom, [grid, own]);
  const columns = placement(left, right, [grid, own], mirror ? flip : undefined);
  const both = tf.mul(
    tf.reshape(rows, [count, grid, 1, own, 1]),
    tf.reshape(columns, [count, 1, grid, 1, own]),
  );
  const classPlace = tf.pad(tf.ones([1, 1, 1]), [[0, 0], [0, area], [0, seen]]);
  const places = tf.add(tf.pad(tf.reshape(both, [count, area, seen]), [[0, 0], [1, 0], [1, 0]]), classPlace);

  const covered = tf.mul(
    tf.expandDims(inside(top, bottom, grid), 2),
    tf.expandDims(inside(left, right, grid), 1),
  );
  const mask = tf.sub(1, covered) as tf.Tensor3D;
  const masked = tf.pad(tf.reshape(mask, [count, area, 1]), [[0, 0], [1, 0], [0, 0]]);
  const placed = matMulFloat32(places, mirror ? codes : reverseChannels(codes, flip));
  const aligned = tf.add(placed, tf.mul(masked, maskToken));
  return { aligned: tf.reshape(aligned, [count, tokens, config.codeWidth]) as tf.Tensor3D, mask };
}

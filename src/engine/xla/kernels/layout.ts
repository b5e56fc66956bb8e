import * as tf from "../tf.ts";
import { binary, compare, constant, convert, iota, like, select } from "../ir/build.ts";
import { broadcast, concatenate, pad, reshape, reverse, slice, transpose } from "../ir/movement.ts";
import { sizeOf, type Value } from "../ir/types.ts";
import { sliceAxis } from "./shape.ts";
import { axisOf, type Call, type Lowering, type Lowerings } from "./types.ts";

/** Sums (or products) of all elements up to each along an axis, by doubling the reach: log₂ n steps. */
const cumulative = (name: "add" | "multiply"): Lowering<tf.CumsumAttrs> => ({ inputs, attrs }) => {
  const x = inputs.x.type.element === "pred" ? convert(inputs.x, "i32") : inputs.x;
  const { shape } = x.type;
  if (shape.length === 0) return x;
  const axis = axisOf(attrs.axis ?? 0, shape.length), n = shape[axis];
  const neutral = name === "add" ? 0 : 1;
  // Moves everything by `by` places towards the end (or the beginning), filling up with what changes nothing.
  const moved = (v: Value, by: number) => {
    const kept = sliceAxis(v, axis, attrs.reverse ? by : 0, n - by);
    const border = shape.map((_, i) => i === axis ? by : 0), zero = shape.map(() => 0);
    return attrs.reverse ? pad(kept, zero, border, neutral) : pad(kept, border, zero, neutral);
  };
  let sum = attrs.exclusive && n > 0 ? moved(x, 1) : x;
  for (let by = 1; by < n; by *= 2) sum = binary(name, sum, moved(sum, by));
  return sum;
};

/** A border that mirrors the inside, with or without its edge. */
const mirrorPad: Lowering<tf.MirrorPadAttrs> = ({ inputs, attrs }) => {
  const edge = attrs.mode === "reflect" ? 1 : 0;
  return attrs.paddings.reduce((x, [before, after], axis) => {
    const n = x.type.shape[axis];
    const mirror = (from: number, size: number) =>
      size > 0 ? [reverse(sliceAxis(x, axis, from, size), [axis])] : [];
    return concatenate([...mirror(edge, before), x, ...mirror(n - edge - after, after)], axis);
  }, inputs.x);
};

/** Blocks of space moved from the batch axis back into space, then cropped. */
function batchToSpace({ inputs: { x }, attrs: { blockShape, crops } }: Call<tf.BatchToSpaceNDAttrs>): Value {
  const blocks = sizeOf(blockShape), shape = [...x.type.shape];
  const split = tf.backend_util.getReshaped(shape, blockShape, blocks);
  const order = tf.backend_util.getPermuted(split.length, blockShape.length);
  const joined = tf.backend_util.getReshapedPermuted(shape, blockShape, blocks);
  const cropped = (i: number, side: 0 | 1) => i >= 1 && i <= blockShape.length ? crops[i - 1][side] : 0;
  return slice(
    reshape(transpose(reshape(x, split), order), joined),
    joined.map((_, i) => cropped(i, 0)),
    joined.map((n, i) => n - cropped(i, 1)),
  );
}

/** Space, padded, cut into blocks that move to the batch axis. */
function spaceToBatch({ inputs, attrs: { blockShape, paddings } }: Call<tf.SpaceToBatchNDAttrs>): Value {
  const blocks = sizeOf(blockShape), rank = inputs.x.type.shape.length;
  const border = (side: 0 | 1) =>
    Array.from(
      { length: rank },
      (_, i) => i >= 1 && i <= blockShape.length ? paddings[i - 1][side] : 0,
    );
  const x = pad(inputs.x, border(0), border(1));
  const shape = [...x.type.shape];
  const split = tf.backend_util.getReshaped(shape, blockShape, blocks, false);
  const order = tf.backend_util.getPermuted(split.length, blockShape.length, false);
  return reshape(
    transpose(reshape(x, split), order),
    tf.backend_util.getReshapedPermuted(shape, blockShape, blocks, false),
  );
}

/** Channels laid out as blocks of space. */
function depthToSpace(
  { inputs: { x }, attrs: { blockSize: k, dataFormat } }: Call<tf.DepthToSpaceAttrs>,
): Value {
  if (dataFormat === "NCHW") {
    const [n, c, h, w] = x.type.shape, depth = c / (k * k);
    const split = transpose(reshape(x, [n, k, k, depth, h, w]), [0, 3, 4, 1, 5, 2]);
    return reshape(split, [n, depth, h * k, w * k]);
  }
  const [n, h, w, c] = x.type.shape, depth = c / (k * k);
  const split = transpose(reshape(x, [n, h, w, k, k, depth]), [0, 1, 3, 2, 4, 5]);
  return reshape(split, [n, h * k, w * k, depth]);
}

/** Kernels that lay elements out anew or run along an axis. */
export const LAYOUT: Lowerings = {
  Cumsum: cumulative("add"),
  Cumprod: cumulative("multiply"),
  MirrorPad: mirrorPad,
  BatchToSpaceND: batchToSpace,
  SpaceToBatchND: spaceToBatch,
  DepthToSpace: depthToSpace,
  Diag: ({ graph, inputs: { x } }) => {
    const n = sizeOf(x.type.shape), shape = [n, n];
    const diagonal = compare("EQ", iota(graph, "i32", shape, 0), iota(graph, "i32", shape, 1));
    const spread = broadcast(reshape(x, [n]), shape, [0]);
    return reshape(select(diagonal, spread, like(spread, 0)), [...x.type.shape, ...x.type.shape]);
  },
  FlipLeftRight: ({ inputs: { image } }) => reverse(image, [2]),
  /** The corner of each matrix up to a number of diagonals below and above the main one; negative: all. */
  MatrixBandPart: ({ graph, inputs: { input, numLower, numUpper } }) => {
    const { shape } = input.type, rank = shape.length;
    const row = iota(graph, "i32", shape, rank - 2), column = iota(graph, "i32", shape, rank - 1);
    const within = (limit: Value, far: Value) => {
      const most = broadcast(convert(reshape(limit, []), "i32"), shape, []);
      return binary("or", compare("LT", most, like(most, 0)), compare("LE", far, most));
    };
    const inside = binary(
      "and",
      within(numLower, binary("subtract", row, column)),
      within(numUpper, binary("subtract", column, row)),
    );
    return select(inside, input, like(input, 0));
  },
  /** The shape that two shapes (whose values must be constants) broadcast to, computed with their values. */
  BroadcastArgs: ({ graph, inputs: { s0, s1 } }) => {
    const rank = Math.max(s0.type.shape[0], s1.type.shape[0]);
    const [a, b] = [s0, s1].map((s) => pad(s, [rank - s.type.shape[0]], [0], 1));
    const one = constant(graph, "i32", [1], Int32Array.of(1));
    return select(compare("EQ", a, broadcast(one, [rank], [0])), b, a);
  },
};

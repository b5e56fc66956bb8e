import * as tf from "../tf.ts";
import type { Gradients } from "./types.ts";

/** Puts `step` − 1 zeros between the elements of an axis. */
export function spread(x: tf.Tensor, axis: number, step: number): tf.Tensor {
  const n = x.shape[axis];
  if (step === 1 || n === 0) return x;
  const split = [...x.shape.slice(0, axis), n, 1, ...x.shape.slice(axis + 1)];
  const gaps = split.map((_, i): [number, number] => i === axis + 1 ? [0, step - 1] : [0, 0]);
  const wide = tf.reshape(
    tf.pad(tf.reshape(x, split), gaps),
    x.shape.map((m, i) => i === axis ? n * step : m),
  );
  const size = wide.shape.map((m, i) => i === axis ? (n - 1) * step + 1 : m);
  return tf.slice(wide, size.map(() => 0), size);
}

/** Puts back what a strided slice took, zeros elsewhere. */
function stridedSliceGradient(dy: tf.Tensor, x: tf.Tensor, attrs: tf.NamedAttrMap): tf.Tensor {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } =
    attrs as unknown as tf.StridedSliceAttrs;
  const info = tf.slice_util.sliceInfo(
    x.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  const taken = tf.slice_util.computeOutShape(info.begin, info.end, info.strides);
  if (tf.util.sizeFromShape(taken) === 0) return tf.zeros(x.shape);
  let part = tf.reshape(dy, taken);
  info.strides.forEach((step, axis) => {
    part = spread(step < 0 ? tf.reverse(part, axis) : part, axis, Math.abs(step));
  });
  return tf.pad(
    part,
    x.shape.map((n, i): [number, number] => {
      const step = info.strides[i];
      // Walking backwards, the first element in memory is the last one taken.
      const first = step < 0 ? info.begin[i] + (taken[i] - 1) * step : info.begin[i];
      return [first, n - first - part.shape[i]];
    }),
  );
}

/** Sums the copies that tiling made. */
function tileGradient(dy: tf.Tensor, x: tf.Tensor, reps: number[]): tf.Tensor {
  const split = tf.reshape(dy, x.shape.flatMap((n, i) => [reps[i], n]));
  return tf.sum(split, x.shape.map((_, i) => 2 * i));
}

/** Adds what a border that mirrors the inside took from it to where it was taken from. */
function mirrorPadGradient(
  dy: tf.Tensor,
  x: tf.Tensor,
  paddings: [number, number][],
  edge: number,
): tf.Tensor {
  return paddings.reduce((g, [before, after], axis) => {
    const n = x.shape[axis];
    const part = (from: number, size: number) =>
      tf.slice(
        g,
        g.shape.map((_, i) => i === axis ? from : 0),
        g.shape.map((m, i) => i === axis ? size : m),
      );
    const back = (from: number, size: number, to: number) =>
      tf.pad(
        tf.reverse(part(from, size), axis),
        g.shape.map((_, i): [number, number] => i === axis ? [to, n - to - size] : [0, 0]),
      );
    const borders = [
      ...before > 0 ? [back(0, before, edge)] : [],
      ...after > 0 ? [back(before + n, after, n - edge - after)] : [],
    ];
    return borders.reduce((a, b) => tf.add(a, b), part(before, n));
  }, dy);
}

/** Blocks of space back to channels. */
function spaceToDepth(dy: tf.Tensor, shape: number[], k: number, format: string): tf.Tensor {
  if (format === "NCHW") {
    const [n, c, h, w] = shape, depth = c / (k * k);
    return tf.reshape(tf.transpose(tf.reshape(dy, [n, depth, h, k, w, k]), [0, 3, 5, 1, 2, 4]), shape);
  }
  const [n, h, w, c] = shape, depth = c / (k * k);
  return tf.reshape(tf.transpose(tf.reshape(dy, [n, h, k, w, k, depth]), [0, 1, 3, 2, 4, 5]), shape);
}

/** Gradients of kernels that cut, repeat and lay out. */
export const SHAPE: Gradients = [
  {
    kernelName: "StridedSlice",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({ x: () => stridedSliceGradient(dy as tf.Tensor, x, attrs) }),
  },
  {
    // tfjs's own adds slice by slice and stops at rank 4.
    kernelName: "Tile",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({ x: () => tileGradient(dy as tf.Tensor, x, attrs.reps as number[]) }),
  },
  {
    // tfjs's own leaves out what the border took.
    kernelName: "MirrorPad",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({
      x: () =>
        mirrorPadGradient(
          dy as tf.Tensor,
          x,
          attrs.paddings as unknown as [number, number][],
          attrs.mode === "reflect" ? 1 : 0,
        ),
    }),
  },
  {
    // Of a single part tfjs gives the gradient alone, no list.
    kernelName: "Unpack",
    gradFunc: (dy, _, attrs) => ({ value: () => tf.stack([dy].flat(), attrs.axis as number) }),
  },
  {
    kernelName: "SplitV",
    gradFunc: (dy, _, attrs) => ({ x: () => tf.concat([dy].flat(), attrs.axis as number) }),
  },
  {
    kernelName: "DepthToSpace",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({
      x: () => spaceToDepth(dy as tf.Tensor, x.shape, attrs.blockSize as number, attrs.dataFormat as string),
    }),
  },
  {
    kernelName: "FlipLeftRight",
    gradFunc: (dy) => ({ image: () => tf.reverse(dy as tf.Tensor, 2) }),
  },
  {
    kernelName: "Diag",
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({
      x: () =>
        tf.reshape(
          tf.sum(tf.mul(tf.reshape(dy as tf.Tensor, [x.size, x.size]), tf.eye(x.size)), 1),
          x.shape,
        ),
    }),
  },
];

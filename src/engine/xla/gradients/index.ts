import * as tf from "../tf.ts";
import type { Gradients } from "./types.ts";

const zeros = (x: tf.Tensor) => () => tf.zeros(x.shape);
const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** Adds what was taken back to where it was taken from; batch axes first, then the indices' other axes. */
function gatherGradient(
  dy: tf.Tensor,
  x: tf.Tensor,
  indices: tf.Tensor,
  axis: number,
  batch: number,
): tf.Tensor {
  const free = indices.rank - batch, n = x.shape[axis];
  const before = range(batch, axis), places = range(axis, axis + free), after = range(axis + free, dy.rank);
  // [batches · places, the rest]
  const order = [...range(0, batch), ...places, ...before, ...after];
  const rest = [...before, ...after].map((i) => dy.shape[i]);
  const batches = tf.util.sizeFromShape(x.shape.slice(0, batch));
  const values = tf.reshape(tf.transpose(dy, order), [indices.size, ...rest]);
  const flat = tf.reshape(tf.cast(indices, "int32"), [batches, -1]);
  const first = tf.reshape(tf.mul(tf.range(0, batches, 1, "int32"), tf.scalar(n, "int32")), [batches, 1]);
  const sums = tf.unsortedSegmentSum(
    values,
    tf.reshape(batches > 1 ? tf.add(flat, first) : flat, [-1]) as tf.Tensor1D,
    batches * n,
  );
  const whole = tf.reshape(sums, [...x.shape.slice(0, batch), n, ...rest]);
  // The taken axis goes back behind the axes that were before it.
  const back = [...range(0, batch), ...range(batch + 1, axis + 1), batch, ...range(axis + 1, x.rank)];
  return tf.transpose(whole, back);
}

/** Spreads the gradients of the largest elements of each row over the row. */
function topKGradient(dy: tf.Tensor, x: tf.Tensor, places: tf.Tensor): tf.Tensor {
  const n = x.shape[x.rank - 1], k = places.shape[places.rank - 1], rows = x.size / n;
  const first = tf.mul(tf.range(0, rows, 1, "int32"), tf.scalar(n, "int32"));
  const flat = tf.add(tf.reshape(places, [rows, k]), tf.reshape(first, [rows, 1]));
  return tf.reshape(tf.scatterND(tf.reshape(flat, [-1, 1]), tf.reshape(dy, [-1]), [x.size]), x.shape);
}

/** Indices of rank 0 and 1 are lists of places in a vector. */
const asVectors = (indices: tf.Tensor) => indices.rank < 2 ? tf.reshape(indices, [indices.size, 1]) : indices;

/** Gradients of kernels that move elements to or from given places. */
export const INDEX: Gradients = [
  {
    kernelName: "GatherV2",
    inputsToSave: ["x", "indices"],
    gradFunc: (dy, [x, indices], attrs) => {
      const axis = tf.util.parseAxisParam(attrs.axis as number, x.shape)[0];
      const batch = (attrs.batchDims as number | undefined) ?? 0;
      return {
        x: () => gatherGradient(dy as tf.Tensor, x, indices, axis, batch < 0 ? batch + indices.rank : batch),
        indices: zeros(indices),
      };
    },
  },
  {
    kernelName: "GatherNd",
    inputsToSave: ["params", "indices"],
    gradFunc: (dy, [params, indices]) => ({
      params: () => {
        // A single vector; scatterND would take it for a list of places.
        const one = (x: tf.Tensor) => indices.rank === 1 ? tf.expandDims(x, 0) : x;
        return tf.scatterND(one(indices), one(dy as tf.Tensor), params.shape);
      },
      indices: zeros(indices),
    }),
  },
  {
    kernelName: "ScatterNd",
    inputsToSave: ["indices", "updates"],
    gradFunc: (dy, [indices, updates]) => ({
      indices: zeros(indices),
      updates: () => tf.reshape(tf.gatherND(dy as tf.Tensor, asVectors(indices)), updates.shape),
    }),
  },
  {
    kernelName: "TensorScatterUpdate",
    inputsToSave: ["indices", "updates"],
    gradFunc: (dy, [indices, updates]) => ({
      // Not an update of dy: tfjs's cpu backend writes into the tensor that it is given.
      tensor: () => {
        const kept = tf.tensorScatterUpdate(
          tf.ones((dy as tf.Tensor).shape),
          indices,
          tf.zeros(updates.shape),
        );
        return tf.mul(dy as tf.Tensor, kept);
      },
      indices: zeros(indices),
      updates: () => tf.reshape(tf.gatherND(dy as tf.Tensor, asVectors(indices)), updates.shape),
    }),
  },
  {
    kernelName: "SparseToDense",
    inputsToSave: ["sparseIndices", "sparseValues", "defaultValue"],
    gradFunc: (dy, [sparseIndices, sparseValues, defaultValue], attrs) => ({
      sparseIndices: zeros(sparseIndices),
      sparseValues: () => {
        const each = tf.gatherND(dy as tf.Tensor, asVectors(sparseIndices));
        return tf.reshape(sparseValues.rank === 0 ? tf.sum(each) : each, sparseValues.shape);
      },
      defaultValue: () => {
        const untouched = tf.sparseToDense(
          sparseIndices,
          tf.zeros(sparseValues.shape),
          attrs.outputShape as number[],
          tf.scalar(1),
        );
        return tf.reshape(tf.sum(tf.mul(dy as tf.Tensor, untouched)), defaultValue.shape);
      },
    }),
  },
  {
    kernelName: "TopK",
    inputsToSave: ["x"],
    outputsToSave: [false, true],
    gradFunc: (dy, [x, places]) => ({ x: () => topKGradient((dy as tf.Tensor[])[0], x, places) }),
  },
  {
    kernelName: "MaxPoolWithArgmax",
    inputsToSave: ["x"],
    outputsToSave: [false, true],
    gradFunc: (dy, [x, places], attrs) => ({
      x: () => {
        const batch = x.shape[0], each = x.size / batch;
        const first = tf.mul(tf.range(0, batch, 1, "int32"), tf.scalar(each, "int32"));
        const flat = attrs.includeBatchInIndex ? places : tf.add(places, tf.reshape(first, [batch, 1, 1, 1]));
        const updates = tf.reshape((dy as tf.Tensor[])[0], [-1]);
        return tf.reshape(tf.scatterND(tf.reshape(flat, [-1, 1]), updates, [x.size]), x.shape);
      },
    }),
  },
];

import { compare, convert, iota, reduce, splat } from "../ir/build.ts";
import { broadcast, broadcastTo, concatenate, reshape } from "../ir/movement.ts";
import * as tf from "../tf.ts";
import { type ElementType, isFloat, sizeOf, type Value } from "../ir/types.ts";
import { gather, type Scatter, scatter, sortDescending } from "./hlo.ts";
import { sliceAxis } from "./shape.ts";
import { axisOf, type Call, type Lowerings } from "./types.ts";

/** Takes slices of `x` along an axis; `indices` may have any shape, which takes the axis's place. */
export function take(x: Value, indices: Value, axis: number): Value {
  const { shape } = x.type, places = indices.type.shape;
  return gather(x, convert(indices, "i32"), {
    offset: shape.map((_, i) => i).filter((i) => i !== axis).map((i) => i < axis ? i : i - 1 + places.length),
    collapsed: [axis],
    map: [axis],
    vector: places.length,
    sizes: shape.map((n, i) => i === axis ? 1 : n),
    shape: [...shape.slice(0, axis), ...places, ...shape.slice(axis + 1)],
  });
}

/** As {@linkcode take}, with the first `batch` axes of `x` and `indices` going together. */
function takeBatch(x: Value, indices: Value, axis: number, batch: number): Value {
  if (batch === 0) return take(x, indices, axis);
  const { shape } = x.type, places = indices.type.shape, free = places.length - batch;
  const together = Array.from({ length: batch }, (_, i) => i);
  // The result: batch axes, the other axes before, the indices' axes, the other axes after. The gather must have the
  // indices' axes in order among the result's, and the batch axes are the first of them.
  const slices = shape.map((_, i) => i).filter((i) => i >= batch && i !== axis);
  return gather(x, convert(indices, "i32"), {
    offset: slices.map((i) => i < axis ? i : i - 1 + free),
    collapsed: [axis],
    batch: [together, together],
    map: [axis],
    vector: places.length,
    sizes: shape.map((n, i) => i < batch || i === axis ? 1 : n),
    shape: [...shape.slice(0, axis), ...places.slice(batch), ...shape.slice(axis + 1)],
  });
}

/** Takes the slices that the vectors of `indices` (its last axis) point at. */
function takeVectors(x: Value, indices: Value): Value {
  const { shape } = x.type, places = indices.type.shape.slice(0, -1), depth = indices.type.shape.at(-1)!;
  return gather(x, convert(indices, "i32"), {
    offset: shape.slice(depth).map((_, i) => i + places.length),
    collapsed: shape.slice(0, depth).map((_, i) => i),
    map: shape.slice(0, depth).map((_, i) => i),
    vector: places.length,
    sizes: shape.map((n, i) => i < depth ? 1 : n),
    shape: [...places, ...shape.slice(depth)],
  });
}

/** How the vectors of `indices` say where slices go. */
function scatterNumbers(rank: number, indices: Value): Scatter {
  const depth = indices.type.shape.at(-1)!, places = indices.type.shape.length - 1;
  const first = Array.from({ length: depth }, (_, i) => i);
  return {
    window: Array.from({ length: rank - depth }, (_, i) => i + places),
    inserted: first,
    map: first,
    vector: places,
  };
}

/** Puts `updates` into `x` where the vectors of `indices` point. */
function put(name: "add" | "or" | "second", x: Value, indices: Value, updates: Value): Value {
  // Indices of rank 0 and 1 are lists of places in a vector.
  const list = indices.type.shape.length < 2 ? reshape(indices, [indices.type.shape[0] ?? 1, 1]) : indices;
  const depth = list.type.shape.at(-1)!;
  const shape = [...list.type.shape.slice(0, -1), ...x.type.shape.slice(depth)];
  const spread = updates.type.shape.length === 0 ? broadcastTo(updates, shape) : reshape(updates, shape);
  return scatter(
    name,
    x,
    convert(list, "i32"),
    convert(spread, x.type.element),
    scatterNumbers(x.type.shape.length, list),
  );
}

/** Numbers without a fraction or truth values, counted in the element type of the weights. */
function bincount({ graph, inputs: { x, weights }, attrs }: Call<tf.DenseBincountAttrs>): Value {
  const { shape } = x.type, { size, binaryOutput } = attrs;
  const element: ElementType = weights.type.element;
  const weighted = sizeOf(weights.type.shape) > 0 && !binaryOutput;
  const updates = weighted ? reshape(weights, shape) : splat(graph, element, shape, 1);
  const value = reshape(convert(x, "i32"), [...shape, 1]);
  const indices = shape.length === 1
    ? value
    : concatenate([iota(graph, "i32", [...shape, 1], 0), value], shape.length);
  const result = splat(graph, element, [...shape.slice(0, -1), size], 0);
  return put(binaryOutput ? "second" : element === "pred" ? "or" : "add", result, indices, updates);
}

/** How many of a sorted row come before each value. */
function searchSorted({ inputs: { sortedSequence, values }, attrs }: Call<tf.SearchSortedAttrs>): Value {
  const [rows, n] = sortedSequence.type.shape, m = values.type.shape[1];
  const shape = [rows, m, n];
  const sorted = broadcast(sortedSequence, shape, [0, 2]), value = broadcast(values, shape, [0, 1]);
  return reduce("add", convert(compare(attrs.side === "left" ? "LT" : "LE", sorted, value), "i32"), [2]);
}

/** Kernels that move elements to or from places that other tensors give. */
export const INDEX: Lowerings = {
  GatherV2: ({ inputs: { x, indices }, attrs }) => {
    const axis = axisOf(attrs.axis ?? 0, x.type.shape.length), batch = attrs.batchDims ?? 0;
    const shaped = ({ type }: Value) => ({ shape: [...type.shape] }) as unknown as tf.Tensor;
    // Refuses batch axes that do not fit.
    tf.backend_util.segment_util.collectGatherOpShapeInfo(shaped(x), shaped(indices), axis, batch);
    return takeBatch(x, indices, axis, batch < 0 ? batch + indices.type.shape.length : batch);
  },
  GatherNd: ({ inputs: { params, indices } }) => takeVectors(params, indices),
  ScatterNd: ({ graph, inputs: { indices, updates }, attrs }) => {
    const { element } = updates.type;
    return put(element === "pred" ? "or" : "add", splat(graph, element, attrs.shape, 0), indices, updates);
  },
  TensorScatterUpdate: ({ inputs: { tensor, indices, updates } }) => put("second", tensor, indices, updates),
  SparseToDense: ({ inputs: { sparseIndices, sparseValues, defaultValue }, attrs }) => {
    const rest = broadcastTo(
      convert(reshape(defaultValue, []), sparseValues.type.element),
      attrs.outputShape,
    );
    return put("second", rest, sparseIndices, sparseValues);
  },
  UnsortedSegmentSum: ({ graph, inputs: { x, segmentIds }, attrs }) => {
    const element = x.type.element === "pred" ? "i32" : x.type.element; // Truth values are counted.
    const sum = splat(graph, element, [attrs.numSegments, ...x.type.shape.slice(1)], 0);
    return put("add", sum, reshape(segmentIds, [segmentIds.type.shape[0], 1]), x);
  },
  Bincount: (call) => {
    const { x } = call.inputs;
    return bincount({ ...call, inputs: { ...call.inputs, x: reshape(x, [sizeOf(x.type.shape)]) } });
  },
  DenseBincount: bincount,
  SearchSorted: searchSorted,
  LowerBound: (call) => searchSorted({ ...call, attrs: { side: "left" } }),
  UpperBound: (call) => searchSorted({ ...call, attrs: { side: "right" } }),
  TopK: ({ graph, inputs, attrs: { k } }) => {
    const x = isFloat(inputs.x.type.element) ? inputs.x : convert(inputs.x, "i32"), { shape } = x.type;
    const axis = shape.length - 1;
    const [values, places] = sortDescending(x, iota(graph, "i32", shape, axis), axis);
    return [convert(values, inputs.x.type.element), places].map((v) => sliceAxis(v, axis, 0, k));
  },
};

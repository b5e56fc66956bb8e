/** What kernels do outside of traced functions to need fewer programs. */
import * as tf from "../tf.ts";
import { dynamicSlice } from "./hlo.ts";
import { expanded } from "./shape.ts";
import type { AttributesOf, KernelName } from "./attributes.ts";
import type { AnyLowering, Lowering } from "./types.ts";

/** What is needed of the backend. */
interface Runner {
  incRef(dataId: tf.DataId): void;
  write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId;
  disposeData(dataId: tf.DataId): boolean;
  run(
    name: string,
    lowering: AnyLowering,
    inputs: Record<string, tf.TensorInfo>,
    attrs: unknown,
  ): tf.TensorInfo | tf.TensorInfo[];
}

/** Runs a kernel in a way of its own, or says that it should be run as any other. */
type Eager<Attrs> = (
  backend: Runner,
  inputs: Record<string, tf.TensorInfo>,
  attrs: Attrs,
) => tf.TensorInfo | undefined;

/** The same data under another shape. */
function shared(backend: Runner, x: tf.TensorInfo, shape: number[]): tf.TensorInfo {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, dtype: x.dtype, shape };
}

/** One program for all slices of a size, wherever they begin: loops over the rows of a tensor are common. */
const slice: Eager<tf.SliceAttrs> = (backend, { x }, attrs) => {
  const like = { shape: x.shape } as tf.Tensor;
  const [begin, size] = tf.slice_util.parseSliceParams(like, attrs.begin, attrs.size);
  tf.slice_util.assertParamsValid(like, begin, size);
  if (size.every((n, i) => n === x.shape[i])) return shared(backend, x, size);
  if (x.dtype === "string" || tf.util.sizeFromShape(size) === 0) return undefined;
  const dataId = backend.write(Int32Array.from(begin), [begin.length], "int32");
  const first = { dataId, shape: [begin.length], dtype: "int32" as const };
  const lowering: Lowering = ({ inputs }) => dynamicSlice(inputs.x, inputs.begin, size);
  const result = backend.run("Slice at a given place", lowering, { x, begin: first }, { size });
  backend.disposeData(dataId);
  return result as tf.TensorInfo;
};

/** Kernels with a way of their own. */
const ALL: { readonly [Name in KernelName]?: Eager<AttributesOf<Name>> } = {
  Identity: (backend, { x }) => shared(backend, x, [...x.shape]),
  Reshape: (backend, { x }, attrs) => {
    const size = tf.util.sizeFromShape(x.shape), shape = tf.util.inferFromImplicitShape(attrs.shape, size);
    // tfjs's function lets a tensor without elements pass.
    if (tf.util.sizeFromShape(shape) !== size) {
      throw new Error(`xla: [${x.shape}] cannot be reshaped to [${shape}]: another number of elements`);
    }
    return shared(backend, x, shape);
  },
  ExpandDims: (backend, { input }, attrs) => shared(backend, input, expanded(input.shape, attrs.dim)),
  Slice: slice,
  SplitRows: (backend, { x }) => shared(backend, x, [...x.shape]),
  DivideRows: (backend, { x }) => shared(backend, x, [...x.shape]),
  KeepWhole: (backend, { x }) => shared(backend, x, [...x.shape]),
};

/** The same, by tfjs's name. Who calls one answers for the attributes. */
export const EAGER: Readonly<Record<string, Eager<never>>> = ALL;

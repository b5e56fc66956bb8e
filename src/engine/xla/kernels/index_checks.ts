import * as tf from "../tf.ts";
import type { AttributesOf, KernelName } from "./attributes.ts";

/** A tensor's shape and, where they are at hand without waiting for the device, its values. */
export interface Seen {
  readonly shape: readonly number[];
  readonly values?: ArrayLike<number>;
}

type Guard<Attrs> = (inputs: Readonly<Record<string, Seen>>, attrs: Attrs) => void;

function every(kernel: string, seen: Seen, good: (value: number, at: number) => boolean, want: string): void {
  const { values } = seen;
  if (!values) return;
  for (let i = 0; i < values.length; i++) {
    if (!good(values[i], i)) throw new Error(`xla: ${kernel}: ${values[i]} is not ${want}`);
  }
}

/** Vectors of indices must point into a shape. */
function vectors(kernel: string, indices: Seen, shape: readonly number[]): void {
  // Indices of rank 0 and 1 are lists of places in a vector.
  const depth = indices.shape.length < 2 ? 1 : indices.shape.at(-1)!;
  const inside = (v: number, i: number) => v >= 0 && v < shape[i % depth];
  every(kernel, indices, inside, `an index inside of [${shape.slice(0, depth)}]`);
}

/**
 * Checks of values that other backends make and XLA does not: it moves a wrong index inside or leaves its update out. They
 * are made where they cost nothing: outside of traced functions, for values that are still on the host.
 */
const ALL: { readonly [Name in KernelName]?: Guard<AttributesOf<Name>> } = {
  GatherV2: ({ x, indices }, attrs) => {
    const axis = tf.util.parseAxisParam(attrs.axis, [...x.shape])[0], n = x.shape[axis];
    // In tfjs's own words, by which programs may know the error.
    for (const v of Array.from(indices.values ?? [])) {
      if (v < 0 || v >= n) throw new Error(`GatherV2: the index value ${v} is not in [0, ${n - 1}]`);
    }
  },
  GatherNd: ({ params, indices }) => vectors("GatherNd", indices, params.shape),
  ScatterNd: ({ indices }, attrs) => vectors("ScatterNd", indices, attrs.shape),
  TensorScatterUpdate: ({ tensor, indices }) => vectors("TensorScatterUpdate", indices, tensor.shape),
  SparseToDense: ({ sparseIndices }, attrs) => vectors("SparseToDense", sparseIndices, attrs.outputShape),
  Bincount: ({ x }) => every("Bincount", x, (v) => v >= 0, "≥ 0"),
  DenseBincount: ({ x }) => every("DenseBincount", x, (v) => v >= 0, "≥ 0"),
  BroadcastArgs: ({ s0, s1 }) => {
    if (!s0.values || !s1.values) return;
    tf.backend_util.assertAndGetBroadcastShape(Array.from(s0.values), Array.from(s1.values));
  },
};

/** The same, by tfjs's name. Who calls one answers for the attributes. */
export const GUARDS: Readonly<Record<string, Guard<never>>> = ALL;

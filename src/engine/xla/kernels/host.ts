import * as tf from "../tf.ts";

const VALUES = "its result's shape depends on values", STRINGS = "it works on strings";

/**
 * Kernels that tfjs's own cpu backend runs for us on the host: the shape of their result depends on values, their elements
 * are strings, or they draw at random.
 */
export const HOSTED: Readonly<Record<string, string>> = {
  Multinomial: "it draws at random",
  NonMaxSuppressionV3: VALUES,
  NonMaxSuppressionV4: VALUES,
  NonMaxSuppressionV5: VALUES,
  RaggedGather: VALUES,
  RaggedRange: VALUES,
  RaggedTensorToTensor: VALUES,
  SparseFillEmptyRows: VALUES,
  SparseReshape: "its result depends on shapes given as values",
  SparseSegmentMean: VALUES,
  SparseSegmentSum: VALUES,
  StaticRegexReplace: STRINGS,
  StringNGrams: STRINGS,
  StringSplit: STRINGS,
  StringToHashBucketFast: STRINGS,
  Unique: VALUES,
};

/** A kernel's inputs: tensors by name, some of them lists. */
export type HostInputs = Readonly<Record<string, tf.TensorInfo | readonly tf.TensorInfo[] | undefined>>;

/** Why a kernel runs on the host with these inputs, if it does. */
export function hostedReason(
  name: string,
  inputs: HostInputs,
  attrs: tf.NamedAttrMap | undefined,
): string | undefined {
  if (HOSTED[name]) return HOSTED[name];
  if (attrs?.dtype === "string") return STRINGS;
  for (const key in inputs) {
    if ((inputs[key] as tf.TensorInfo | undefined)?.dtype === "string") return STRINGS;
  }
  return undefined;
}

/** What is needed of the backend that owns the tensors. */
interface Owner {
  readSync(dataId: tf.DataId): tf.backend_util.BackendValues;
  write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId;
}

/** What is used of tfjs's cpu backend. */
interface Cpu extends tf.KernelBackend {
  data: { get(dataId: tf.DataId): { values: tf.backend_util.BackendValues } };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: tf.backend_util.BackendValues): tf.TensorInfo;
}

/**
 * Runs a kernel of tfjs's cpu backend on copies of the inputs and takes the results over.
 *
 * @throws {Error} When the cpu backend has no such kernel.
 */
export function runOnHost(
  owner: Owner,
  name: string,
  inputs: HostInputs,
  attrs: tf.NamedAttrMap | undefined,
): tf.TensorInfo | tf.TensorInfo[] {
  const kernel = tf.getKernel(name, "cpu"), cpu = tf.findBackend("cpu") as Cpu;
  if (!kernel || !cpu) {
    throw new Error(`xla: ${name} runs on the host, but tfjs's cpu backend has no kernel of that name`);
  }
  /** Tensors of the cpu backend. */
  const held: tf.TensorInfo[] = [];
  const copy = (info: tf.TensorInfo): tf.TensorInfo => {
    const made = cpu.makeTensorInfo(info.shape, info.dtype, owner.readSync(info.dataId));
    held.push(made);
    return made;
  };
  // Kernels that take a list get a list.
  const copied = (Array.isArray(inputs) ? [] : {}) as Record<string, tf.TensorInfo | tf.TensorInfo[]>;
  for (const [key, value] of Object.entries(inputs)) {
    if (value) copied[key] = Array.isArray(value) ? value.map(copy) : copy(value as tf.TensorInfo);
  }
  const given = { inputs: copied as tf.NamedTensorInfoMap, attrs, backend: cpu };
  try {
    const result = kernel.kernelFunc(given), results = [result].flat();
    held.push(...results);
    const taken = results.map(({ dataId, shape, dtype }) => {
      const values = cpu.data.get(dataId).values;
      return { dataId: owner.write(values, shape, dtype), shape, dtype };
    });
    return Array.isArray(result) ? taken : taken[0];
  } finally {
    // The kernel may have refused its inputs.
    for (const { dataId } of held) cpu.disposeData(dataId);
  }
}

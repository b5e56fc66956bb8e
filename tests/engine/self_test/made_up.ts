/** Engines on made-up backends: tfjs's own on the processor, with some kernels that compute wrongly. */
import { plainEngine } from "../../../src/engine/op_by_op.ts";
import * as tf from "../../../src/engine/tensors.ts";
import type { Engine } from "../../../src/engine/types.ts";

/** A backend of tfjs's package for processors, which reads tensors where they lie. */
type CpuBackend = tf.KernelBackend & { data: { get(dataId: tf.DataId): { values: Float32Array } } };

/** What a wrong kernel may use. */
export interface Wrong {
  /** The right result. */
  right: (inputs?: tf.NamedTensorInfoMap, attrs?: tf.NamedAttrMap) => tf.TensorInfo;
  inputs: tf.NamedTensorInfoMap;
  attrs: tf.NamedAttrMap;
  /** A tensor's elements, to be read or changed. */
  elements: (x: tf.TensorInfo) => Float32Array;
}

/** Kernels by name that compute wrongly. */
export type WrongKernels = Readonly<Record<string, (wrong: Wrong) => tf.TensorInfo>>;

/** The right result with its elements changed. */
export function changed(change: (y: number, i: number, wrong: Wrong) => number) {
  return (wrong: Wrong): tf.TensorInfo => {
    const result = wrong.right(), values = wrong.elements(result);
    values.forEach((y, i) => values[i] = change(y, i, wrong));
    return result;
  };
}

let count = 0;

tf.env().set("IS_TEST", true); // It would recommend a faster backend.

/**
 * An engine on a backend of its own, which is made TensorFlow.js's current one.
 *
 * @param kernels Those that are wrong.
 * @param change What is otherwise in the engine.
 */
export async function madeUpEngine(
  kernels: WrongKernels = {},
  change: Partial<Engine> = {},
): Promise<Engine> {
  const name = `made up ${++count}`, backend = tf.findBackendFactory("cpu")() as CpuBackend;
  for (const kernel of tf.getKernelsForBackend("cpu")) {
    const wrong = kernels[kernel.kernelName];
    tf.registerKernel({
      ...kernel,
      backendName: name,
      kernelFunc: !wrong ? kernel.kernelFunc : ({ inputs, attrs = {} }) =>
        wrong({
          right: (given = inputs, how = attrs) =>
            kernel.kernelFunc({ inputs: given, attrs: how, backend }) as tf.TensorInfo,
          inputs,
          attrs,
          elements: ({ dataId }) => backend.data.get(dataId).values,
        }),
    });
  }
  tf.registerBackend(name, () => backend);
  await tf.setBackend(name);
  return {
    ...plainEngine("wasm", "a made-up device"),
    close: () => {
      if (tf.findBackendFactory(name)) tf.removeBackend(name);
      for (const { kernelName } of tf.getKernelsForBackend(name)) tf.unregisterKernel(kernelName, name);
      return Promise.resolve();
    },
    ...change,
  };
}

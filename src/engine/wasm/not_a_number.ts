import * as tf from "../tensors.ts";

/** A kernel of the wasm backend. */
type Kernel = (inputs: Record<string, tf.TensorInfo>, attrs?: tf.NamedAttrMap) => tf.TensorInfo;

/** What is needed of the backend: it reads tensors where they lie. */
type Heap = tf.KernelBackend & { typedArrayFromHeap(x: tf.TensorInfo): ArrayLike<number> };

/** `y` where it is a number or `x` is one, else `x`: what `y` was computed from. Frees `y`. */
function restored(kernel: (name: string) => Kernel, backend: Heap, x: tf.TensorInfo, y: tf.TensorInfo) {
  const lost = kernel("NotEqual")({ a: x, b: x });
  const result = kernel("Select")({ condition: lost, t: x, e: y });
  for (const { dataId } of [lost, y]) backend.disposeData(dataId);
  return result;
}

/**
 * Makes kernels of the wasm backend hand on not-a-number: its maximum and minimum hide one in their second operand, and
 * its clipping, which relu6 is too, makes a number of it. A training that diverged would go on with such numbers.
 */
export function keepNotANumber(): void {
  const originals = new Map<string, tf.KernelConfig>();
  const kernelOn = (backend: Heap) => (name: string): Kernel => (inputs, attrs = {}) =>
    (originals.get(name) ?? tf.getKernel(name, "wasm"))
      .kernelFunc({ inputs, backend, attrs }) as tf.TensorInfo;
  const replace = (name: string, kernel: (original: Kernel, backend: Heap) => Kernel) => {
    const original = tf.getKernel(name, "wasm");
    originals.set(name, original);
    tf.unregisterKernel(name, "wasm");
    tf.registerKernel({
      ...original,
      kernelFunc: ({ inputs, backend, attrs }) => {
        const heap = backend as Heap;
        return kernel(kernelOn(heap)(name), heap)(inputs as Record<string, tf.TensorInfo>, attrs);
      },
    });
  };
  for (const name of ["Maximum", "Minimum"]) {
    replace(name, (original, backend) => ({ a, b }) => {
      // The second operand is most often a bound.
      const isNumber = (x: tf.TensorInfo) =>
        x.dtype !== "float32" ||
        (tf.util.sizeFromShape(x.shape) === 1 && !Number.isNaN(backend.typedArrayFromHeap(x)[0]));
      if (isNumber(b)) return original({ a, b });
      const turned = original({ a: b, b: a });
      if (isNumber(a)) return turned;
      const result = restored(kernelOn(backend), backend, turned, original({ a, b }));
      backend.disposeData(turned.dataId);
      return result;
    });
  }
  for (const name of ["ClipByValue", "Relu6"]) {
    replace(name, (original, backend) => ({ x }, attrs) => {
      const kernel = kernelOn(backend);
      if (x.dtype === "float32") return restored(kernel, backend, x, original({ x }, attrs));
      // The backend's own takes the bits of whole numbers for those of fractions.
      const fractions = kernel("Cast")({ x }, { dtype: "float32" }),
        clipped = original({ x: fractions }, attrs);
      const whole = kernel("Cast")({ x: clipped }, { dtype: x.dtype });
      for (const { dataId } of [fractions, clipped]) backend.disposeData(dataId);
      return whole;
    });
  }
}

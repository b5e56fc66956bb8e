import * as tf from "./tf.ts";

/**
 * Says that the rows of a tensor are to lie spread over the devices when the function that computes it is compiled for
 * several (`shard`). It changes no value, and does nothing elsewhere.
 *
 * The compiler carries a split from the arguments through most operations. Where rows of several parts are
 * reordered, it gives up and computes the rest on every device; this hint prevents that.
 *
 * @param x Any shape; its first axis must be divisible by the number of devices, or the hint is ignored.
 * @returns The same values.
 */
export function splitRows<T extends tf.Tensor>(x: T): T {
  if (!tf.getKernel("SplitRows", tf.getBackend())) return x;
  return tf.engine().runKernel("SplitRows", { x } as unknown as tf.NamedTensorMap) as T;
}

/**
 * Says that the rows of a tensor are to lie divided among the devices of each process when the function that computes it is
 * compiled for several and divides tensors (`divide`): the processes then hold the same, and each device its share. It changes
 * no value, and does nothing elsewhere.
 *
 * @param x Any shape; its first axis must be divisible by the number of a process's devices, or the hint is ignored.
 * @returns The same values.
 */
export function divideRows<T extends tf.Tensor>(x: T): T {
  if (!tf.getKernel("DivideRows", tf.getBackend())) return x;
  return tf.engine().runKernel("DivideRows", { x } as unknown as tf.NamedTensorMap) as T;
}

/**
 * Says that every device has the whole of a tensor when the function that computes it is compiled for several (`shard`). Behind
 * it tensors may be divided without the compiler dividing what comes before as well. It changes no value, and does nothing
 * elsewhere.
 *
 * @param x Any shape.
 * @returns The same values.
 */
export function keepWhole<T extends tf.Tensor>(x: T): T {
  if (!tf.getKernel("KeepWhole", tf.getBackend())) return x;
  return tf.engine().runKernel("KeepWhole", { x } as unknown as tf.NamedTensorMap) as T;
}

/** Their gradients lie as the tensors do. */
export const SPLIT_GRADIENTS: readonly tf.GradConfig[] = [
  {
    kernelName: "SplitRows",
    gradFunc: (dy: tf.Tensor | tf.Tensor[]) => ({ x: () => splitRows(dy as tf.Tensor) }),
  },
  {
    kernelName: "DivideRows",
    gradFunc: (dy: tf.Tensor | tf.Tensor[]) => ({ x: () => divideRows(dy as tf.Tensor) }),
  },
  {
    kernelName: "KeepWhole",
    gradFunc: (dy: tf.Tensor | tf.Tensor[]) => ({ x: () => keepWhole(dy as tf.Tensor) }),
  },
];

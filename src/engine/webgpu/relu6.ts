import * as tf from "../tensors.ts";

/** Makes relu6 hand on not-a-number, which tfjs's own program for it makes 0: it is a clip, and that is right. */
export function useSoundRelu6(): void {
  const clip = tf.getKernel(tf.ClipByValue, "webgpu");
  tf.unregisterKernel(tf.Relu6, "webgpu");
  tf.registerKernel({
    kernelName: tf.Relu6,
    backendName: "webgpu",
    kernelFunc: ({ inputs, backend }) =>
      clip.kernelFunc({ inputs, backend, attrs: { clipValueMin: 0, clipValueMax: 6 } }),
  });
}

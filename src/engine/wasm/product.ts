import * as tf from "../tensors.ts";

/** The kernel of every matrix product. */
const PRODUCT = "BatchMatMul";

type Operands = { a: tf.TensorInfo; b: tf.TensorInfo };
type Turns = { transposeA: boolean; transposeB: boolean };

/**
 * Makes the wasm backend transpose the operands of single matrix products first, instead of multiplying them as they
 * lie: only then does it use its fast product. Linear layers and all their gradients have transposed operands, and
 * become some 8 times as fast.
 */
export function useFastProduct(): void {
  const product = tf.getKernel(PRODUCT, "wasm"), transpose = tf.getKernel("Transpose", "wasm");
  tf.unregisterKernel(PRODUCT, "wasm");
  tf.registerKernel({
    ...product,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { a, b } = inputs as unknown as Operands;
      const { transposeA, transposeB } = attrs as unknown as Turns;
      const turned: tf.TensorInfo[] = [];
      const upright = (x: tf.TensorInfo, lying: boolean): tf.TensorInfo => {
        const rank = x.shape.length, count = tf.util.sizeFromShape(x.shape.slice(0, -2));
        if (!lying || count !== 1) return x;
        const perm = [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];
        const y = transpose.kernelFunc({ inputs: { x }, backend, attrs: { perm } }) as tf.TensorInfo;
        turned.push(y);
        return y;
      };
      const left = upright(a, transposeA), right = upright(b, transposeB);
      const result = product.kernelFunc({
        inputs: { a: left, b: right },
        backend,
        attrs: { transposeA: transposeA && left === a, transposeB: transposeB && right === b },
      });
      for (const { dataId } of turned) (backend as tf.KernelBackend).disposeData(dataId);
      return result;
    },
  });
}

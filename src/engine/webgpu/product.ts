import type { WebGPUProgram } from "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import * as tf from "../tensors.ts";
import type { GuardedBackend } from "./backend.ts";

/** Rows, and columns, of the result that one thread computes, and threads of a group along each. */
const TILE = 8, GROUP = 8;

type Turns = { transposeA: boolean; transposeB: boolean };

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The program of [B or 1, M, K] × [B or 1, K, N], either operand lying turned. */
function productProgram(shape: [number, number, number], turns: Turns): WebGPUProgram {
  const [count, rows, columns] = shape, side = TILE * GROUP, tile = upTo(TILE);
  const { transposeA, transposeB } = turns;
  const all = (line: (i: number, j: number) => string) =>
    tile.map((i) => tile.map((j) => line(i, j)).join(" ")).join("\n");
  const each = (line: (i: number) => string) => tile.map(line).join(" ");
  return {
    variableNames: ["A", "B"],
    outputShape: shape,
    workgroupSize: [GROUP, GROUP, 1],
    dispatchLayout: { x: [2], y: [1], z: [0] },
    dispatch: [Math.ceil(columns / side), Math.ceil(rows / side), count],
    shaderKey: `softwareProduct_${transposeA}_${transposeB}`,
    getUserCode: () => `
      fn main() {
        let rows = uniforms.outShape.y;
        let columns = uniforms.outShape.z;
        let inner = uniforms.aShape.${transposeA ? "y" : "z"};
        let batch = i32(globalId.z);
        let row = i32(globalId.y) * ${TILE};
        let column = i32(globalId.x) * ${TILE};
        if (row >= rows || column >= columns) {
          return;
        }
        let a = (batch % uniforms.aShape.x) * rows * inner;
        let b = (batch % uniforms.bShape.x) * columns * inner;
        ${all((i, j) => `var c${i}_${j} = 0.0;`)}
        ${each((i) => `let a${i} = a + min(row + ${i}, rows - 1) * ${transposeA ? "1" : "inner"};`)}
        ${each((j) => `let b${j} = b + min(column + ${j}, columns - 1) * ${transposeB ? "inner" : "1"};`)}
        for (var k = 0; k < inner; k = k + 1) {
          let atA = k * ${transposeA ? "rows" : "1"};
          let atB = k * ${transposeB ? "1" : "columns"};
          ${each((i) => `let x${i} = f32(A[a${i} + atA]);`)}
          ${each((j) => `let y${j} = f32(B[b${j} + atB]);`)}
          ${all((i, j) => `c${i}_${j} = c${i}_${j} + x${i} * y${j};`)}
        }
        let to = (batch * rows + row) * columns + column;
        ${
      all((i, j) =>
        `if (row + ${i} < rows && column + ${j} < columns) { setOutputAtIndex(to + ${i} * columns + ${j}, c${i}_${j}); }`
      )
    }
      }
    `,
  };
}

/** The operand as [count, rows, columns], with the same data. */
function flattened(x: tf.TensorInfo): tf.TensorInfo {
  const [rows, columns] = x.shape.slice(-2);
  return { ...x, shape: [tf.util.sizeFromShape(x.shape.slice(0, -2)), rows, columns] };
}

/**
 * Makes the matrix products of a device that the processor plays some ten times as fast as tfjs's: its programs share
 * memory between the threads of a group and wait for each other, which is what a processor does worst. Devices of other
 * kinds keep tfjs's.
 *
 * @param isSoftware Whether the backend at hand is on such a device.
 */
export function useSoftwareProduct(isSoftware: (backend: GuardedBackend) => boolean): void {
  const product = tf.getKernel(tf.BatchMatMul, "webgpu");
  tf.unregisterKernel(tf.BatchMatMul, "webgpu");
  tf.registerKernel({
    ...product,
    kernelFunc: (call) => {
      const backend = call.backend as GuardedBackend;
      const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const turns = call.attrs as unknown as Turns;
      const left = flattened(a), right = flattened(b);
      const counts = [left.shape[0], right.shape[0]], count = Math.max(...counts);
      if (!isSoftware(backend) || counts.some((n) => n !== count && n !== 1)) return product.kernelFunc(call);
      const rows = left.shape[turns.transposeA ? 2 : 1], columns = right.shape[turns.transposeB ? 1 : 2];
      const program = productProgram([count, rows, columns], turns);
      const result = backend.runWebGPUProgram(program, [left, right], a.dtype);
      const outer = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
      return { ...result, shape: [...outer, rows, columns] };
    },
  });
}

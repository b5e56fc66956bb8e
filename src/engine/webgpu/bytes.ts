import type { WebGPUProgram } from "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import * as tf from "../tensors.ts";
import type { GuardedBackend } from "./backend.ts";

/** Threads of a group. */
const GROUP = 64;

/** The program that spreads packed bytes: one thread for each number. */
function unpacking(shape: number[]): WebGPUProgram {
  return {
    variableNames: ["packed"],
    outputShape: shape,
    workgroupSize: [GROUP, 1, 1],
    dispatchLayout: { x: shape.map((_, axis) => axis) },
    dispatch: [Math.ceil(tf.util.sizeFromShape(shape) / GROUP), 1, 1],
    shaderKey: "unpackBytes",
    size: true,
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) {
          let word = bitcast<u32>(packed[index / 4]);
          setOutputAtIndexI32(index, i32(extractBits(word, 8u * u32(index % 4), 8u)));
        }
      }
    `,
  };
}

/** A tensor of whole numbers that crosses to the device as bytes: four in a word, the first in the lowest bits. */
export function bytesTensor(backend: GuardedBackend, data: Uint8Array, shape: number[]): tf.Tensor {
  const bytes = new Uint8Array(4 * Math.ceil(data.length / 4));
  bytes.set(data);
  const packed = backend.makeTensorInfo([bytes.length / 4], "int32", new Int32Array(bytes.buffer));
  try {
    const { dataId } = backend.runWebGPUProgram(unpacking(shape), [packed], "int32");
    return tf.engine().makeTensorFromDataId(dataId, shape, "int32", backend);
  } finally {
    backend.disposeData(packed.dataId);
  }
}

import type { WebGPUProgram } from "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import * as tf from "../tensors.ts";

/** Threads of a group. */
const GROUP = 64;

/** Names of the coordinates of one element, by axis. */
const AXES = "xyzwuv";

/** A program of tfjs that transposes. The one for matrices does not say the order of its axes. */
type Transposition = WebGPUProgram & { newDim?: number[] };

/** Whether a program is one of tfjs's that transpose. */
function transposes(program: WebGPUProgram): program is Transposition {
  return /^transpose(_|Shared$)/.test(program.shaderKey);
}

/**
 * tfjs's programs that transpose handle elements as float32 only: of whole numbers and truth values a tensor of three or
 * more axes is refused by the device, and a matrix is rounded. In their place a program for those is given; any other
 * program is given back as it is.
 *
 * @param stored How the argument lies in the device's memory; its tensor may say float32 after a cast.
 * @param result How the result shall lie.
 */
export function correctTranspose(
  program: WebGPUProgram,
  stored: tf.DataType,
  result: tf.DataType,
): WebGPUProgram {
  if (!transposes(program) || stored === "float32") return program;
  const { outputShape, newDim = [1, 0] } = program;
  const rank = newDim.length, whole = result !== "float32";
  const coordinates = newDim.map((_, axis) => `at.${AXES[newDim.indexOf(axis)]}`).join(", ");
  const place = rank > 4 ? `vec${rank}(${coordinates})` : `vec${rank}<i32>(${coordinates})`;
  const value = `A[getIndexFromCoords${rank}D(${place}, uniforms.aShape)]`;
  return {
    variableNames: ["A"],
    outputShape,
    workgroupSize: [GROUP, 1, 1],
    dispatchLayout: { x: outputShape.map((_, axis) => axis) },
    dispatch: [Math.ceil(tf.util.sizeFromShape(outputShape) / GROUP), 1, 1],
    shaderKey: `transposeWhole_${newDim}`,
    size: true,
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) {
          let at = getCoordsFromIndex(index);
          ${whole ? `setOutputAtIndexI32(index, ${value})` : `setOutputAtIndex(index, f32(${value}))`};
        }
      }
    `,
  };
}

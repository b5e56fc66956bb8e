import * as tf from "../tensors.ts";
import { plainEngine } from "../op_by_op.ts";
import type { Engine } from "../types.ts";
import { loadCompanions } from "../xla/pjrt/companions.ts";
import { quietLog } from "../xla/pjrt/quiet.ts";
import { driversLoaded } from "../webgpu/adapter.ts";
import { InstallError } from "../install/install.ts";
import { passing } from "../self_test/self_test.ts";
import { findTensorflow, type FoundTensorflow } from "./install.ts";
import { loadNativeBackend, type NativeBackend } from "./node.ts";

const BACKEND = "tensorflow";

async function load({ path }: FoundTensorflow): Promise<NativeBackend> {
  quietLog();
  loadCompanions(path.replace(/[^/]*$/, "tensorflow/"));
  try {
    return await loadNativeBackend(path);
  } catch (cause) {
    throw new Error(
      `TensorFlow in ${path} could not be loaded: ${cause instanceof Error ? cause.message : cause}. ` +
        "Install it anew (remove its folder first), or take another engine.",
      { cause },
    );
  }
}

/**
 * The engine of those who have TensorFlow: its C library runs TensorFlow.js's ops one by one, in float32.
 *
 * @param cache Default: the user's cache folder.
 * @throws {InstallError} When it is not installed.
 * @throws {UnfitEngineError} When it computes wrongly.
 * @throws {Error} When WebGPU was asked for a device before: the two do not get on in that order.
 */
export async function openTensorflow(cache?: string): Promise<Engine> {
  if (!tf.findBackend(BACKEND)) {
    const found = await findTensorflow({ cache });
    if (!found) {
      throw new InstallError(
        "TensorFlow is not installed: `deno task engine install tensorflow` fetches and builds it (274 MB), " +
          "`… install tensorflow-gpu` for NVIDIA cards",
      );
    }
    // Mesa's drivers bring LLVM, and TensorFlow, loaded after it, would take its functions for its own and crash.
    if (Deno.build.os === "linux" && driversLoaded()) {
      throw new Error(
        "engine tensorflow cannot be opened after WebGPU was asked for a device: their libraries do not get on in this " +
          "order. Open it first, or in a process of its own.",
      );
    }
    const backend = await load(found);
    tf.registerBackend(BACKEND, () => backend, 3);
  }
  await tf.setBackend(BACKEND);
  const device = (tf.backend() as NativeBackend).isUsingGpuDevice ? "an NVIDIA card" : "the processor";
  return await passing(plainEngine("tensorflow", `TensorFlow 2.21 on ${device}, float32, op by op`));
}

import * as tf from "./tensors.ts";
import { plainEngine } from "./op_by_op.ts";
import { passing } from "./self_test/self_test.ts";
import type { Engine } from "./types.ts";
import { describeAdapter, findAdapter, NO_ADAPTER, requestDevice } from "./webgpu/adapter.ts";
import { GuardedBackend } from "./webgpu/backend.ts";
import { bytesTensor } from "./webgpu/bytes.ts";
import { useSoftwareProduct } from "./webgpu/product.ts";
import { useSoundRelu6 } from "./webgpu/relu6.ts";

const NAME = "webgpu";

// The package's own backend requests less than the device can do and hides its errors.
if (tf.findBackendFactory(NAME)) tf.removeBackend(NAME);
useSoftwareProduct(({ software }) => software);
useSoundRelu6();

/**
 * The engine for GPUs of any vendor: tfjs on Deno's own WebGPU (Vulkan, Metal, DirectX 12), float32. What its device
 * refuses or loses makes the next call or reading fail; values are read asynchronously only.
 *
 * @returns The engine, TensorFlow.js's current backend.
 * @throws {Error} When there is no device, and the message says what to install; or while another engine webgpu is open.
 * @throws {UnfitEngineError} When the device computes wrongly.
 */
export async function openWebgpu(): Promise<Engine> {
  const found = await findAdapter();
  if (!found) throw new Error(`engine webgpu cannot run here: ${NO_ADAPTER}`);
  if (tf.findBackendFactory(NAME)) throw new Error("engine webgpu is open already; close it first");
  const backend = new GuardedBackend(await requestDevice(found), found);
  // Otherwise tfjs would add up the parts of some products in the order in which threads finish, and a resumed run
  // would differ from an unbroken one.
  tf.env().set("WEBGPU_THRESHOLD_TO_INCREASE_WORKGROUPS_FOR_MATMUL", 0.25);
  tf.registerBackend(NAME, () => backend);
  await tf.setBackend(NAME);
  return await passing({
    ...plainEngine(NAME, `WebGPU on ${describeAdapter(found)}, float32, op by op`),
    bytes: (data, shape) => bytesTensor(backend, data, shape),
    ready: () => backend.finished(),
    close: () => {
      if (tf.findBackend(NAME) === backend) tf.removeBackend(NAME); // It disposes the backend too.
      return Promise.resolve();
    },
  }, { again: `webgpu on ${found.name}` });
}

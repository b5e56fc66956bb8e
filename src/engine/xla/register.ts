import * as tf from "./tf.ts";
import { XlaBackend } from "./backend.ts";
import { registerGradients } from "./gradients/mod.ts";
import { LAYOUT_PROBE } from "./kernels/arrange.ts";
import { EAGER } from "./kernels/eager.ts";
import { GUARDS, type Seen } from "./kernels/index_checks.ts";
import { HOSTED, hostedReason, runOnHost } from "./kernels/host.ts";
import { LOWERINGS } from "./kernels/mod.ts";
import type { Client } from "./pjrt/types.ts";
import { compiles } from "./pjrt/probe.ts";
import type { DeviceMesh } from "./compile/spread.ts";
import { userLine } from "./compile/trace.ts";

/** The backend's name in TensorFlow.js. */
export const BACKEND = "xla";

/**
 * Makes sure that the backend may be opened.
 *
 * @throws {Error} When it is open: a process has one.
 */
export function requireClosed(): void {
  if (tf.findBackend(BACKEND)) {
    throw new Error("xla: the backend is already open in this process; use that one, or close it first");
  }
}

/**
 * Makes sure that what TensorFlow.js computes now goes to a backend.
 *
 * @throws {Error} When it was closed, or another one has been made TensorFlow.js's current backend since.
 */
export function requireCurrent(backend: XlaBackend): void {
  if (tf.findBackend(BACKEND) !== backend) {
    throw new Error(
      "xla: the backend that this function was prepared for is closed; prepare it on the open one",
    );
  }
  const current = tf.getBackend();
  if (current === BACKEND) return;
  throw new Error(
    `xla: a function cannot be traced while TensorFlow.js's current backend is ${current}: another engine was opened ` +
      `since. Close xla and open it anew, or tf.setBackend("${BACKEND}")`,
  );
}

/** Gives a backend up, and its client; nothing where it was given up before, whatever has been opened since. */
export function closeBackend(backend: XlaBackend): void {
  if (tf.findBackend(BACKEND) === backend) tf.removeBackend(BACKEND);
}

/**
 * Registers the kernels and a backend on a client's first device, and makes it TensorFlow.js's current backend.
 *
 * @param client An open PJRT client.
 * @param mesh The devices that functions may be split over, where they are several.
 * @param platform The platform whose forms are recorded. Default: the client's; tests name another.
 * @returns The backend.
 * @throws {Error} When the backend is already registered: a process has one.
 */
export async function registerBackend(
  client: Client,
  mesh?: DeviceMesh,
  platform = client.platform,
): Promise<XlaBackend> {
  requireClosed();
  for (const kernelName of [...Object.keys(LOWERINGS), ...Object.keys(HOSTED)]) {
    if (tf.getKernel(kernelName, BACKEND)) continue;
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs, backend }) => runKernel(backend as XlaBackend, kernelName, inputs, attrs),
    });
  }
  registerGradients();
  const arranges = platform === "cpu" && client.platform === "cpu" && compiles(client, LAYOUT_PROBE);
  const backend = new XlaBackend(client, mesh, arranges, platform);
  tf.registerBackend(BACKEND, () => backend, 3);
  await tf.setBackend(BACKEND);
  return backend;
}

/** Records a kernel, runs it on the device or, where XLA cannot, on the host. */
function runKernel(
  backend: XlaBackend,
  name: string,
  inputs: tf.NamedTensorInfoMap,
  attrs?: tf.NamedAttrMap,
): tf.TensorInfo | tf.TensorInfo[] {
  const given = inputs as Record<string, tf.TensorInfo>;
  const own = backend.trace ? undefined : EAGER[name]?.(backend, given, (attrs ?? {}) as never);
  if (own) return own;
  const onHost = hostedReason(name, inputs, attrs);
  if (onHost === undefined) {
    if (!backend.trace) GUARDS[name]?.(seen(backend, inputs), (attrs ?? {}) as never);
    return backend.run(name, LOWERINGS[name], given, attrs);
  }
  if (!backend.trace) return runOnHost(backend, name, inputs, attrs);
  throw new Error(
    `xla: ${name} cannot be traced: ${onHost}${userLine()}. Call it outside of jit and give its result as an argument`,
  );
}

/** Inputs with the values that are on the host. */
function seen(backend: XlaBackend, inputs: tf.NamedTensorInfoMap): Record<string, Seen> {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, info]) => {
      const { host } = backend.entries.get(info!.dataId);
      return [key, { shape: info!.shape, values: host as ArrayLike<number> | undefined }];
    }),
  );
}

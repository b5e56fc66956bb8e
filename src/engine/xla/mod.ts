/**
 * A TensorFlow.js backend on XLA, through any PJRT plugin: the processor, or a graphics card.
 *
 * Every op runs on the device at once; {@linkcode Xla.jit} compiles a whole function, gradients included, into one
 * program.
 *
 * @example
 * ```ts
 * import { openXla, providePlugin, tf } from "./mod.ts";
 * import assert from "node:assert/strict";
 *
 * const xla = await openXla((await providePlugin()).path);
 * const slope = xla.jit(({ x }: { x: tf.Tensor }) => tf.grad((x) => tf.sum(tf.square(x)))(x));
 * assert.deepEqual([...slope({ x: tf.tensor1d([1, 2, 3]) }).dataSync()], [2, 4, 6]);
 * xla.close();
 * ```
 *
 * @module
 */
import * as tf from "./tf.ts";

export { tf };
export { type Hosts, joinHosts, type JoinOptions } from "./hosts/join.ts";
export { HostsError } from "./hosts/request.ts";
export { openXla, type Xla, type XlaOptions } from "./open.ts";
export { findCudaPlugins, findPlugin, type FoundPlugin, providePlugin } from "../install/plugin.ts";
export {
  CPU_PLUGIN,
  CUDA12_PLUGIN,
  CUDA13_PLUGIN,
  ensureCpuPlugin,
  ensurePackage,
  InstallError,
  InstallError as PluginUnavailableError,
  type InstallOptions,
  type InstallProgress,
  type NativePackage,
} from "../install/install.ts";
export type { XlaJitted } from "./compile/jit.ts";
export { divideRows, keepWhole, splitRows } from "./split.ts";
export type { CallMemory, CompileReport, JitOptions, Jitted, Precision } from "./types.ts";
export type { Tree } from "./tree.ts";
export type { Buffer, Client, Device, Executable } from "./pjrt/types.ts";

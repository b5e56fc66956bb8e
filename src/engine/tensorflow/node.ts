/**
 * The parts of npm:@tensorflow/tfjs-node that can be used as they are. Its main module cannot: it looks for a binding
 * that an install script would have fetched, for a TensorFlow of 2022.
 *
 * @module
 */
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import util from "node:util";
import type { KernelBackend } from "../tensors.ts";

/** The version of the package whose parts these are. */
export const TFJS_NODE = "4.22.0";

/** TensorFlow.js's backend on a native binding. */
export type NativeBackend = KernelBackend & { readonly isUsingGpuDevice: boolean };

interface BackendModule {
  NodeJSKernelBackend: new (binding: unknown, packageName: string) => NativeBackend;
}

/** What was loaded: CommonJS gives its exports as the default. */
function exportsOf<T>(module: unknown): T {
  return (module as { default?: T }).default ?? module as T;
}

async function loadBackend(): Promise<BackendModule> {
  return exportsOf(await import("npm:@tensorflow/tfjs-node@4.22.0/dist/nodejs_kernel_backend.js"));
}

/** The folder of the package's files. */
async function packageFolder(): Promise<string> {
  await loadBackend();
  const { cache } = createRequire(resolve("/"));
  const ending = /@tensorflow.tfjs-node.4\.22\.0.dist.nodejs_kernel_backend\.js$/;
  const path = Object.keys(cache).find((path) => ending.test(path));
  if (!path) throw new Error(`npm:@tensorflow/tfjs-node@${TFJS_NODE} is loaded, but not to be found.`);
  return dirname(dirname(path));
}

/** Where the binding's sources and the headers of Node-API are. */
export async function bindingSources(): Promise<{ sources: string; headers: string }> {
  const { include_dir } = exportsOf<{ include_dir: string }>(await import("npm:node-api-headers@1.9.0"));
  return { sources: join(await packageFolder(), "binding"), headers: include_dir };
}

/**
 * Registers the kernels and makes a backend of a built binding.
 *
 * @param binding Path of the `.node` file.
 * @throws {Error} When it cannot be loaded.
 */
export async function loadNativeBackend(binding: string): Promise<NativeBackend> {
  // Node 23 has done away with it; the kernels still use it.
  const old = util as { isNullOrUndefined?: (value: unknown) => boolean };
  old.isNullOrUndefined ??= (value) => value === null || value === undefined;
  await import("npm:@tensorflow/tfjs-node@4.22.0/dist/register_all_kernels.js");
  const { NodeJSKernelBackend } = await loadBackend();
  return new NodeJSKernelBackend(createRequire(binding)(binding), "@tensorflow/tfjs-node");
}

import {
  ensurePackage,
  installedPackage,
  type InstallOptions,
  type NativePackage,
} from "../install/install.ts";
import { nvidiaCards } from "../install/nvidia.ts";
import { BUILD, needCompiler } from "./build.ts";
import { TENSORFLOW, TENSORFLOW_GPU } from "./packages.ts";

/**
 * Fetches TensorFlow through pip and builds TensorFlow.js's binding to it, in the cache.
 *
 * @param native `TENSORFLOW` or `TENSORFLOW_GPU`.
 * @returns The binding's path.
 * @throws {InstallError} When a compiler, pip, the network or space is missing.
 */
export async function ensureTensorflow(native: NativePackage, options: InstallOptions = {}): Promise<string> {
  // Known before hundreds of megabytes are fetched.
  if (await installedPackage(native, { ...options, build: BUILD }) === undefined) await needCompiler();
  return await ensurePackage(native, { ...options, build: BUILD });
}

/** A TensorFlow that was installed. */
export interface FoundTensorflow {
  /** The binding. */
  path: string;
  native: NativePackage;
}

/** The TensorFlow to take of those that are installed: for NVIDIA's cards where there is one. Fetches nothing. */
export async function findTensorflow(
  { cache, root }: { cache?: string; root?: string } = {},
): Promise<FoundTensorflow | undefined> {
  const order = nvidiaCards(root).length > 0 ? [TENSORFLOW_GPU, TENSORFLOW] : [TENSORFLOW, TENSORFLOW_GPU];
  for (const native of order) {
    const path = await installedPackage(native, { cache, build: BUILD });
    if (path) return { path, native };
  }
  return undefined;
}

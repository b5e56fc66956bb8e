import type { XlaBackend } from "./backend.ts";
import { type Compiler, compilerOf } from "./compiler.ts";
import { jit, type JitOptions, type Jitted } from "./jit.ts";
import { openClient } from "./pjrt/client.ts";
import { compiles } from "./pjrt/probe.ts";
import type { Client, NamedValues } from "./pjrt/types.ts";
import { BACKEND, registerBackend } from "./register.ts";
import { type DeviceMesh, meshOf } from "./spread.ts";
import * as tf from "./tf.ts";
import type { Tree } from "./tree.ts";

/** How the backend is opened. */
export interface XlaOptions {
  /** The plugin's own options, such as `{ memory_fraction: 0.9 }` for CUDA. */
  client?: NamedValues;
  /** Devices that functions may be split over (`shard`). Default 1. XLA's CPU plugin makes as many as are asked for. */
  devices?: number;
  /** Folder for compiled programs; none keeps none. */
  cache?: string;
  /** XLA's debug options for every program; a plugin that does not know one of them gets none. */
  flags?: Readonly<Record<string, string | number | boolean>>;
}

/** A program that says nothing, to try debug options with. */
const NOTHING = "func.func public @main() -> tensor<f32> {\n" +
  "  %0 = stablehlo.constant dense<0.0> : tensor<f32>\n  return %0 : tensor<f32>\n}";

/** TensorFlow.js on a PJRT plugin's devices. */
export interface Xla {
  readonly client: Client;
  readonly backend: XlaBackend;
  readonly compiler: Compiler;
  /** Compiles a pure function of tensor trees. */
  jit<Args extends Record<string, Tree>, Result extends Tree>(
    fn: (args: Args) => Result,
    options?: JitOptions<Args>,
  ): Jitted<Args, Result>;
  /** Gives back the devices and all tensors on them. */
  close(): void;
}

/**
 * Opens a PJRT plugin and makes it TensorFlow.js's current backend.
 *
 * @param plugin Path of the plugin's shared library, see `ensureCpuPlugin`.
 * @param options Client options and the cache for compiled programs.
 * @throws When the plugin cannot be loaded or has no device.
 */
export async function openXla(plugin: string, options: XlaOptions = {}): Promise<Xla> {
  const { flags, cache, devices = 1 } = options;
  let client = openClient(plugin, options.client);
  if (client.platform === "cpu" && devices > client.devices.length) {
    client.close();
    client = openClient(plugin, { ...options.client, cpu_device_count: devices });
  }
  let mesh: DeviceMesh | undefined;
  try {
    mesh = meshOf(client, devices);
  } catch (error) {
    client.close();
    throw error;
  }
  const backend = await registerBackend(client, mesh);
  const compiler = compilerOf(
    client,
    cache,
    flags && compiles(client, NOTHING, { xlaFlags: flags }) ? { xlaFlags: flags } : {},
  );
  return {
    client,
    backend,
    compiler,
    jit: (fn, how) => jit(backend, compiler, fn, how),
    close: () => tf.removeBackend(BACKEND),
  };
}

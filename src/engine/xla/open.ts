import type { XlaBackend } from "./backend.ts";
import { type Compiler, compilerOf } from "./compile/compiler.ts";
import { jit, type XlaJitted } from "./compile/jit.ts";
import type { Hosts } from "./hosts/join.ts";
import { CPU_FLAGS } from "./kernels/compile_options.ts";
import { loadApi, PjrtError } from "./pjrt/api.ts";
import { openClient } from "./pjrt/client.ts";
import { compiles } from "./pjrt/probe.ts";
import type { Client, NamedValues } from "./pjrt/types.ts";
import { closeBackend, registerBackend, requireClosed } from "./register.ts";
import { type DeviceMesh, meshOf, requireCount } from "./compile/spread.ts";
import type { Tree } from "./tree.ts";
import type { JitOptions } from "./types.ts";

/** How the backend is opened. */
export interface XlaOptions {
  /** The plugin's own options, such as `{ memory_fraction: 0.9 }` for CUDA. */
  client?: NamedValues;
  /**
   * Devices that functions may be split over (`shard`), of each process. Default 1. XLA's CPU plugin makes as many as are
   * asked for.
   */
  devices?: number;
  /** The processes that split functions together, from {@linkcode joinHosts}. Each must then run the same functions. */
  hosts?: Hosts;
  /** Folder for compiled programs; none keeps none. */
  cache?: string;
  /**
   * XLA's debug options for every program, beside our own for its CPU compiler; a plugin that does not know one of them gets
   * none.
   */
  flags?: Readonly<Record<string, string | number | boolean>>;
  /** The platform whose forms are recorded, where operations have several. Default: the plugin's; tests name another. */
  platform?: string;
}

/** A program that says nothing, to try debug options with. */
const NOTHING = "func.func public @main() -> tensor<f32> {\n" +
  "  %0 = stablehlo.constant dense<0.0> : tensor<f32>\n  return %0 : tensor<f32>\n}";

/** A client that sees the devices of all processes. Blocks until the plugins have found each other. */
function openWithHosts(plugin: string, hosts: Hosts, options: NamedValues = {}): Client {
  const { nodes, nodeId, callbacks } = hosts;
  let client: Client;
  try {
    client = openClient(plugin, { ...options, node_id: nodeId, num_nodes: nodes }, callbacks);
  } catch (error) {
    if (!(error instanceof PjrtError && /num_nodes|node_id/.test(error.message))) throw error;
    throw new Error(
      `The PJRT plugin ${plugin} cannot compute with other hosts: it does not know the options node_id and num_nodes ` +
        `(${error.message}). CUDA's and ROCm's plugins do; XLA's CPU plugin does not.`,
      { cause: error },
    );
  }
  const processes = new Set(client.globalDevices.map(({ processIndex }) => processIndex));
  if (processes.size === nodes && client.processIndex === nodeId) return client;
  client.close();
  throw new Error(
    `The PJRT plugin ${plugin} was opened as process ${nodeId} of ${nodes}, but shows the devices of ` +
      `${processes.size} as process ${client.processIndex}: it cannot compute with other hosts.`,
  );
}

/** TensorFlow.js on a PJRT plugin's devices. */
export interface Xla {
  readonly client: Client;
  readonly backend: XlaBackend;
  readonly compiler: Compiler;
  /** Compiles a pure function of tensor trees. */
  jit<Args extends Record<string, Tree>, Result extends Tree>(
    fn: (args: Args) => Result,
    options?: JitOptions<Args>,
  ): XlaJitted<Args, Result>;
  /** Gives back the devices and all tensors on them. Safe to call twice. */
  close(): void;
}

/**
 * Opens a PJRT plugin and makes it TensorFlow.js's current backend.
 *
 * @param plugin Path of the plugin's shared library, see `ensureCpuPlugin`.
 * @param options Client options and the cache for compiled programs.
 * @throws {Error} When the plugin cannot be loaded or has no device, or the backend is open in this process.
 */
export async function openXla(plugin: string, options: XlaOptions = {}): Promise<Xla> {
  const { devices = 1, hosts } = options, flags = { ...CPU_FLAGS, ...options.flags };
  requireCount(devices);
  loadApi(plugin); // What is no plugin is told first.
  requireClosed(); // Before a client takes a card's memory.
  // Programs of several processes are compiled by all of them together; one that found its own on disk would not join in.
  const cache = hosts ? undefined : options.cache;
  let client = hosts ? openWithHosts(plugin, hosts, options.client) : openClient(plugin, options.client);
  if (!hosts && client.platform === "cpu" && devices > client.devices.length) {
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
  const backend = await registerBackend(client, mesh, options.platform);
  const compiler = compilerOf(
    client,
    cache,
    compiles(client, NOTHING, { xlaFlags: flags }) ? { xlaFlags: flags } : {},
  );
  return {
    client,
    backend,
    compiler,
    jit: (fn, how) => jit(backend, compiler, fn, how),
    close: () => closeBackend(backend),
  };
}

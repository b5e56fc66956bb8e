import * as tf from "./tensors.ts";
import type { Engine, JitOptions, Jitted } from "./types.ts";
import { leaves, type Tree } from "./tensors.ts";
import { CARD_FLAGS } from "./xla/card_flags.ts";
import { openXla, type Xla } from "./xla/open.ts";
import { peakFlops } from "./peak.ts";
import { type MemoryOptions, memoryValues, refusedMemory } from "./memory.ts";
import type { Client, NamedValues } from "./xla/pjrt/types.ts";
import type { Hosts } from "./xla/hosts/join.ts";
import { PjrtError, PluginLoadError } from "./xla/pjrt/api.ts";
import { choosePlugins, type CudaOptions } from "./install/plugin.ts";
import { passing, UnfitEngineError } from "./self_test/self_test.ts";

/** How the XLA engine is opened. */
export interface XlaEngineOptions extends MemoryOptions {
  /**
   * Path of a PJRT plugin. Default: `PJRT_PLUGIN`; else, where there is an NVIDIA card, a plugin for it that was
   * installed; else the CPU plugin, fetched through pip at the first use.
   */
  plugin?: string;
  /** Devices that `shard` splits over, of each process. Default 1. */
  devices?: number;
  /** The processes that compute together. */
  hosts?: Hosts;
  /** Folder for compiled programs; none keeps none. */
  cache?: string;
  /** The plugin's own options, such as `{ memory_fraction: 0.9, preallocate: false }` for CUDA. */
  client?: NamedValues;
  /** XLA's debug options beside our own, such as `{ xla_backend_optimization_level: 0 }` to compile faster. */
  flags?: Readonly<Record<string, string | number | boolean>>;
  /** The platform whose forms of operations are taken. Default: the plugin's; tests name another. */
  platform?: string;
  /** Where to look for plugins instead of the usual places. */
  search?: CudaOptions;
  /** Told of downloads and of what was chosen and why, in words. */
  progress?: (line: string) => void;
}

/** Flags that the user's XLA_FLAGS does not mention. */
function unmentioned<T>(flags: Record<string, T>): Record<string, T> {
  let given: string;
  try {
    given = Deno.env.get("XLA_FLAGS") ?? "";
  } catch {
    return flags; // Without the permission to ask.
  }
  return Object.fromEntries(Object.entries(flags).filter(([name]) => !given.includes(`--${name}`)));
}

/** The engine on an open plugin. */
export function xlaEngine(xla: Xla, { devices: ofEach = 1, hosts }: XlaEngineOptions = {}): Engine {
  const { client, backend } = xla, { kind } = client.devices[0], devices = ofEach * (hosts?.nodes ?? 1);
  return {
    name: "xla",
    description: `XLA on ${devices > 1 ? `${devices} devices of ` : ""}${client.platform} (${kind}), ` +
      (hosts ? `node ${hosts.nodeId} of ${hosts.nodes}, ` : "") +
      `PJRT C API ${client.apiVersion}`,
    devices,
    compiles: true,
    deviceMemory: () => client.platform === "cpu" ? "host" : client.devices[0].memory(),
    bytes: (data, shape) => {
      // With several devices, the call that uses them says which of them they go to.
      const { dataId } = devices > 1
        ? backend.adoptRows(data, shape)
        : backend.adopt(client.buffer(data, "u8", shape), shape);
      return tf.engine().makeTensorFromDataId(dataId, shape, "int32", backend);
    },
    floats: (data, shape) => {
      const { dataId } = backend.adoptRows(data, shape);
      return tf.engine().makeTensorFromDataId(dataId, shape, "float32", backend);
    },
    jit: <Args extends Record<string, Tree>, Result extends Tree>(
      fn: (args: Args) => Result,
      how: JitOptions<Args> = {},
    ): Jitted<Args, Result> => {
      const jitted = xla.jit(fn, how), one = peakFlops(kind, how.precision ?? "float32");
      const peak = one && one * (how.shard?.length ? devices : 1);
      return Object.assign((args: Args) => jitted(args), {
        compile: async (args: Args) => ({ ...await jitted.compile(args), peakFlops: peak }),
        dispose: () => jitted.dispose(),
      });
    },
    ready: async (tree) => {
      const held = leaves(tree).flatMap((leaf) => backend.buffers(leaf));
      await Promise.all(held.map((buffer) => buffer.ready()));
    },
    close: () => Promise.resolve(xla.close()),
  };
}

/** Opens a plugin, and has it pass the self-test. */
export async function openPlugin(
  path: string,
  options: XlaEngineOptions,
): Promise<{ engine: Engine; client: Client }> {
  const { devices = 1, hosts, cache, platform } = options;
  const client = { ...options.client, ...memoryValues(options) },
    flags = { ...unmentioned(CARD_FLAGS), ...options.flags };
  let xla: Xla;
  try {
    xla = await openXla(path, { devices, hosts, cache, flags, client, platform });
  } catch (error) {
    throw refusedMemory(error, path, options);
  }
  const engine = await passing(xlaEngine(xla, options), {
    where: `the plugin ${path}`,
    node: hosts,
    // Processes that compute together must run the same programs, so all of them are tested each time.
    again: hosts ? undefined : JSON.stringify([path, devices, client, flags]),
  });
  return { engine, client: xla.client };
}

/**
 * The engine that compiles: TensorFlow.js on XLA through a PJRT plugin, the one that was named or, in turn, those that
 * may be taken: where one for a graphics card does not work here or fails the self-test, the next one is better than none.
 *
 * @param options Which plugin and devices, and whom to tell.
 * @returns The engine, TensorFlow.js's current backend.
 * @throws {InstallError} When no plugin is there and none can be fetched.
 * @throws {UnfitEngineError} When the plugin computes wrongly.
 * @throws {PluginLoadError} When the plugin that was named cannot be loaded.
 * @throws {RangeError} When it has too few devices, or the share of memory is out of bounds.
 * @throws {Error} When there is no plugin to choose from.
 */
export async function openXlaEngine(options: XlaEngineOptions = {}): Promise<Engine> {
  const { plugin, progress } = options;
  if (plugin) return (await openPlugin(plugin, options)).engine;
  let said = "";
  const search = {
    ...options.search,
    // Downloads report several times a second; one line is enough.
    progress: ({ message }: { message: string }) => message !== said && progress?.(said = message),
  };
  for await (const choice of choosePlugins(search)) {
    progress?.(`taking engine xla: ${choice.why}`);
    try {
      return (await openPlugin(choice.path, options)).engine;
    } catch (error) {
      const unusable = [PjrtError, PluginLoadError, UnfitEngineError].some((kind) => error instanceof kind);
      if (choice.last || !unusable) throw error;
      progress?.(`the plugin ${choice.path} cannot be used: ${(error as Error).message}`);
    }
  }
  throw new Error("engine xla: no plugin to choose from"); // The last choice was returned or has thrown.
}

import * as tf from "./tensors.ts";
import type { CompileReport, Engine, JitOptions, Jitted } from "./types.ts";
import { leaves, type Tree } from "./tensors.ts";
import { openXla, type Xla } from "./xla/open.ts";
import { peakFlops } from "./peak.ts";
import { type MemoryOptions, memoryValues, refusedMemory } from "./memory.ts";
import type { NamedValues } from "./xla/pjrt/types.ts";
import type { Hosts } from "./xla/hosts/join.ts";
import { PjrtError, PluginLoadError } from "./xla/pjrt/api.ts";
import { choosePlugins, type CudaOptions } from "./install/plugin.ts";

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
  /** Where plugins are looked for, in place of the usual places. */
  search?: CudaOptions;
  /** Told of downloads and of what was chosen and why, in words. */
  progress?: (line: string) => void;
}

/**
 * What XLA's CPU compiler is told; on other devices this says nothing. The larger of a number and not-a-number must not
 * be the number, or a ReLU would hide a NaN.
 */
const CPU_FLAGS = { xla_cpu_enable_fast_min_max: false };

/**
 * Opens the plugin that was named or, in turn, those that may be taken: where one for a graphics card does not work
 * here, the next one is better than none. One with too few devices works.
 */
async function openPlugin(options: XlaEngineOptions): Promise<Xla> {
  const { devices = 1, hosts, cache, progress } = options;
  const client = { ...options.client, ...memoryValues(options) }, flags = { ...CPU_FLAGS, ...options.flags };
  const open = async (path: string): Promise<Xla> => {
    try {
      return await openXla(path, { devices, hosts, cache, flags, client });
    } catch (error) {
      throw refusedMemory(error, path, options);
    }
  };
  if (options.plugin) return await open(options.plugin);
  let said = "";
  const search = {
    ...options.search,
    // Downloads tell several times a second how many bytes have come; a line is enough.
    progress: ({ message }: { message: string }) => message !== said && progress?.(said = message),
  };
  for await (const choice of choosePlugins(search)) {
    progress?.(`taking engine xla: ${choice.why}`);
    try {
      return await open(choice.path);
    } catch (error) {
      if (choice.last || !(error instanceof PjrtError || error instanceof PluginLoadError)) throw error;
      progress?.(`the plugin ${choice.path} cannot be used: ${error.message}`);
    }
  }
  throw new Error("engine xla: no plugin to choose from"); // The last choice was returned or has thrown.
}

/**
 * The engine that compiles: TensorFlow.js on XLA through a PJRT plugin.
 *
 * @throws PluginUnavailableError when no plugin is there and none can be fetched.
 */
export async function openXlaEngine(options: XlaEngineOptions = {}): Promise<Engine> {
  const { hosts } = options, devices = (options.devices ?? 1) * (hosts?.nodes ?? 1);
  const xla = await openPlugin(options);
  const { client, backend } = xla, { kind } = client.devices[0];
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
      const jitted = xla.jit(fn, how);
      const compile = async (args: Args): Promise<CompileReport> => {
        const { traceSeconds, compileSeconds, cached, memory, flops } = await jitted.compile(args);
        const peak = memory && (memory.peak ?? memory.arguments + memory.outputs + memory.temporaries);
        const one = peakFlops(kind, how.precision ?? "float32");
        return {
          traceSeconds,
          compileSeconds,
          cached,
          memory: memory && { ...memory, peak: peak! },
          flops,
          peakFlops: one && one * (how.shard?.length ? devices : 1),
        };
      };
      return Object.assign((args: Args) => jitted(args), { compile });
    },
    ready: async (tree) => {
      await Promise.all(leaves(tree).map((leaf) => backend.buffer(leaf).ready()));
    },
    close: () => Promise.resolve(xla.close()),
  };
}

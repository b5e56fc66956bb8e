import * as tf from "./tf.ts";
import type { CompileReport, Engine, JitOptions, Jitted } from "./types.ts";
import { leaves, type Tree } from "./tree.ts";
import { openXla } from "./xla/open.ts";
import { peakFlops } from "./peak.ts";
import type { NamedValues } from "./xla/pjrt/types.ts";
import type { Hosts } from "./xla/hosts/join.ts";
import { providePlugin } from "./xla/plugin.ts";

/** How the XLA engine is opened. */
export interface XlaEngineOptions {
  /** Path of a PJRT plugin. Default: `PJRT_PLUGIN`, else the CPU plugin, fetched through pip at the first use. */
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
  /** Told of downloads, in words. */
  progress?: (line: string) => void;
}

/**
 * What XLA's CPU compiler is told; on other devices these say nothing. oneDNN's products make weight gradients 1.4 times
 * as fast as XLA's own. And the larger of a number and not-a-number must not be the number, or a ReLU would hide a NaN.
 */
const CPU_FLAGS = { xla_cpu_experimental_onednn_custom_call: true, xla_cpu_enable_fast_min_max: false };

/**
 * The engine that compiles: TensorFlow.js on XLA through a PJRT plugin.
 *
 * @throws PluginUnavailableError when no plugin is there and none can be fetched.
 */
export async function openXlaEngine(options: XlaEngineOptions = {}): Promise<Engine> {
  const progress = (step: { message: string }) => options.progress?.(step.message);
  const { hosts } = options, own = options.devices ?? 1, devices = own * (hosts?.nodes ?? 1);
  const path = options.plugin ?? (await providePlugin({ progress })).path;
  const xla = await openXla(path, {
    devices: own,
    hosts,
    client: options.client,
    cache: options.cache,
    flags: { ...CPU_FLAGS, ...options.flags },
  });
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

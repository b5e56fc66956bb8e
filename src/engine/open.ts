import { cacheFolder } from "../files/cache_folder.ts";
import { type MemoryOptions, memoryWish } from "./memory.ts";
import { findTensorflow } from "./tensorflow/install.ts";
import { openTensorflow } from "./tensorflow/open.ts";
import type { Engine, EngineName } from "./types.ts";
import { findAdapter } from "./webgpu/adapter.ts";
import { openWasm } from "./wasm.ts";
import type { Hosts } from "./xla/hosts/join.ts";
import { openXlaEngine } from "./xla_engine.ts";
import { PluginUnavailableError } from "./install/install.ts";

/** How an engine is opened. */
export interface EngineOptions extends MemoryOptions {
  /**
   * Path of a PJRT plugin for `xla`. Default: `PJRT_PLUGIN`; else one for an NVIDIA card that is here; else XLA's CPU
   * plugin.
   */
  plugin?: string;
  /** Devices that `shard` splits over, of each process. Default 1; only `xla` can have several. */
  devices?: number;
  /** The processes that compute together; only `xla` can. */
  hosts?: Hosts;
  /** Folder for compiled programs; an empty string keeps none. Default: a folder in the cache. */
  programs?: string;
  /** Told, a line at a time, what was chosen and why, and of downloads. */
  progress?: (line: string) => void;
}

/** Engines that `auto` goes on to where there is no plugin for `xla`, best first. */
const WITHOUT_PLUGIN: readonly {
  name: EngineName;
  /** Why it is taken, or undefined where it is not to be had. */
  why: () => Promise<string | undefined>;
}[] = [
  {
    name: "tensorflow",
    why: async () => await findTensorflow() && "it is installed; op by op, slower than xla",
  },
  {
    name: "webgpu",
    why: async () =>
      (await findAdapter())?.software === false ? "a GPU is here; op by op, slower than xla" : undefined,
  },
  { name: "wasm", why: () => Promise.resolve("it is always there; 20 to 60 times as slow as xla") },
];

/**
 * Opens an engine and makes it TensorFlow.js's current backend.
 *
 * @param name An engine, or `auto` for the best that works here: `xla` on an NVIDIA card, `xla` on the processor,
 * `tensorflow` if it is installed, `webgpu` on a GPU, `wasm`.
 * @param options Where things are and whom to tell.
 * @throws When the named engine cannot run here; the message says what is missing.
 */
export async function openEngine(
  name: EngineName | "auto" = "auto",
  options: EngineOptions = {},
): Promise<Engine> {
  const { plugin, devices = 1, hosts, progress } = options, memory = memoryWish(options);
  const needsXla = hosts
    ? `${hosts.nodes} nodes were asked for`
    : devices > 1
    ? `${devices} devices were asked for`
    : plugin
    ? "a plugin was named"
    : memory && `${memory} was asked for`;
  if (name !== "auto" && name !== "xla" && needsXla) {
    throw new Error(`${needsXla}, which engine ${name} cannot use; take engine xla`);
  }
  switch (name) {
    case "xla":
      return await openXlaEngine({
        ...options,
        cache: options.programs ?? cacheFolder("programs"),
      });
    case "tensorflow":
      return await openTensorflow();
    case "webgpu":
      return await (await import("./webgpu.ts")).openWebgpu();
    case "wasm":
      return await openWasm();
    case "auto":
      try {
        return await openEngine("xla", options);
      } catch (error) {
        if (!(error instanceof PluginUnavailableError) || needsXla) throw error;
        progress?.(`engine xla is not available: ${error.message}`);
      }
      for (const other of WITHOUT_PLUGIN) {
        const why = await other.why();
        if (why === undefined) continue;
        progress?.(`taking engine ${other.name}: ${why}`);
        try {
          return await openEngine(other.name, options);
        } catch (error) {
          progress?.(`engine ${other.name} cannot be used: ${(error as Error).message}`);
        }
      }
      throw new Error("no engine can run here");
    default:
      return name satisfies never;
  }
}

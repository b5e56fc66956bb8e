import { cacheFolder } from "../files/cache_folder.ts";
import { type MemoryOptions, memoryWish } from "./memory.ts";
import { findTensorflow } from "./tensorflow/install.ts";
import { openTensorflow } from "./tensorflow/open.ts";
import { type Engine, type EngineName, ENGINES } from "./types.ts";
import { findAdapter } from "./webgpu/adapter.ts";
import { openWasm } from "./wasm.ts";
import type { Hosts } from "./xla/hosts/join.ts";
import { PjrtError, PluginLoadError } from "./xla/pjrt/api.ts";
import { openXlaEngine } from "./xla_engine.ts";
import { InstallError } from "./install/install.ts";
import { UnfitEngineError } from "./self_test/self_test.ts";

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
  /** Called with a line about each choice, its reason, and downloads. */
  progress?: (line: string) => void;
}

/** Engines that `auto` goes on to where `xla` cannot be used, best first. */
const WITHOUT_PLUGIN: readonly {
  name: EngineName;
  /** Why it is chosen or skipped. */
  look: () => Promise<{ why: string } | { whyNot: string }>;
}[] = [
  {
    name: "tensorflow",
    look: async () =>
      await findTensorflow()
        ? { why: "it is installed; op by op, slower than xla" }
        : { whyNot: "it is not installed" },
  },
  {
    name: "webgpu",
    look: async () => {
      const found = await findAdapter();
      if (!found) return { whyNot: "no GPU that it can use is here" };
      return found.software
        ? { whyNot: `its device, ${found.name}, is played by the processor, for tests` }
        : { why: `a GPU is here, ${found.name}; op by op, slower than xla` };
    },
  },
  {
    name: "wasm",
    look: () => Promise.resolve({ why: "it is always there; more than ten times as slow as xla" }),
  },
];

/** The first of the other engines that is here and passes its self-test. */
async function openAnother(options: EngineOptions): Promise<Engine> {
  const { progress } = options;
  for (const { name, look } of WITHOUT_PLUGIN) {
    try {
      const found = await look();
      if ("whyNot" in found) {
        progress?.(`engine ${name} is passed over: ${found.whyNot}`);
        continue;
      }
      progress?.(`taking engine ${name}: ${found.why}`);
      return await openEngine(name, options);
    } catch (error) {
      progress?.(`engine ${name} cannot be used: ${(error as Error).message}`);
    }
  }
  throw new Error("no engine can run here; `deno task engine` lists them with what is missing");
}

/** The folder for compiled programs where none was named; none where there is no place for one. */
export function programsFolder(): string {
  try {
    return cacheFolder("programs");
  } catch {
    return "";
  }
}

/**
 * Opens an engine, has it pass its self-test and makes it TensorFlow.js's current backend.
 *
 * @param name An engine, or `auto` for the best that works here: `xla` on an NVIDIA card, `xla` on the processor,
 * `tensorflow` if it is installed, `webgpu` on a GPU, `wasm`.
 * @param options Where things are and whom to tell.
 * @returns The engine.
 * @throws {InstallError} When the named engine's library is not here, and cannot be fetched; the message says why.
 * @throws {UnfitEngineError} When the named engine computes wrongly here; the message says what.
 * @throws {RangeError} When there is no engine of that name, or the number of devices is none.
 * @throws {Error} When it cannot run here for other reasons, or cannot do what the options ask for.
 */
export async function openEngine(
  name: EngineName | "auto" = "auto",
  options: EngineOptions = {},
): Promise<Engine> {
  const { plugin, devices = 1, hosts, progress } = options, memory = memoryWish(options);
  if (!(Number.isSafeInteger(devices) && devices >= 1)) {
    throw new RangeError(`devices is ${devices}; it must be a whole number of at least 1`);
  }
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
      return await openXlaEngine({ ...options, cache: options.programs ?? programsFolder() });
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
        const unusable = [InstallError, PluginLoadError, PjrtError, UnfitEngineError];
        if (needsXla || !unusable.some((kind) => error instanceof kind)) throw error;
        progress?.(`engine xla is not available: ${(error as Error).message}`);
      }
      return await openAnother(options);
    default:
      name satisfies never;
      throw new RangeError(
        `there is no engine ${JSON.stringify(name)}; take ${[...ENGINES, "auto"].join(", ")}`,
      );
  }
}

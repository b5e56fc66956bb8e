import { cacheFolder } from "../cache.ts";
import type { Engine, EngineName } from "./types.ts";
import { openWasm } from "./wasm.ts";
import { findAdapter } from "./webgpu/adapter.ts";
import { openXlaEngine } from "./xla.ts";
import { PluginUnavailableError } from "./xla/install.ts";

/** How an engine is opened. */
export interface EngineOptions {
  /** Path of a PJRT plugin for `xla`. Default: `PJRT_PLUGIN`, else XLA's CPU plugin. */
  plugin?: string;
  /** Devices that `shard` splits over. Default 1; only `xla` can have several. */
  devices?: number;
  /** Folder for compiled programs; an empty string keeps none. Default: a folder in the cache. */
  programs?: string;
  /** Told, a line at a time, what was chosen and why, and of downloads. */
  say?: (line: string) => void;
}

/**
 * Opens an engine and makes it TensorFlow.js's current backend.
 *
 * @param name An engine, or `auto` for the best that works here.
 * @param options Where things are and whom to tell.
 * @throws When the named engine cannot run here; the message says what is missing.
 */
export async function openEngine(
  name: EngineName | "auto" = "auto",
  options: EngineOptions = {},
): Promise<Engine> {
  const { plugin, devices = 1, say } = options;
  const cache = options.programs ?? cacheFolder("programs");
  const openXla = () => openXlaEngine({ plugin, devices, cache, progress: say });
  const needsXla = devices > 1 ? `${devices} devices were asked for` : plugin && "a plugin was named";
  switch (name) {
    case "xla":
      return await openXla();
    case "wasm":
      if (needsXla) throw new Error(`${needsXla}, which engine wasm cannot use; take engine xla`);
      return await openWasm();
    case "webgpu":
      if (needsXla) throw new Error(`${needsXla}, which engine webgpu cannot use; take engine xla`);
      return await (await import("./webgpu.ts")).openWebgpu();
    case "auto":
      try {
        return await openXla();
      } catch (error) {
        if (!(error instanceof PluginUnavailableError) || needsXla) throw error;
        say?.(`engine xla is not available: ${error.message}`);
        if ((await findAdapter())?.software === false) {
          say?.("going on with engine webgpu");
          return await (await import("./webgpu.ts")).openWebgpu();
        }
        say?.("going on with engine wasm, which is 20 to 60 times as slow");
        return await openWasm();
      }
    default:
      return name satisfies never;
  }
}

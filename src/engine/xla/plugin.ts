import {
  CPU_PLUGIN,
  ensureCpuPlugin,
  installedPlugin,
  type InstallOptions,
  PluginUnavailableError,
} from "./install.ts";

/** Where a PJRT plugin is and how it was found. */
export interface FoundPlugin {
  /** The shared library. */
  path: string;
  origin: "PJRT_PLUGIN" | "cache" | "download";
}

/**
 * The plugin that this machine has: the environment's `PJRT_PLUGIN`, else one in our cache. Fetches nothing.
 *
 * @throws {PluginUnavailableError} when `PJRT_PLUGIN` names no file
 */
export async function findPlugin(cache?: string): Promise<FoundPlugin | undefined> {
  const path = Deno.env.get("PJRT_PLUGIN");
  if (path) {
    const info = await Deno.stat(path).catch((error: Error) => error);
    if (info instanceof Error || !info.isFile) {
      throw new PluginUnavailableError(
        `PJRT_PLUGIN is ${path}, but ${
          info instanceof Error ? `that can't be read (${info.message})` : "is no file"
        }. ` +
          `Set it to the path of a PJRT plugin's shared library, or unset it to use XLA's CPU plugin.`,
      );
    }
    return { path: await Deno.realPath(path), origin: "PJRT_PLUGIN" };
  }
  const cached = await installedPlugin(CPU_PLUGIN, cache);
  return cached === undefined ? undefined : { path: cached, origin: "cache" };
}

/**
 * As `findPlugin`, but fetches XLA's CPU plugin when there is none.
 *
 * @throws {PluginUnavailableError} when that is impossible; the message says why and what to do
 */
export async function providePlugin(options: InstallOptions = {}): Promise<FoundPlugin> {
  return await findPlugin(options.cache) ?? { path: await ensureCpuPlugin(options), origin: "download" };
}

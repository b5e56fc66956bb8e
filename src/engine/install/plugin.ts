import {
  CPU_PLUGIN,
  CUDA12_PLUGIN,
  CUDA13_PLUGIN,
  ensureCpuPlugin,
  installedPackage,
  InstallError,
  type InstallOptions,
} from "./install.ts";
import { cudaFor, nvidiaCards, nvidiaDriver } from "./nvidia.ts";
import { pythonPlugins } from "./python.ts";

/** Where a PJRT plugin is and how it was found. */
export interface FoundPlugin {
  /** The shared library. */
  path: string;
  origin: "PJRT_PLUGIN" | "cache" | "download" | "Python's packages";
}

/** The plugin that the environment's `PJRT_PLUGIN` names. */
async function namedPlugin(): Promise<FoundPlugin | undefined> {
  const path = Deno.env.get("PJRT_PLUGIN");
  if (!path) return undefined;
  const info = await Deno.stat(path).catch((error: Error) => error);
  if (info instanceof Error || !info.isFile) {
    throw new InstallError(
      `PJRT_PLUGIN is ${path}, but ${
        info instanceof Error ? `that can't be read (${info.message})` : "is no file"
      }. Set it to the path of a PJRT plugin's shared library, or unset it to use XLA's CPU plugin.`,
    );
  }
  return { path: await Deno.realPath(path), origin: "PJRT_PLUGIN" };
}

/**
 * The plugin that this machine has: the environment's `PJRT_PLUGIN`, else XLA's CPU plugin in our cache. Fetches
 * nothing.
 *
 * @throws {InstallError} When `PJRT_PLUGIN` names no file.
 */
export async function findPlugin(cache?: string): Promise<FoundPlugin | undefined> {
  const named = await namedPlugin();
  if (named) return named;
  const cached = await installedPackage(CPU_PLUGIN, { cache });
  return cached === undefined ? undefined : { path: cached, origin: "cache" };
}

/**
 * As `findPlugin`, but fetches XLA's CPU plugin when there is none.
 *
 * @throws {InstallError} When that is impossible; the message says why and what to do.
 */
export async function providePlugin(options: InstallOptions = {}): Promise<FoundPlugin> {
  return await findPlugin(options.cache) ?? { path: await ensureCpuPlugin(options), origin: "download" };
}

/** Where plugins for NVIDIA's cards are looked for. */
export interface CudaOptions {
  /** In place of the user's cache folder. */
  cache?: string;
  /** Folders of Python packages. Default: those that python3 names. */
  packages?: readonly string[];
  /** In place of the system's root folder, where cards and their driver are looked for. */
  root?: string;
}

/** Plugins for NVIDIA's cards that are here, best first: ours, then those that Python packages have brought. */
export async function findCudaPlugins(options: CudaOptions = {}): Promise<FoundPlugin[]> {
  const { cache, packages, root } = options, newest = cudaFor(nvidiaDriver(root));
  const found: FoundPlugin[] = [];
  for (const [cuda, native] of [[13, CUDA13_PLUGIN], [12, CUDA12_PLUGIN]] as const) {
    const path = cuda <= newest ? await installedPackage(native, { cache }) : undefined;
    if (path) found.push({ path, origin: "cache" });
  }
  for (const path of await pythonPlugins(packages)) {
    const cuda = /jax_plugins[/\\]xla_cuda(\d+)[/\\]/.exec(path);
    if (cuda && Number(cuda[1]) <= newest) found.push({ path, origin: "Python's packages" });
  }
  return found;
}

/** A plugin to try, and why. */
export interface Choice extends FoundPlugin {
  /** For people, in words. */
  why: string;
  /** True where there is nothing else to try. */
  last: boolean;
}

/**
 * The plugins to try in turn where none was named by an argument: `PJRT_PLUGIN` alone if it is set; else the best
 * one for NVIDIA's cards where there is a card; last XLA's CPU plugin, which is fetched when the list gets there.
 *
 * @param options Where to look, and whom to tell of downloads and of what is missing.
 * @throws {InstallError} When there is none and none can be fetched.
 */
export async function* choosePlugins(options: InstallOptions & CudaOptions = {}): AsyncGenerator<Choice> {
  const named = await namedPlugin();
  if (named) return yield { ...named, why: `PJRT_PLUGIN names ${named.path}`, last: true };
  const cards = nvidiaCards(options.root);
  if (cards.length === 0) {
    const why = "no NVIDIA card is here, so XLA's CPU plugin";
    return yield { ...await providePlugin(options), why, last: true };
  }
  const here = `${cards.length > 1 ? `${cards.length} NVIDIA cards are` : "an NVIDIA card is"} here (${
    cards[0]
  })`;
  // One only: a second one would find the first one's libraries loaded, under the same names.
  const [plugin] = await findCudaPlugins(options);
  if (plugin) yield { ...plugin, why: `${here}, with ${plugin.path} (from ${plugin.origin})`, last: false };
  const why = plugin
    ? "its plugin could not be opened, so XLA's CPU plugin"
    : `${here}, but no plugin for it; \`deno task engine install xla-cuda${
      cudaFor(nvidiaDriver(options.root))
    }\` fetches one. Going on with XLA's CPU plugin`;
  yield { ...await providePlugin(options), why, last: true };
}

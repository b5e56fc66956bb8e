import { cacheFolder, withLock } from "./cache.ts";
import {
  download,
  type InstallProgress,
  type PluginPackage,
  PluginUnavailableError,
  reason,
} from "./download.ts";
import { fileDigest, unpackMember } from "./wheel.ts";

export { type InstallProgress, type PluginPackage, PluginUnavailableError } from "./download.ts";

/** XLA's CPU plugin. */
export const CPU_PLUGIN: PluginPackage = {
  name: "xla-cpu",
  package: "lammps-jax-pjrt-cpu",
  version: "0.11.2",
  sha256: "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
  member: "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
  bytes: 62_711_338,
  os: "linux",
  arch: "x86_64",
};

/** How a plugin is installed. */
export interface InstallOptions {
  progress?: (progress: InstallProgress) => void;
  /** In place of the user's cache folder. */
  cache?: string;
}

/** What stands beside an unpacked plugin, to notice damage. */
interface Record {
  sha256: string;
  size: number;
  /** The file's time when it was last found right; while it stays the same the file isn't hashed again. */
  mtime: number;
  wheel: string;
}

/** The path of XLA's CPU plugin in our cache, fetched by pip if it is not there or damaged. */
export function ensureCpuPlugin(options: InstallOptions = {}): Promise<string> {
  return ensurePlugin(CPU_PLUGIN, options);
}

/**
 * The path of a plugin in our cache, fetched by pip if it is not there or damaged. Safe to call from several
 * processes at once: one fetches, the others wait for it.
 *
 * @throws {PluginUnavailableError} when this machine cannot run it, or pip or the network is missing, or what came
 * is not what was expected
 */
export async function ensurePlugin(plugin: PluginPackage, options: InstallOptions = {}): Promise<string> {
  const installed = await installedPlugin(plugin, options.cache);
  if (installed) return installed;
  if (Deno.build.os !== plugin.os || Deno.build.arch !== plugin.arch) {
    throw new PluginUnavailableError(
      `${plugin.package} is for ${plugin.os} on ${plugin.arch}; this is ${Deno.build.os} on ${Deno.build.arch}. ` +
        `Get a PJRT plugin for this machine and set PJRT_PLUGIN to its path.`,
    );
  }
  const root = pluginsFolder(options.cache);
  try {
    await Deno.mkdir(root, { recursive: true });
  } catch (cause) {
    throw new PluginUnavailableError(
      `Cannot create the folder ${root}: ${
        reason(cause)
      } Set SEMANTIC_AE_CACHE to a folder that can be written.`,
      { cause },
    );
  }
  return withLock(
    `${root}/.lock`,
    // Somebody else may have fetched it while we waited.
    async () => await installedPlugin(plugin, options.cache) ?? await install(plugin, root, options),
    (holder) =>
      options.progress?.({
        phase: "waiting",
        message: `Waiting for process ${holder || "(unknown)"}, which installs a plugin.`,
      }),
  );
}

/** The path of a plugin in our cache, or undefined when it is not there or damaged. */
export async function installedPlugin(plugin: PluginPackage, cache?: string): Promise<string | undefined> {
  const folder = `${pluginsFolder(cache)}/${folderName(plugin)}`;
  const path = `${folder}/${fileName(plugin)}`;
  let record: Record;
  let info: Deno.FileInfo;
  try {
    record = JSON.parse(await Deno.readTextFile(`${folder}/plugin.json`));
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (record.wheel !== plugin.sha256 || record.size !== info.size) return undefined;
  if (record.mtime === info.mtime?.getTime()) return path;
  if (await fileDigest(path) !== record.sha256) return undefined;
  // Copied or touched, but sound. Where the cache can't be written it is hashed again next time.
  await writeRecord(folder, { ...record, mtime: info.mtime?.getTime() ?? 0 }).catch(() => {});
  return path;
}

async function install(plugin: PluginPackage, root: string, options: InstallOptions): Promise<string> {
  const progress = options.progress ?? (() => {});
  // We hold the lock, so unfinished folders belong to processes that died.
  for await (const entry of Deno.readDir(root)) {
    if (entry.name.startsWith(".stage-")) await Deno.remove(`${root}/${entry.name}`, { recursive: true });
  }
  const stage = await Deno.makeTempDir({ dir: root, prefix: ".stage-" });
  try {
    const wheel = await download(plugin, stage, progress);
    progress({ phase: "checking", message: `Checking ${plugin.package} ${plugin.version}.` });
    const digest = await fileDigest(wheel);
    if (digest !== plugin.sha256) {
      throw new PluginUnavailableError(
        `${plugin.package} ${plugin.version} came with SHA-256 ${digest}, expected ${plugin.sha256}. It was thrown ` +
          `away: the download or the package index is damaged. Try again, or set PJRT_PLUGIN to a plugin you trust.`,
      );
    }
    progress({ phase: "unpacking", message: `Unpacking ${plugin.member}.` });
    const ready = `${stage}/ready`;
    await Deno.mkdir(ready);
    const path = `${ready}/${fileName(plugin)}`;
    const { size, sha256 } = await unpackMember(wheel, plugin.member, path);
    const mtime = (await Deno.stat(path)).mtime?.getTime() ?? 0;
    await writeRecord(ready, { sha256, size, mtime, wheel: plugin.sha256 });
    const folder = `${root}/${folderName(plugin)}`;
    // A folder here is one that was found damaged. A process that has it loaded keeps the old file.
    await Deno.remove(folder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    await Deno.rename(ready, folder);
    return `${folder}/${fileName(plugin)}`;
  } catch (error) {
    if (error instanceof PluginUnavailableError) throw error;
    throw new PluginUnavailableError(
      `Installing ${plugin.package} ${plugin.version} in ${root} failed: ${
        reason(error)
      } Free space or choose ` +
        `another folder with SEMANTIC_AE_CACHE, or set PJRT_PLUGIN to a plugin's path.`,
      { cause: error },
    );
  } finally {
    await Deno.remove(stage, { recursive: true }).catch(() => {});
  }
}

async function writeRecord(folder: string, record: Record): Promise<void> {
  const temporary = `${folder}/.plugin.json.${Deno.pid}`;
  {
    using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
    await file.write(new TextEncoder().encode(JSON.stringify(record, null, 2) + "\n"));
    await file.sync();
  }
  await Deno.rename(temporary, `${folder}/plugin.json`);
}

function pluginsFolder(cache: string | undefined): string {
  return `${cache ?? cacheFolder()}/plugins`;
}

function folderName(plugin: PluginPackage): string {
  return `${plugin.name}-${plugin.version}`;
}

function fileName(plugin: PluginPackage): string {
  return plugin.member.slice(plugin.member.lastIndexOf("/") + 1);
}

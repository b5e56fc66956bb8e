import { statfs } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { cacheFolder } from "../../files/cache_folder.ts";
import { clearLeftovers, openDraft } from "../../files/draft.ts";
import { lockPlace } from "../../files/lock.ts";
import { download, type InstallProgress } from "./download.ts";
import { InstallError, reason } from "./error.ts";
import { CPU_PLUGIN, type NativePackage, type Wheel } from "./packages.ts";
import { recordIn, soundIn } from "./installed.ts";
import { fileDigest, unpackWheel } from "./wheel.ts";

export type { InstallProgress } from "./download.ts";
export { InstallError } from "./error.ts";
export {
  CPU_PLUGIN,
  CUDA12_PLUGIN,
  CUDA13_COMPILER,
  CUDA13_PLUGIN,
  type NativePackage,
  type Wheel,
} from "./packages.ts";

/** How a package is installed. */
export interface InstallOptions {
  progress?: (progress: InstallProgress) => void;
  /** Instead of the user's cache folder. */
  cache?: string;
  /** Ends an installation that nobody wants to wait for any longer; what came whole by then is kept. */
  signal?: AbortSignal;
  /** The network is asked once, with little patience. Default: again and again for a while. */
  once?: boolean;
  /** What is made of the unpacked files before they are used. */
  build?: {
    /** Names the outcome: one of another name is made anew. */
    version: string;
    /** Makes files in the folder and returns their paths in it. */
    make(folder: string): Promise<string[]>;
  };
}

/** The path of XLA's CPU plugin in our cache, fetched by pip if it is not there or damaged. */
export function ensureCpuPlugin(options: InstallOptions = {}): Promise<string> {
  return ensurePackage(CPU_PLUGIN, options);
}

/** What an installation is made of: another wheel or another build is another installation. */
function makeOf(native: NativePackage, options: InstallOptions): string[] {
  return [...native.wheels.map(({ sha256 }) => sha256), ...options.build ? [options.build.version] : []];
}

/**
 * The path of a package's library in our cache, or undefined when it is not there, from other wheels, or damaged. Needs
 * no network and writes nothing.
 *
 * @throws {InstallError} When it is there and cannot be read.
 */
export async function installedPackage(
  native: NativePackage,
  options: InstallOptions = {},
): Promise<string | undefined> {
  const root = enginesFolder(options.cache);
  if (root === undefined) return undefined;
  const folder = `${root}/${folderName(native)}`;
  try {
    return await soundIn(folder, makeOf(native, options)) ? `${folder}/${native.library}` : undefined;
  } catch (cause) {
    throw new InstallError(
      `${native.name} in ${folder} cannot be read: ${
        reason(cause)
      } Make it readable, or set SEMANTIC_AE_CACHE to ` +
        `another folder, or ${native.instead}.`,
      { cause },
    );
  }
}

/**
 * The path of a package's library in our cache, fetched by pip if it is not there or damaged. Safe to call from several
 * processes at once: one fetches, the others wait for it. Wheels that came whole are kept until all have come, so that
 * an installation that was broken off goes on where it was.
 *
 * @throws {InstallError} When this machine cannot run it, or pip, the network or space is missing, or what came is not
 * what was expected.
 */
export async function ensurePackage(native: NativePackage, options: InstallOptions = {}): Promise<string> {
  const installed = await installedPackage(native, options);
  if (installed) {
    const folder = installed.slice(0, -(native.library.length + 1));
    await clearLeftovers(folder, [wheelsFolder(folder)]);
    return installed;
  }
  if (Deno.build.os !== native.os || Deno.build.arch !== native.arch) {
    throw new InstallError(
      `${native.wheels[0].package} is for ${native.os} on ${native.arch}; this is ${Deno.build.os} on ` +
        `${Deno.build.arch}. Get one for this machine by other ways and ${native.instead}.`,
    );
  }
  const root = enginesFolder(options.cache);
  if (root === undefined) {
    throw new InstallError(
      `${native.name} has no folder to be installed in: set SEMANTIC_AE_CACHE to one, or HOME; or ${native.instead}.`,
    );
  }
  const folder = `${root}/${folderName(native)}`;
  try {
    await Deno.mkdir(root, { recursive: true });
    await using _ = await lockPlace(folder, {
      what: native.name,
      waiting: (message) => options.progress?.({ phase: "waiting", message }),
      signal: options.signal,
    });
    // Somebody else may have fetched it while we waited.
    return await installedPackage(native, options) ?? await install(native, folder, options);
  } catch (cause) {
    if (cause instanceof InstallError) throw cause;
    throw new InstallError(
      `Installing ${native.name} ${native.version} in ${root} failed: ${
        reason(cause)
      } Set SEMANTIC_AE_CACHE to a ` +
        `folder that can be written and has room, or ${native.instead}.`,
      { cause },
    );
  }
}

/** Fetches, unpacks and builds a package into a folder, whose lock we hold. */
async function install(native: NativePackage, folder: string, options: InstallOptions): Promise<string> {
  const progress = options.progress ?? (() => {}), wheels = wheelsFolder(folder);
  const draft = await openDraft(folder, { replace: true });
  try {
    await Deno.mkdir(wheels, { recursive: true });
    await fetchAll(native, wheels, progress, options);
    const files: Record<string, string> = {};
    for (const wheel of native.wheels) {
      options.signal?.throwIfAborted();
      progress({ phase: "unpacking", message: `Unpacking ${wheel.package} ${wheel.version}.` });
      for (const { path, sha256 } of await unpackWheel(wheelPath(wheels, wheel), wheel.take, draft.path)) {
        files[path] = sha256;
      }
    }
    if (options.build) {
      progress({ phase: "building", message: `Building ${options.build.version}.` });
      for (const path of await options.build.make(draft.path)) {
        files[path] = await fileDigest(`${draft.path}/${path}`);
      }
    }
    await recordIn(draft.path, makeOf(native, options), files);
    // What has the name now was found damaged. A process that has it loaded keeps the old files.
    await draft.publish();
    await removeIfThere(wheels);
    return `${folder}/${native.library}`;
  } finally {
    await draft.discard();
    // An empty folder of wheels has nothing to go on from.
    await Deno.remove(wheels).catch(() => {});
  }
}

/** Fetches the wheels that are not there yet and checks all of them. */
async function fetchAll(
  native: NativePackage,
  wheels: string,
  progress: (progress: InstallProgress) => void,
  { signal, once }: InstallOptions,
): Promise<void> {
  const total = native.wheels.reduce((sum, { bytes }) => sum + bytes, 0), count = native.wheels.length;
  const missing: Wheel[] = [];
  for (const wheel of native.wheels) {
    // What lies there was renamed after its check; a second one guards against what happened since.
    const digest = await fileDigest(wheelPath(wheels, wheel)).catch(() => undefined);
    if (digest !== wheel.sha256) missing.push(wheel);
  }
  const toFetch = missing.reduce((sum, { bytes }) => sum + bytes, 0);
  await checkSpace(native, wheels, toFetch + native.unpacked);
  const stage = `${wheels}/.stage`;
  let done = total - toFetch;
  try {
    for (const wheel of missing) {
      signal?.throwIfAborted();
      const name = `${wheel.package} ${wheel.version}`;
      const place = count > 1 ? `, ${native.wheels.indexOf(wheel) + 1} of ${count}` : "";
      const message = `Downloading ${name} by pip (${Math.round(wheel.bytes / 1e6)} MB${place}).`;
      await removeIfThere(stage); // We hold the lock, so this is of a process that died.
      await Deno.mkdir(stage);
      const fetched = await download(
        native,
        wheel,
        stage,
        (bytes) => progress({ phase: "downloading", message, bytes: done + bytes, total }),
        signal,
        once,
      );
      progress({ phase: "checking", message: `Checking ${name}.` });
      const digest = await fileDigest(fetched);
      if (digest !== wheel.sha256) {
        throw new InstallError(
          `${name} came with SHA-256 ${digest}, expected ${wheel.sha256}. It was thrown away: the download or the ` +
            `package index is damaged. Try again, or ${native.instead}.`,
        );
      }
      await Deno.rename(fetched, wheelPath(wheels, wheel));
      done += wheel.bytes;
    }
  } finally {
    await removeIfThere(stage).catch(() => {});
  }
}

/** Several gigabytes should not come before it turns out that there is no room for them. */
async function checkSpace(native: NativePackage, folder: string, need: number): Promise<void> {
  let free: number;
  try {
    const { bavail, bsize } = await statfs(folder);
    free = bavail * bsize;
  } catch {
    return; // Not every system tells, and not every program may ask.
  }
  if (free >= need) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new InstallError(
    `${native.name} needs ${gigabytes(need)} in ${folder}, where ${gigabytes(free)} are free. ` +
      `Free space or choose another folder with SEMANTIC_AE_CACHE, or ${native.instead}.`,
  );
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** Where a package's wheels are kept until all have come. */
function wheelsFolder(folder: string): string {
  return `${dirname(folder)}/.wheels-${basename(folder)}`;
}

function wheelPath(wheels: string, wheel: Wheel): string {
  return `${wheels}/${wheel.package}-${wheel.version}.whl`;
}

/** Where packages are kept; undefined where nothing says where that could be. */
export function enginesFolder(cache: string | undefined): string | undefined {
  try {
    return `${cache ?? cacheFolder()}/engines`;
  } catch {
    return undefined;
  }
}

const folderName = ({ name, version }: NativePackage) => `${name}-${version}`;

import { publishFile } from "../../files/publish.ts";
import { enginesFolder, ensurePackage, installedPackage, type InstallOptions } from "./install.ts";
import { ALLOCATOR, type NativePackage } from "./packages.ts";

/** Where the allocator is looked for, and how hard. */
export interface AllocatorOptions extends Pick<InstallOptions, "cache"> {
  /** Default: {@linkcode ALLOCATOR}. */
  native?: NativePackage;
  /** Whether to fetch it where it is not there. Default true. */
  fetch?: boolean;
  /** Milliseconds that fetching it may take. Default 20 s. */
  patience?: number;
  /** The time now, in milliseconds since 1970. */
  now?: number;
}

/** After a failure, nothing is fetched for a day: a start without a network should not wait each time. */
const AGAIN = 24 * 60 * 60 * 1000;

/**
 * Whether a library can be loaded by a program of this system: its C library may be too old, or another one. The library
 * stays loaded here, for an allocator has things to do at the end of each thread.
 */
export function canLoad(path: string): boolean {
  try {
    return Deno.dlopen(path, { mi_version: { parameters: [], result: "i32" } }).symbols.mi_version() > 0;
  } catch {
    return false;
  }
}

/** Whether `LD_PRELOAD` can hold a path: the system's loader takes spaces and colons for the ends of names. */
const canName = (path: string) => !/[\s:]/.test(path);

/**
 * The shared library of the allocator that training is fastest with (mimalloc), to be named by `LD_PRELOAD`. It is
 * fetched by pip the first time, half a megabyte. A program runs without it as well, with more memory or more slowly, so
 * nothing that goes wrong here is an error. `SEMANTIC_AE_ALLOCATOR=off` in the environment does without it.
 *
 * @returns Its path; undefined where it cannot be had, or `LD_PRELOAD` cannot hold its path. Whether it can be loaded, see
 * {@linkcode canLoad}.
 */
export async function provideAllocator(options: AllocatorOptions = {}): Promise<string | undefined> {
  const { native = ALLOCATOR, cache, fetch = true, patience = 20_000, now = Date.now() } = options;
  if (Deno.build.os !== native.os || Deno.build.arch !== native.arch) return undefined;
  try {
    if (Deno.env.get("SEMANTIC_AE_ALLOCATOR") === "off") return undefined;
    const path = await installedPackage(native, { cache });
    if (path !== undefined) return canName(path) ? path : undefined;
    const root = enginesFolder(cache);
    if (root === undefined) return undefined;
    const failed = `${root}/.${native.name}-failed`;
    const { mtime } = await Deno.stat(failed).catch(() => ({ mtime: null }));
    if (!fetch || (mtime && Math.abs(now - mtime.getTime()) < AGAIN)) return undefined;
    try {
      const fetched = await ensurePackage(native, {
        cache,
        signal: AbortSignal.timeout(patience),
        once: true,
      });
      await Deno.remove(failed).catch(() => {});
      return canName(fetched) ? fetched : undefined;
    } catch (error) {
      await publishFile(failed, `${(error as Error).message}\n`);
      return undefined;
    }
  } catch {
    return undefined; // A folder that cannot be read or written, or a permission that is not there.
  }
}

/**
 * What our tasks set for the allocators of the system and, where it can be had, of ours: by it another program runs as a
 * task of deno.json does.
 *
 * @returns Variables of the environment, those of this process.
 */
export async function allocatorEnvironment(): Promise<Record<string, string>> {
  const set = Object.entries(Deno.env.toObject()).filter(([name]) =>
    /^(GLIBC_TUNABLES|MIMALLOC_.*)$/.test(name)
  );
  const path = await provideAllocator({ fetch: false });
  return { ...Object.fromEntries(set), ...path === undefined ? {} : { LD_PRELOAD: path } };
}

/** Whether a list of libraries to load first names our allocator. */
const isOurs = (list: string) => new RegExp(`/${ALLOCATOR.name}-[^/]*/${ALLOCATOR.library}$`).test(list);

/**
 * Takes our allocator out of the environment of processes that this one starts: they have not asked for it, and Deno
 * starts none under a narrow `--allow-run` while `LD_PRELOAD` is set. What this process has loaded stays. What a user
 * has put there stays, too.
 */
export function forgetAllocator(): void {
  try {
    const list = Deno.env.get("LD_PRELOAD") ?? "";
    if (list === "" || isOurs(list)) Deno.env.delete("LD_PRELOAD");
  } catch {
    // Without permission to read it, nothing can be started either.
  }
}

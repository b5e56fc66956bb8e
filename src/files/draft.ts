/**
 * The one place where folders are published whole: made under a hidden name beside the one that they are to have, synced
 * with all that is in them, renamed, and the folder around them synced.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { SYSTEM_DISK } from "./disk.ts";
import { lockFileOf, lockPlace } from "./lock.ts";
import { isPathError, pathError } from "./path_error.ts";

/** Files synced at once: file systems write many together about as fast as one. */
const TOGETHER = 16;

/** A folder that is being made. */
export interface Draft {
  /** Where it is until it is published. */
  readonly path: string;
  /**
   * Syncs all that is in it and gives it its name. With `replace`, what has the name now makes way.
   *
   * @throws {Error} There is something of that name, or the disk fails; the draft then stays until it is discarded.
   */
  publish(): Promise<void>;
  /** Removes it; nothing where it was published. */
  discard(): Promise<void>;
}

/** How a folder is published. */
export interface DraftOptions {
  /** What has the name now is replaced; between the two nothing has it, for a moment. Default: that is an error. */
  replace?: boolean;
  /** Called before each step, with its name; tests end the process there. */
  step?: (name: DraftStep) => void;
}

/** The steps of publishing a folder, in order. */
export type DraftStep = "make" | "sync" | "make way" | "rename" | "sync around" | "clear";

const hidden = (dest: string, word: string) => join(dirname(dest), `.${basename(dest)}.${word}`);

/** Removes a folder or file, if there is one. */
async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** Removes what killed processes have left: this version's drafts, and those of version 0.1, which had random names. */
async function removeLeftovers(dest: string): Promise<void> {
  const folder = dirname(dest),
    [draft, old] = [hidden(dest, "partial"), hidden(dest, "old")].map((path) => basename(path));
  for await (const { name } of Deno.readDir(folder)) {
    const random = name.startsWith(`${draft}-`) && !name.slice(draft.length + 1).includes(".");
    if (name === draft || name === old || random) await removeIfThere(join(folder, name));
  }
}

/** Syncs every file below a folder, and the folders. */
async function syncTree(folder: string): Promise<void> {
  const files: string[] = [], folders = [folder];
  for (let at = 0; at < folders.length; at++) {
    for await (const { name, isDirectory, isFile } of Deno.readDir(folders[at])) {
      if (isDirectory) folders.push(join(folders[at], name));
      else if (isFile) files.push(join(folders[at], name));
    }
  }
  let next = 0;
  const work = async () => {
    while (next < files.length) {
      using file = await Deno.open(files[next++]);
      await file.sync();
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  for (const path of folders.reverse()) await SYSTEM_DISK.syncFolder(path);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, (error) => {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  });
}

/**
 * Begins a folder that is to be published whole. Its modes follow the umask.
 *
 * @param dest The folder's name; the folder around it must exist. The caller holds its lock ({@linkcode lockPlace}), so
 * what lies there unfinished was left by a process that died, and is removed.
 * @throws {Error} The place cannot be written.
 */
export async function openDraft(
  dest: string,
  { replace = false, step = () => {} }: DraftOptions = {},
): Promise<Draft> {
  const path = hidden(dest, "partial"), old = hidden(dest, "old");
  const worded = <T>(work: () => Promise<T>) =>
    work().catch((error) => {
      throw isPathError(error) ? pathError(error, dest, "write") : error;
    });
  await worded(async () => {
    step("make");
    await removeLeftovers(dest);
    await Deno.mkdir(path);
  });
  return {
    path,
    publish: () =>
      worded(async () => {
        step("sync");
        await syncTree(path);
        const there = await exists(dest);
        if (there && !replace) throw new Error(`${dest}: exists already, so nothing was put there`);
        step("make way");
        if (there) await Deno.rename(dest, old);
        step("rename");
        await Deno.rename(path, dest);
        step("sync around");
        await SYSTEM_DISK.syncFolder(dirname(dest));
        step("clear");
        // It is published; what made way is removed by the next draft at the latest.
        if (there) await removeIfThere(old).catch(() => {});
      }),
    discard: () => removeIfThere(path).catch(() => {}),
  };
}

/**
 * Removes what a process has left that died right after it had published a folder, whose lock file is then still there:
 * for those who find the folder made and so open no draft. Costs a look at one file; does nothing where somebody has the
 * lock or the place cannot be written.
 *
 * @param dest The folder.
 * @param besides What else was needed until it was published.
 */
export async function clearLeftovers(dest: string, besides: readonly string[] = []): Promise<void> {
  try {
    await Deno.lstat(lockFileOf(dest));
    await using _lock = await lockPlace(dest);
    await removeLeftovers(dest);
    for (const path of besides) await removeIfThere(path);
  } catch {
    // Nothing to clear, or not for us: what lies there does no harm.
  }
}

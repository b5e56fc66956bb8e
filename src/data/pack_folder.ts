import { PARTIAL_ENDING } from "./sources/shards/read.ts";
import { join, pathError, syncPath } from "./io/paths.ts";

/** A path's folder and last name. */
export function place(dest: string): { folder: string; name: string; path: string } {
  const path = dest.replace(/\/+$/, "");
  const slash = path.lastIndexOf("/"), name = path.slice(slash + 1);
  if (name === "" || name === "." || name === "..") {
    throw new Error(`${dest}: name a new folder to pack into`);
  }
  return { folder: slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash), name, path };
}

/** Throws when there is something at a path. */
export async function refuseExisting(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw pathError(error, path, "read");
  }
  throw new Error(
    `${path}: exists already; nothing is overwritten, so name another folder or remove it first`,
  );
}

/** A folder that is being made. */
export interface Draft {
  path: string;
  /** Gives the folder its final name. */
  publish(path: string): Promise<void>;
  /** Removes it. */
  discard(): Promise<void>;
}

/** Makes a hidden, locked folder to write in, and removes those of earlier runs that were killed. */
export async function openDraft(folder: string, name: string): Promise<Draft> {
  const prefix = `.${name}${PARTIAL_ENDING}-`;
  try {
    await Deno.mkdir(folder, { recursive: true });
    await removeLeftovers(folder, prefix);
    const path = await Deno.makeTempDir({ dir: folder, prefix });
    const lockPath = join(path, "lock");
    const lock = await Deno.open(lockPath, { write: true, createNew: true });
    await lock.lock(true);
    return {
      path,
      async publish(final) {
        await Deno.remove(lockPath);
        await Deno.chmod(path, 0o755).catch(() => {});
        await syncPath(path);
        await Deno.rename(path, final);
        lock.close();
        await syncPath(folder);
      },
      async discard() {
        lock.close();
        await Deno.remove(path, { recursive: true }).catch(() => {});
      },
    };
  } catch (error) {
    throw pathError(error, folder, "write");
  }
}

async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    if (!entry.isDirectory || !entry.name.startsWith(prefix)) continue;
    const path = join(folder, entry.name);
    const lock = await Deno.open(join(path, "lock"), { write: true }).catch(() => null);
    // A lock that can be had belongs to nobody alive.
    const abandoned = lock !== null && await lock.tryLock(true);
    lock?.close();
    if (abandoned) await Deno.remove(path, { recursive: true });
  }
}

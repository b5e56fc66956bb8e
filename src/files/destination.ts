import { basename, dirname } from "node:path";
import { openDraft } from "./draft.ts";
import { lockPlace } from "./lock.ts";
import { makeFolder } from "./make_folder.ts";
import { pathError, refuseAddress, requirePath } from "./path_error.ts";

/**
 * The path of a new folder without slashes at its end.
 *
 * @throws {Error} It names no new folder.
 */
export function newFolder(dest: string): string {
  requirePath(dest);
  const path = dest.replace(/\/+$/, ""), name = basename(path);
  if (name === "" || name === "." || name === "..") {
    throw new Error(`${dest}: name a new folder`);
  }
  return path;
}

/** Throws when there is something at a path. */
async function refuseExisting(path: string): Promise<void> {
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

/** A new folder: nobody else makes it, and it appears whole or not at all. */
export interface Destination {
  /** Where files are written until then. */
  folder: string;
  /** Gives the folder its name. */
  publish(): Promise<void>;
  /** Removes what was not published, and lets others make it. */
  close(): Promise<void>;
}

/**
 * Makes a place for a new folder's files.
 *
 * @param path What it will be called.
 * @throws {InUseError} Another process makes it.
 * @throws {Error} It exists, cannot be made, or is an address and no path.
 */
export async function openDestination(path: string): Promise<Destination> {
  refuseAddress(path);
  await refuseExisting(path).catch(async (error) => {
    // A process that died right after publishing has left its lock file: taking and releasing the lock removes it.
    await (await lockPlace(path).catch(() => null))?.release();
    throw error;
  });
  await makeFolder(dirname(path));
  const advice = "Wait until it is done, or name another folder";
  const lock = await lockPlace(path, { advice });
  try {
    // Another process has just finished it.
    await refuseExisting(path);
    const draft = await openDraft(path);
    return {
      folder: draft.path,
      publish: draft.publish,
      async close() {
        await draft.discard();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

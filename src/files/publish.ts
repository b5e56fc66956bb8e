/**
 * The one place where files are published: written beside the name that they are to have, synced, renamed, and the
 * folder synced. Whatever happens in between, a reader sees the old file or the new one, whole.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { type Disk, type DiskFile, SYSTEM_DISK } from "./disk.ts";
import { isPathError, pathError } from "./path_error.ts";

/** Names of what is being made begin so; what is left over was never finished, and is never read. */
export const PARTIAL = ".partial-";

/** Characters of a file's name in that of its partial file: file systems allow 255 bytes. */
const NAME = 60;

/** Tries for a name of a partial file that nobody has removed meanwhile. */
const TRIES = 5;

/** How a file is published. */
export interface PublishOptions {
  /** Default: this machine's. */
  disk?: Disk;
}

/** A partial file under the lock that tells others that it is being written. */
interface Partial {
  path: string;
  file: DiskFile;
}

/** Tells nobody's partial file from one that is being written: the system's lock ends with the process that held it. */
function isFree(file: DiskFile): boolean {
  try {
    return file.lock();
  } catch {
    return false; // No locks on this file system: whoever owns the folder removes it.
  }
}

/** Removes what killed processes have left of a file. */
function removeAbandoned(disk: Disk, folder: string, prefix: string): void {
  for (const name of disk.list(folder)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(folder, name), file = disk.open(path);
    if (!file) continue;
    try {
      if (isFree(file)) disk.remove(path);
    } catch {
      // Another has removed it, or it may not be removed: it does no harm.
    } finally {
      file.close();
    }
  }
}

/** Makes a locked partial file, after those that were left of the same file are removed. */
function openPartial(disk: Disk, target: string): Partial {
  const folder = dirname(target), prefix = `${PARTIAL}${basename(target).slice(0, NAME)}`;
  removeAbandoned(disk, folder, prefix);
  for (let round = 0;; round++) {
    const path = join(folder, `${prefix}-${crypto.randomUUID().slice(0, 8)}`), file = disk.create(path);
    try {
      const locked = file.lock();
      // One that came between making and locking it took it for a leftover.
      if ((locked && file.isAt(path)) || round === TRIES) return { path, file };
    } catch {
      return { path, file }; // No locks on this file system.
    }
    file.close();
  }
}

const bytesOf = (content: Uint8Array | string) =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

const worded = (error: unknown, path: string) => isPathError(error) ? pathError(error, path, "write") : error;

/** Removes a partial file after a failure, where that is possible: the failure itself is what counts. */
function discard(disk: Disk, { path, file }: Partial): void {
  for (const step of [() => file.close(), () => disk.remove(path)]) {
    try {
      step();
    } catch { /* closed or renamed already, or the next writer removes it */ }
  }
}

/** Gives a whole partial file its name. It stays locked until it has it, so that nobody takes it for a leftover. */
function rename(disk: Disk, { path, file }: Partial, target: string): void {
  // Windows renames no open file.
  if (Deno.build.os === "windows") file.close();
  disk.rename(path, target);
  if (Deno.build.os !== "windows") file.close();
}

/**
 * Publishes a file: a reader sees the old content or the new one, whole, whatever happens in between, and once this
 * returns the new one survives a loss of power. New files have mode 666 less the umask.
 *
 * @param path The file; its folder must exist.
 * @param content Its bytes, or its text.
 * @throws {Error} Names the path and what to do: a full disk, no permission, a folder of that name. The old file then
 * stays, and nothing else.
 */
export async function publishFile(
  path: string,
  content: Uint8Array | string,
  options: PublishOptions = {},
): Promise<void> {
  await publishPieces(path, [bytesOf(content)], options);
}

/** A file that is written whole and synced, and does not have its name yet. */
export interface Written {
  /**
   * Gives it its name.
   *
   * @throws {Error} As publishFile; what was written is gone then.
   */
  publish(): Promise<void>;
  /** Removes it, where it has no name yet. */
  discard(): void;
}

/**
 * Writes a file beside the name that it is to have, for those who have several to publish: all are written before the
 * first one gets its name.
 *
 * @param pieces Bytes in order. An error in making them leaves nothing.
 * @throws {Error} As publishFile, or what making the pieces throws.
 */
export async function writePieces(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { disk = SYSTEM_DISK }: PublishOptions = {},
): Promise<Written> {
  let partial: Partial | undefined;
  try {
    const made = partial = openPartial(disk, path), { file } = made;
    for await (const bytes of pieces) {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    }
    await file.sync();
    return {
      async publish() {
        try {
          rename(disk, made, path);
          await disk.syncFolder(dirname(path));
        } catch (error) {
          discard(disk, made);
          throw worded(error, path);
        }
      },
      discard: () => discard(disk, made),
    };
  } catch (error) {
    if (partial) discard(disk, partial);
    throw worded(error, path);
  }
}

/**
 * As {@linkcode publishFile}, for content that is made piece by piece and need not fit into memory.
 *
 * @param pieces Bytes in order. An error in making them leaves the old file.
 * @throws {Error} As publishFile, or what making the pieces throws.
 */
export async function publishPieces(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: PublishOptions = {},
): Promise<void> {
  await (await writePieces(path, pieces, options)).publish();
}

/** As {@linkcode publishFile}, for callers that cannot wait. */
export function publishFileSync(
  path: string,
  content: Uint8Array | string,
  { disk = SYSTEM_DISK }: PublishOptions = {},
): void {
  let partial: Partial | undefined;
  try {
    partial = openPartial(disk, path);
    const bytes = bytesOf(content), { file } = partial;
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncSync();
    rename(disk, partial, path);
    disk.syncFolderSync(dirname(path));
  } catch (error) {
    if (partial) discard(disk, partial);
    throw worded(error, path);
  }
}

/** Removes what was not finished in a folder. For the folder's owner: no other process may write in it. */
export async function removePartial(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (isPartial(name)) await Deno.remove(join(folder, name), { recursive: true });
  }
}

/** True for the name of what is not finished, such as a file that {@linkcode publishFile} writes. */
export function isPartial(name: string): boolean {
  return name.startsWith(PARTIAL);
}

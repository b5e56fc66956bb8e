import { basename, dirname, join } from "node:path";

/** Writes bytes to a new file and makes sure that they are on the disk. */
export type WriteFile = (path: string, bytes: Uint8Array) => Promise<void>;

/** Names of files that are being written begin so; one that is left over was never finished. */
const PARTIAL = ".partial-";

/** Writes and flushes a file. */
export const writeSynced: WriteFile = async (path, bytes) => {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.sync();
};

/**
 * Writes a file so that a reader sees the old content or the new one, whole, whatever happens in between.
 *
 * @param write How the bytes get to the disk; tests give another.
 * @throws What `write` throws, such as for a full disk; the old file then stays.
 */
export async function writeAtomic(
  path: string,
  content: Uint8Array | string,
  write: WriteFile = writeSynced,
): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const partial = join(dirname(path), `${PARTIAL}${basename(path)}`);
  try {
    await write(partial, bytes);
    await Deno.rename(partial, path);
  } catch (error) {
    await Deno.remove(partial).catch(() => {});
    throw error;
  }
}

/** Removes what interrupted writes have left in a folder. */
export async function removePartial(folder: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && name.startsWith(PARTIAL)) await Deno.remove(join(folder, name));
  }
}

/** True for a name that {@linkcode writeAtomic} uses while it writes. */
export function isPartial(name: string): boolean {
  return name.startsWith(PARTIAL);
}

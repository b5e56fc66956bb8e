/**
 * Runs work while no other process, and no other call in this one, runs work under the same lock file.
 *
 * The lock is the operating system's, so it ends with the process that held it; the file stays, empty but for the
 * number of the process that last held it.
 *
 * @param waiting called once when somebody else holds the lock
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  waiting?: (holder: string) => void,
): Promise<T> {
  using file = await Deno.open(path, { read: true, write: true, create: true });
  if (!await file.tryLock(true)) {
    waiting?.((await Deno.readTextFile(path)).trim());
    await file.lock(true);
  }
  try {
    await file.truncate(0);
    await file.seek(0, Deno.SeekMode.Start);
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
    return await work();
  } finally {
    await file.unlock();
  }
}

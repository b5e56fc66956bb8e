/**
 * The folder for what is fetched once and kept: plugins and compiled programs.
 *
 * `SEMANTIC_AE_CACHE` if set, else `semantic-ae` in `XDG_CACHE_HOME` or in `~/.cache`.
 *
 * @throws when none of the variables is set
 */
export function cacheFolder(): string {
  const own = Deno.env.get("SEMANTIC_AE_CACHE");
  if (own) return own;
  const shared = Deno.env.get("XDG_CACHE_HOME");
  if (shared) return `${shared}/semantic-ae`;
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
  if (home) return `${home}/.cache/semantic-ae`;
  throw new Error("There is no place for a cache: set SEMANTIC_AE_CACHE to a folder.");
}

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

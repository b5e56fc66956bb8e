/** What is wrong with a path, in words, and what to do about it. */

/**
 * Turns a file system error into one that a user can act on.
 *
 * @param error What was thrown.
 * @param path Where.
 * @param doing What was tried, as in "read" or "write".
 * @returns An error to throw, its cause kept.
 */
export function pathError(error: unknown, path: string, doing: "read" | "write"): Error {
  if (error instanceof Deno.errors.NotFound) {
    // Arguments whose bytes are not UTF-8 come with this sign instead.
    const odd = path.includes("\uFFFD") ? "; if its name is not UTF-8, rename it: it cannot be opened" : "";
    return new Error(`${path}: no such file or folder; check the path${odd}`, { cause: error });
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new Error(`${path}: Deno may not ${doing} this; run with --allow-${doing}=${path}`, {
      cause: error,
    });
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new Error(`${path}: no permission to ${doing}; check its owner and mode`, { cause: error });
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return new Error(`${path}: cannot ${doing}: Not a directory; a part of this path is a file`, {
      cause: error,
    });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(`${path}: cannot ${doing}: ${reason}`, { cause: error });
}

/** True for what the file system, or Deno's permission for it, has thrown. */
export function isPathError(error: unknown): boolean {
  return Object.values(Deno.errors).some((kind) => error instanceof kind);
}

/** True for what a server has. */
export function isRemote(name: string): boolean {
  return /^https?:\/\//i.test(name);
}

/** Joins a folder and a name with one slash. */
export function join(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** Orders strings by their code units, the same on every machine and in every language. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Makes a finished file or folder survive a loss of power. */
export async function syncPath(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true });
  // Some file systems cannot sync a folder; the rename that follows is atomic all the same.
  await file.sync().catch(() => {});
}

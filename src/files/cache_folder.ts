import { homedir } from "node:os";
import { join } from "node:path";
import { pathError } from "./path_error.ts";

/** The home folder as the system knows it, where no variable names it; needs permission to ask. */
function homeOfUser(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

/**
 * The folder where downloads and what is made of them are kept, by default `~/.cache/semantic-ae`.
 *
 * `SEMANTIC_AE_CACHE` names another one; else `XDG_CACHE_HOME`, else the home folder's `.cache` holds it. The home folder
 * is what `HOME` says or, without it, what the system knows of the user. Nothing is created. Needs permission to read
 * those of the variables that are looked at.
 *
 * @param parts Names of folders or files below it.
 * @returns An absolute or, if a variable says so, a relative path.
 * @throws {Error} When none of the variables is set and the system knows no home folder either.
 */
export function cacheFolder(...parts: string[]): string {
  const own = Deno.env.get("SEMANTIC_AE_CACHE");
  if (own) return join(own, ...parts);
  const xdg = Deno.env.get("XDG_CACHE_HOME");
  if (xdg) return join(xdg, "semantic-ae", ...parts);
  const home = Deno.env.get("HOME") || (Deno.build.os === "windows" && Deno.env.get("USERPROFILE")) ||
    homeOfUser();
  if (home) return join(home, ".cache", "semantic-ae", ...parts);
  throw new Error("no folder for the cache: set SEMANTIC_AE_CACHE to one, or HOME");
}

/**
 * Makes a folder in the cache, with those around it.
 *
 * @throws {Error} When it cannot be made; says how to have the cache elsewhere.
 */
export async function makeCacheFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    const { message } = pathError(error, path, "write");
    throw new Error(`${message}; or set SEMANTIC_AE_CACHE to a folder for the cache`, { cause: error });
  }
}

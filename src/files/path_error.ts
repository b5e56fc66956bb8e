/** What is wrong with a path, in words, and what to do about it. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";

/** What a name that is an address of a file stands for: the file system would take it for a folder called `file:`. */
function pathOfAddress(name: string): string | undefined {
  try {
    return /^file:\/\//i.test(name) ? decodeURIComponent(new URL(name).pathname) : undefined;
  } catch {
    return undefined;
  }
}

/** What to do about a ~ that stands for no home folder, as in `--out=~/run`; nothing where there is none. */
function homeAdvice(name: string): string | undefined {
  if (!/^~(?:\/|$)/.test(name)) return undefined;
  return `a ~ that no shell has replaced by your home folder; write that folder, or ./${name} for one called ~`;
}

/**
 * Refuses what is no path, as a program without types may give: a URL, a promise, nothing at all.
 *
 * @throws {TypeError} Says what was given, and of a file's URL the path to write instead.
 */
export function requirePath(path: string): void {
  if (typeof path === "string") return;
  const given: unknown = path;
  if (given instanceof URL) {
    const meant = pathOfAddress(given.href);
    throw new TypeError(
      `${given.href}: an address, where a path is needed${meant ? `; write ${meant}` : ""}`,
    );
  }
  const what = given instanceof Promise ? "a promise" : given === null ? "null" : typeof given;
  throw new TypeError(`a path is needed, such as "runs/demo", not ${what}`);
}

/**
 * Refuses an address, or a ~ for the home folder, where something is to be made: a folder called `file:` or `~` would be made,
 * and everything lie in there.
 *
 * @throws {TypeError} When it is no text, as {@linkcode requirePath}.
 * @throws {Error} With the path to write instead.
 */
export function refuseAddress(name: string): void {
  requirePath(name);
  const path = pathOfAddress(name);
  if (path !== undefined) throw new Error(`${name}: an address, where a path is needed; write ${path}`);
  const advice = homeAdvice(name);
  if (advice) throw new Error(`${name}: begins with ${advice}`);
}

/** What a code of the operating system means for whoever wants to write. */
const CODES: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the device; make room or choose another place",
  EDQUOT: "your share of the disk is used up; make room or choose another place",
  EFBIG: "the file would be larger than allowed here (ulimit -f, or the file system's limit)",
  EROFS: "the file system is read-only; choose another place",
  EISDIR: "a folder has this name; choose another name or remove it",
  ENAMETOOLONG: "the name is too long",
  EEXIST:
    "something has this name already, perhaps a link that leads nowhere; choose another name or remove it",
};

/** Codes that Deno does not always give, by the system's words. */
const WORDS: Readonly<Record<string, string>> = {
  "No space left on device": "ENOSPC",
  "Disk quota exceeded": "EDQUOT",
  "File too large": "EFBIG",
  "Read-only file system": "EROFS",
  "Is a directory": "EISDIR",
  "File name too long": "ENAMETOOLONG",
  "File exists": "EEXIST",
};

/** The operating system's code for an error, such as ENOSPC; empty for one of its errors without a known code. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code)) return error.code;
  const words = /^(.*?) \(os error \d+\)/.exec(error.message)?.[1];
  return words === undefined ? undefined : WORDS[words] ?? "";
}

/**
 * Turns a file system error into one that a user can act on.
 *
 * @param error What was thrown.
 * @param path Where.
 * @param doing What was tried, as in "read" or "write".
 * @returns An error to throw, its cause kept.
 * @throws {TypeError} When the path is none: that is what is wrong.
 */
export function pathError(error: unknown, path: string, doing: "read" | "write"): Error {
  requirePath(path);
  return new Error(`${path}: ${reasonOf(error, path, doing)}`, { cause: error });
}

/** Whether a file system has room for bytes, but for no more files; of a file that is not there, its folder's. */
function isOutOfFiles(path: string): boolean {
  for (const place of [path, dirname(path)]) {
    try {
      const { files, ffree, bavail } = statfsSync(place);
      return files > 0 && ffree === 0 && bavail > 0;
    } catch {
      // Not there, or nobody may ask.
    }
  }
  return false;
}

function reasonOf(error: unknown, path: string, doing: "read" | "write"): string {
  if (error instanceof Deno.errors.NotFound) {
    // Arguments whose bytes are not UTF-8 come with this sign instead.
    const odd = path.includes("\uFFFD") ? "; if its name is not UTF-8, rename it: it cannot be opened" : "";
    const meant = pathOfAddress(path), home = homeAdvice(path);
    const advice = meant !== undefined
      ? `a path is needed: write ${meant}`
      : home
      ? `it begins with ${home}`
      : `check the path${odd}`;
    return `no such file or folder; ${advice}`;
  }
  if (error instanceof Deno.errors.NotCapable) {
    return `Deno may not ${doing} this; run with --allow-${doing}=${path}`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `no permission to ${doing}; check its owner and mode`;
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return `cannot ${doing}: Not a directory; a part of this path is a file`;
  }
  const code = codeOf(error) ?? "";
  if (doing === "write" && code === "ENOSPC" && isOutOfFiles(path)) {
    return "cannot write: no more files fit on the device, though it has room (its inodes are used up); remove some " +
      "or choose another place";
  }
  const known = doing === "write" && CODES[code];
  if (known) return `cannot write: ${known}`;
  const message = error instanceof Error ? error.message : String(error);
  return `cannot ${doing}: ${message.replace(/ \(os error \d+\)/, "")}`;
}

/** True for what the file system, or Deno's permission for it, has thrown. */
export function isPathError(error: unknown): boolean {
  return codeOf(error) !== undefined || Object.values(Deno.errors).some((kind) => error instanceof kind);
}

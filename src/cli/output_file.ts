/** A file that the user has named for a command's result. */
import { basename, dirname, join } from "node:path";
import { linkedPlace } from "../files/linked_place.ts";
import { isPathError, pathError } from "../files/path_error.ts";
import { publishFile } from "../files/publish.ts";
import { UsageError } from "./usage_error.ts";

/** A place for a result. */
export interface OutputFile {
  /** Writes the whole result; an existing file is replaced, a link is followed, also to where nothing is yet. */
  write(content: Uint8Array | string): Promise<void>;
}

/** What is there under a name, links followed: a file's path, a device or pipe that takes bytes as they come, or nothing. */
async function target(path: string): Promise<{ path: string; special: boolean }> {
  try {
    const info = await Deno.stat(path);
    if (info.isDirectory) throw new Error(`${path}: a folder has this name; name a file`);
    if (!info.isFile) return { path, special: true };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return { path: await linkedPlace(path), special: false };
}

/**
 * Looks whether a file can be written, before the work whose result it is to hold. Nothing is left there.
 *
 * @param path As the user has named it.
 * @param advice What else the user can do, such as `--no-sheet writes none`.
 * @throws {Error} When it cannot be written; names the path, the reason and the advice.
 */
export async function openOutput(path: string, advice = ""): Promise<OutputFile> {
  try {
    const { path: file, special } = await target(path);
    // A device is written to as it is: a file that takes its name would put an end to it.
    if (special) return { write: (content) => writeThrough(file, content) };
    const probe = join(dirname(file), `.${basename(file).slice(0, 60)}.${crypto.randomUUID().slice(0, 8)}`);
    using _made = await Deno.open(probe, { write: true, createNew: true });
    await Deno.remove(probe);
    return { write: (content) => publishFile(file, content) };
  } catch (error) {
    const worded = isPathError(error) ? pathError(error, path, "write") : error as Error;
    throw advice ? new Error(`${worded.message}; ${advice}`, { cause: error }) : worded;
  }
}

/**
 * Refuses to write a result over a file that the command reads.
 *
 * @param path Where the result goes, as the user has named it; it need not be there.
 * @param inputs Files that are read; what is no file is passed over.
 * @throws {UsageError} When the two are one file.
 */
export async function refuseInputs(path: string, inputs: readonly (string | undefined)[]): Promise<void> {
  const real = (path: string) => Deno.realPath(path).catch(() => null);
  const own = await real(path);
  for (const input of inputs) {
    if (own === null || input === undefined || await real(input) !== own) continue;
    throw new UsageError(`${path}: is read here and would be replaced; name another file`);
  }
}

async function writeThrough(path: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    using file = await Deno.open(path, { write: true });
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  } catch (error) {
    throw pathError(error, path, "write");
  }
}

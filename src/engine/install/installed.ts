import { publishFile } from "../../files/publish.ts";
import { fileDigest } from "./wheel.ts";

/** The file beside what was installed, by which damage is noticed. */
const RECORD = "installed.json";

interface Installed {
  /** What it was made of. */
  make: string[];
  files: Record<string, Seen>;
}

interface Seen {
  sha256: string;
  size: number;
  /** The file's time when it was last found right; while it stays the same the file isn't hashed again. */
  mtime: number;
}

async function see(path: string, sha256: string): Promise<Seen> {
  const { size, mtime } = await Deno.stat(path);
  return { sha256, size, mtime: mtime?.getTime() ?? 0 };
}

/**
 * Writes down what lies in a folder.
 *
 * @param folder Where the files are.
 * @param make What they were made of.
 * @param digests SHA-256 by path in the folder.
 */
export async function recordIn(
  folder: string,
  make: string[],
  digests: Readonly<Record<string, string>>,
): Promise<void> {
  const files: Installed["files"] = {};
  for (const [path, sha256] of Object.entries(digests)) files[path] = await see(`${folder}/${path}`, sha256);
  await write(folder, { make, files });
}

/**
 * Whether a folder holds what was recorded there, made of the same.
 *
 * @param folder The folder; it need not exist.
 * @param make What the files should be made of.
 * @throws {Error} When they are there and cannot be read.
 */
export async function soundIn(folder: string, make: readonly string[]): Promise<boolean> {
  let installed: Installed;
  try {
    installed = JSON.parse(await Deno.readTextFile(`${folder}/${RECORD}`));
    if (JSON.stringify(installed.make) !== JSON.stringify(make)) return false;
    let touched = false;
    for (const [path, seen] of Object.entries(installed.files)) {
      const now = await see(`${folder}/${path}`, seen.sha256);
      if (now.size !== seen.size) return false;
      if (now.mtime === seen.mtime) continue;
      if (await fileDigest(`${folder}/${path}`) !== seen.sha256) return false;
      installed.files[path] = now;
      touched = true;
    }
    // Copied or touched, but sound. Where the cache can't be written it is hashed again next time.
    if (touched) await write(folder, installed).catch(() => {});
    return true;
  } catch (error) {
    // A file may stand where a folder should be, above all this; and the record may be no JSON, or another one.
    const { NotFound, NotADirectory } = Deno.errors;
    if ([NotFound, NotADirectory, SyntaxError, TypeError].some((kind) => error instanceof kind)) return false;
    throw error;
  }
}

function write(folder: string, installed: Installed): Promise<void> {
  return publishFile(`${folder}/${RECORD}`, JSON.stringify(installed, null, 2) + "\n");
}

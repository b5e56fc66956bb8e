import { isRemote } from "../io/paths.ts";
import { withFileReader } from "../io/reader/file.ts";
import { describeFile, START_BYTES } from "./file_kinds.ts";

/** A file's first bytes; fewer where it is shorter, none where it cannot be read. */
export async function startOf(path: string): Promise<Uint8Array> {
  try {
    return await withFileReader(path, (file) => file.read(0, Math.min(START_BYTES, file.length)));
  } catch {
    return new Uint8Array();
  }
}

/**
 * Opens local files; where that fails, says what a file is that is of another kind than its name or prefix says.
 *
 * @param files What is opened.
 * @param isRight Whether a file begins as it should.
 * @param open Opens them.
 * @throws {Error} What opening throws, with what the file is and what to do about it.
 */
export async function openRight<T>(
  files: readonly string[],
  isRight: (start: Uint8Array) => boolean,
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const file = files.find((file) => !isRemote(file) && message.startsWith(file));
    if (file === undefined) throw error;
    const start = await startOf(file),
      kind = start.length === 0 || isRight(start) ? null : describeFile(start);
    if (kind === null) throw error;
    throw new Error(`${message}. It is ${kind.what}: ${kind.advice}`, { cause: error });
  }
}

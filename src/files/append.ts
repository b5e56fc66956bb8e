/** Writing on at the end of files that grow, such as logs. */
import { pathError } from "./path_error.ts";

/**
 * Writes all of some bytes where an open file stands.
 *
 * @param path The file, for errors.
 * @throws {Error} Names the path and what to do: a full disk, a file that grew too large. A part may have been written.
 */
export function appendAll(file: Pick<Deno.FsFile, "writeSync">, path: string, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  } catch (error) {
    throw pathError(error, path, "write");
  }
}

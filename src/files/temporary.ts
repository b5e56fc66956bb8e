import { pathError } from "./path_error.ts";

/** Where the system makes temporary files, as far as that may be asked. */
function temporaryPlace(): string {
  try {
    return Deno.env.get("TMPDIR") || "/tmp";
  } catch {
    return "/tmp";
  }
}

/**
 * Makes a new folder among temporary files.
 *
 * @param prefix What its name begins with.
 * @returns Its path; the caller removes it.
 * @throws {Error} It cannot be made; says where, and how to name another place.
 */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix });
  } catch (error) {
    const { message } = pathError(error, temporaryPlace(), "write");
    throw new Error(`${message}; it is where temporary files go: TMPDIR names another folder`, {
      cause: error,
    });
  }
}

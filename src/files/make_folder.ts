import { pathError, refuseAddress } from "./path_error.ts";

/**
 * Makes a folder and those around it; nothing where it is there.
 *
 * @throws {TypeError} When it is no path.
 * @throws {Error} When it cannot be made, or is an address and no path; names it, and says what to do.
 */
export async function makeFolder(path: string): Promise<void> {
  refuseAddress(path);
  await Deno.mkdir(path, { recursive: true }).catch((error) => {
    throw pathError(error, path, "write");
  });
}

import { pathError } from "./path_error.ts";

/**
 * Makes a folder and those around it; nothing where it is there.
 *
 * @throws {Error} When it cannot be made; names it, and says what to do.
 */
export async function makeFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true }).catch((error) => {
    throw pathError(error, path, "write");
  });
}

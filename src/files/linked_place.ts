import { dirname, resolve } from "node:path";

/**
 * Where a file of this name is or will be: a link is followed, also to where nothing is yet.
 *
 * @returns The path as it is where it is no link.
 * @throws {Error} When links go in a circle, or a folder that one leads to is missing.
 */
export async function linkedPlace(path: string): Promise<string> {
  const link = await Deno.readLink(path).catch(() => null);
  if (link === null) return path;
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return await linkedPlace(resolve(await Deno.realPath(dirname(path)), link));
}

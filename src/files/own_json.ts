/** Small JSON files of the program's own. */
import { isObject } from "./json_values.ts";
import { pathError } from "./path_error.ts";

/**
 * Reads a JSON object that this program has written.
 *
 * @param path The file.
 * @param advice What to do where it is damaged.
 * @returns Null where there is no such file.
 * @throws {Error} It cannot be read or holds no JSON object; names it.
 */
export async function readOwnJson<T extends object>(path: string, advice: string): Promise<T | null> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw pathError(error, path, "read");
  }
  return parseOwnJson<T>(text, path, advice);
}

/**
 * As {@linkcode readOwnJson}, of a file that has been read.
 *
 * @throws {Error} It holds no JSON object; names it.
 */
export function parseOwnJson<T extends object>(text: string, path: string, advice: string): T {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value as T;
  } catch {
    // Told below.
  }
  throw new Error(`${path}: damaged, it holds no JSON object; ${advice}`);
}

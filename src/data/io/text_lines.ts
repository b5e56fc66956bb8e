/** Texts of a line each, as people and other programs write lists. */
import { decodeText } from "./foreign_text.ts";
import { isPathError, pathError } from "./paths.ts";

/** The lines of a text that are not empty, without the spaces around them. */
export function textLines(text: string): string[] {
  return text.split(/\r\n|\n|\r/).map((line) => line.trim()).filter((line) => line !== "");
}

/**
 * Reads such lines from a file.
 *
 * @param path A text in UTF-8, or UTF-16 with a byte order mark.
 * @throws {Error} The file cannot be read, or is no text.
 */
export async function readTextLines(path: string): Promise<string[]> {
  try {
    return textLines(decodeText(await Deno.readFile(path), true));
  } catch (error) {
    if (isPathError(error)) throw pathError(error, path, "read");
    throw new Error(`${path}: is no text in UTF-8; save it as such`, { cause: error });
  }
}

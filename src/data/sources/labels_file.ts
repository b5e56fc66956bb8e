import { decodeText } from "../io/foreign_text.ts";
import { isPathError, pathError } from "../io/paths.ts";

/**
 * Reads class names from a text file, one a line, the first the name of class 0. Spaces around names, line ends of any
 * system, a byte order mark and empty lines at the end do not count. Names may stand in it twice.
 *
 * @param path The file, UTF-8 or UTF-16.
 * @throws {Error} The file cannot be read, is no text, holds no names or an empty line among them.
 */
export async function readLabelsFile(path: string): Promise<string[]> {
  const name = `--labels ${path}`;
  let text: string;
  try {
    text = decodeText(await Deno.readFile(path), true);
  } catch (error) {
    if (isPathError(error)) {
      const { message } = pathError(error, path, "read");
      throw new Error(`${name}: cannot be read: ${message.replace(`${path}: `, "")}`);
    }
    throw new Error(`${name}: is no text in UTF-8; save it as such`, { cause: error });
  }
  const names = text.split(/\r\n|\n|\r/).map((line) => line.trim());
  while (names.at(-1) === "") names.pop();
  if (names.length === 0) throw new Error(`${name}: is empty; it must hold one class name a line`);
  const empty = names.indexOf("");
  if (empty >= 0) {
    throw new Error(
      `${name}: line ${
        empty + 1
      } is empty; a class's number is that of its line, so there must be a name on each`,
    );
  }
  return names;
}

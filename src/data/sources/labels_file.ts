import { decodeText, parseForeignJson } from "../io/foreign_text.ts";
import { isPathError, pathError } from "../io/paths.ts";

/**
 * Reads class names from a text file, one a line, the first the name of class 0. Spaces around names, line ends of any
 * system, a byte order mark and empty lines at the end do not count. Names may stand in it twice. JSON may be a list of
 * names, or an object of numbers and names. Lines may be numbered from 0 in any order, as in `0,cat`, with a title above
 * them, and names may stand in quotes.
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
  const listed = namesInJson(name, text);
  if (listed) return listed;
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trim());
  while (lines.at(-1) === "") lines.pop();
  const names = numberedNames(lines) ?? (lines.every(isQuoted) ? lines.map(unquoted) : lines);
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

const isQuoted = (text: string) => /^"[^"]+"$|^'[^']+'$/.test(text);
const unquoted = (text: string) => isQuoted(text) ? text.slice(1, -1).trim() : text;

/** The names of numbered lines, in the order of their numbers; null where they are not, or not all from 0 on. */
function numberedNames(lines: readonly string[]): string[] | null {
  const [first = "", second = ""] = lines, hasTitle = !/^\d/.test(first) && /^\d/.test(second);
  const numbered = lines.slice(hasTitle ? 1 : 0).map((line) =>
    /^(\d{1,6})(?:\s*[,;\t:]\s*|\s+)(.+)$/.exec(line)
  );
  const names: string[] = Array(numbered.length).fill("");
  for (const found of numbered) {
    // What stands twice or beyond leaves another without a name.
    if (found && Number(found[1]) < names.length) names[Number(found[1])] = unquoted(found[2]);
  }
  return names.length > 1 && !names.includes("") ? names : null;
}

/** The names in a file of JSON; null for another file, of which a line may begin with a bracket. */
function namesInJson(file: string, text: string): string[] | null {
  if (!/^\s*[[{]/.test(text)) return null;
  let value: unknown;
  try {
    value = parseForeignJson(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  // Names of fields that are numbers come in the numbers' order.
  const entries = Object.entries(value);
  const names = entries.map(([, name]) => typeof name === "string" ? name.trim() : "");
  const inOrder = entries.every(([number], i) => number === String(i));
  if (names.length > 0 && inOrder && !names.includes("")) return names;
  throw new Error(
    `${file}: this JSON is no list of class names, nor an object of all numbers from 0 and their names`,
  );
}

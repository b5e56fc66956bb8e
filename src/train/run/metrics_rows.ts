/** The rows of a metrics file, read some at a time: a long run's has gigabytes. */
import { isObject } from "../../files/json_values.ts";

/** Bytes of a file that are read at once. */
const CHUNK = 1 << 20;

/** What a row says; null where it is none of a metrics file. */
function lineOf<Line extends object>(row: string): Line | null {
  try {
    const line = JSON.parse(row);
    return isObject(line) ? line as Line : null;
  } catch {
    return null;
  }
}

/**
 * All whole lines of a metrics file and what they say, some at a time; none when there is no file. A torn last line is left
 * out.
 *
 * @throws {Error} When the file cannot be read, or holds a line that is no JSON object.
 */
export async function* linesOf<Line extends object>(
  path: string,
): AsyncGenerator<{ row: string; line: Line }[]> {
  let number = 0;
  for await (const { rows, torn } of rowsOf(path)) {
    yield rows.flatMap((row) => {
      number++;
      const line = lineOf<Line>(row);
      if (line) return [{ row, line }];
      // Torn while it was written: the step counts as not done.
      if (torn) return [];
      throw new Error(`${path}: line ${number} is no JSON object; repair or remove it`);
    });
  }
}

/** The rows of a file, some at a time; `torn`: what stands behind the last line end. None where there is no file. */
async function* rowsOf(path: string): AsyncGenerator<{ rows: string[]; torn: boolean }> {
  let opened: Deno.FsFile;
  try {
    opened = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  using file = opened;
  const decoder = new TextDecoder(), buffer = new Uint8Array(CHUNK);
  let rest = "";
  for (let got = await file.read(buffer); got !== null; got = await file.read(buffer)) {
    const rows = (rest + decoder.decode(buffer.subarray(0, got), { stream: true })).split("\n");
    rest = rows.pop()!;
    yield { rows, torn: false };
  }
  if (rest !== "") yield { rows: [rest], torn: true };
}

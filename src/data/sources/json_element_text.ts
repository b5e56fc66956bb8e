/** The text of elements of a JSON file: put together from chunks, and parsed. */
import { byteText } from "../io/byte_text.ts";
import { parseForeignJson } from "../io/foreign_text.ts";
import { DamagedError } from "../io/reader/chunks.ts";

/** An element of more bytes is refused. */
const MOST_ELEMENT = 64 * 2 ** 20;

/**
 * Collects a text that may go over several chunks.
 *
 * @param file The file's name, for messages.
 * @throws {DamagedError} While collecting, when the text is too long.
 */
export function textCollector(file: string) {
  let chunk = new Uint8Array(0) as Uint8Array, parts: Uint8Array[] = [], held = 0, from = 0, going = false;
  const keep = (to: number) => {
    if (!going || to <= from) return;
    parts.push(chunk.slice(from, to));
    held += to - from;
    if (held > MOST_ELEMENT) throw new DamagedError(`${file}: an element of over ${MOST_ELEMENT} bytes`);
  };
  return {
    get going() {
      return going;
    },
    /** The chunk that is looked at from now on. */
    enter(next: Uint8Array) {
      [chunk, from] = [next, 0];
    },
    /** The text begins here in the chunk. */
    begin(at: number) {
      [going, from] = [true, at];
    },
    /** The chunk ends. */
    leave() {
      keep(chunk.length);
    },
    /** The text ends here in the chunk. */
    end(at: number): string {
      keep(at);
      const bytes = new Uint8Array(held);
      let to = 0;
      for (const part of parts) {
        bytes.set(part, to);
        to += part.length;
      }
      [parts, held, going] = [[], 0, false];
      // Inside a text, where alone such bytes can stand, the backslash of an escape is escaped itself.
      return byteText(bytes, "\\\\x");
    },
  };
}

/**
 * Parses elements with commas between them.
 *
 * @param file The file's name, for messages.
 * @param position The byte of the file before which they stand.
 * @throws {DamagedError} That names the first that is none.
 */
export function parseElements(json: string, file: string, position: number): unknown[] {
  const failed = (text: string, error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    return new DamagedError(`${file}: no JSON before byte ${position}: ${text.slice(0, 60)} (${reason})`);
  };
  try {
    return parseForeignJson(`[${json}]`) as unknown[];
  } catch (error) {
    for (const element of elementsOf(json)) {
      try {
        parseForeignJson(element);
      } catch (own) {
        throw failed(element.trim(), own);
      }
    }
    throw failed(json, error);
  }
}

/** The texts between the commas that are in no bracket and no text. */
function* elementsOf(json: string): Generator<string> {
  let depth = 0, from = 0;
  for (const { 0: sign, index } of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},]/gs)) {
    if (sign === "[" || sign === "{") depth++;
    else if (sign === "]" || sign === "}") depth--;
    else if (sign === "," && depth === 0) {
      yield json.slice(from, index);
      from = index + 1;
    }
  }
  yield json.slice(from);
}

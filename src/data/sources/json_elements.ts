import { byteText } from "../io/byte_text.ts";
import { parseForeignJson } from "../io/foreign_text.ts";
import { DamagedError } from "../io/reader/chunks.ts";

/** One element of one of the wanted arrays. */
export interface JsonElement {
  /** The array's name in the outermost object. */
  name: string;
  value: unknown;
}

/** An element of more bytes is refused. */
const MOST_ELEMENT = 64 * 2 ** 20;

const QUOTE = 0x22, SINGLE_QUOTE = 0x27, BACKSLASH = 0x5c, COMMA = 0x2c, COLON = 0x3a;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isOpen = (byte: number) => byte === 0x7b || byte === 0x5b;
const isClose = (byte: number) => byte === 0x7d || byte === 0x5d;

/**
 * Reads the elements of arrays that stand in a JSON file's outermost object, one by one, without holding the file:
 * `{"images": [{…}, {…}], "annotations": [{…}], …}`. Files of hundreds of megabytes take the memory of one element. Elements
 * may be as Python writes them ({@linkcode parseForeignJson}); a byte order mark of UTF-8 is passed over.
 *
 * @param file The file's name, for messages.
 * @param chunks Its bytes.
 * @param names Which arrays; others are passed over.
 * @throws {DamagedError} It is no JSON object, cut short, or an element cannot be parsed.
 */
export async function* jsonElements(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  names: readonly string[],
): AsyncGenerator<JsonElement, void, void> {
  let depth = 0, inString = false, escaped = false, position = 0, ended = false;
  // The last text at depth 1, and whether a colon made it a key.
  let key: string | null = null, named: string | null = null;
  let wanted: string | null = null;
  // Bytes of the element or key that is being read.
  let parts: Uint8Array[] = [], held = 0, collecting = false;

  const text = (): string => {
    const bytes = new Uint8Array(held);
    let to = 0;
    for (const part of parts) {
      bytes.set(part, to);
      to += part.length;
    }
    parts = [];
    held = 0;
    collecting = false;
    // Inside a text, where alone such bytes can stand, the backslash of an escape is escaped itself.
    return byteText(bytes, "\\\\x");
  };
  const parse = (json: string): unknown => {
    try {
      return parseForeignJson(json);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DamagedError(`${file}: no JSON before byte ${position}: ${json.slice(0, 60)} (${reason})`);
    }
  };

  for await (const chunk of withoutMark(file, chunks)) {
    let from = 0;
    const keep = (to: number) => {
      if (collecting && to > from) {
        parts.push(chunk.slice(from, to));
        held += to - from;
        if (held > MOST_ELEMENT) throw new DamagedError(`${file}: an element of over ${MOST_ELEMENT} bytes`);
      }
    };
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) {
          inString = false;
          if (depth === 1 && collecting) {
            keep(at + 1);
            key = String(parse(text()));
          }
        }
        continue;
      }
      if (isSpace(byte)) continue;
      if (ended || (depth === 0 && byte !== 0x7b)) {
        throw new DamagedError(`${file}: not a JSON object (byte ${position + at})`);
      }
      const inName = byte === QUOTE || byte === COLON || byte === COMMA || isClose(byte);
      if (depth === 1 && named === null && !inName) {
        const hint = byte === SINGLE_QUOTE
          ? "single quotes, as Python shows objects"
          : "a name in double quotes must come";
        throw new DamagedError(`${file}: not JSON (byte ${position + at}): ${hint}`);
      }
      const startsElement = depth === 2 && wanted !== null && !collecting && byte !== COMMA && !isClose(byte);
      if (startsElement || (byte === QUOTE && depth === 1 && named === null)) {
        collecting = true;
        from = at;
      }
      if (byte === QUOTE) inString = true;
      else if (isOpen(byte)) {
        if (depth === 1 && byte === 0x5b && named !== null && names.includes(named)) wanted = named;
        depth++;
      } else if (isClose(byte) || byte === COMMA) {
        if (depth === 2 && wanted !== null && collecting) {
          keep(at);
          yield { name: wanted, value: parse(text()) };
        }
        if (isClose(byte)) {
          depth--;
          if (depth === 1) wanted = null;
          if (depth === 0) ended = true;
        } else if (depth === 1) named = null;
      } else if (byte === COLON && depth === 1) named = key;
    }
    keep(chunk.length);
    position += chunk.length;
  }
  if (!ended) {
    throw new DamagedError(`${file}: ends after ${position} bytes, in the middle of JSON: cut short`);
  }
}

const MARK = [0xef, 0xbb, 0xbf];

/** The chunks without a byte order mark at their beginning. */
async function* withoutMark(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  let passed = 0;
  for await (const chunk of chunks) {
    let from = 0;
    while (passed < MARK.length && from < chunk.length) {
      if (passed === 0 && (chunk[from] === 0xff || chunk[from] === 0xfe)) {
        throw new DamagedError(`${file}: JSON in UTF-16; save it as UTF-8`);
      }
      if (chunk[from] !== MARK[passed]) {
        // What looked like a mark and is none is no JSON either.
        if (passed > 0) throw new DamagedError(`${file}: not a JSON object (byte ${passed})`);
        passed = MARK.length;
      } else {
        passed++;
        from++;
      }
    }
    yield chunk.subarray(from);
  }
}

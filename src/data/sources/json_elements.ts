import { DamagedError } from "../io/reader/chunks.ts";
import { parseElements, textCollector } from "./json_element_text.ts";

/** One element of one of the wanted arrays. */
export interface JsonElement {
  /** The array's name in the outermost object. */
  name: string;
  value: unknown;
}

/** Elements of one array that stand side by side. */
export interface JsonBatch {
  /** The array's name in the outermost object; empty where the array is outermost itself. */
  name: string;
  values: unknown[];
}

const QUOTE = 0x22, SINGLE_QUOTE = 0x27, BACKSLASH = 0x5c, COMMA = 0x2c, COLON = 0x3a;
const OPEN_BRACE = 0x7b, OPEN_BRACKET = 0x5b;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isOpen = (byte: number) => byte === OPEN_BRACE || byte === OPEN_BRACKET;
const isClose = (byte: number) => byte === 0x7d || byte === 0x5d;

/**
 * Reads the elements of arrays that stand in a JSON file's outermost object, one by one: {@linkcode jsonBatches} without the
 * batches.
 *
 * @param file The file's name, for messages.
 * @param chunks Its bytes.
 * @param names Which arrays; others are passed over.
 * @throws {DamagedError} It is no JSON object, cut short, has a wanted array twice, or an element cannot be parsed.
 */
export async function* jsonElements(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  names: readonly string[],
): AsyncGenerator<JsonElement, void, void> {
  for await (const { name, values } of jsonBatches(file, chunks, names)) {
    for (const value of values) yield { name, value };
  }
}

/**
 * Reads the elements of arrays that stand in a JSON file's outermost object without holding the file:
 * `{"images": [{…}, {…}], "annotations": [{…}], …}`. Files of any size take the memory of a chunk and of one element, of what
 * they are parsed to that of a chunk's elements. Elements may be as Python writes them ({@linkcode parseForeignJson}); a byte
 * order mark of UTF-8 is passed over.
 *
 * @param file The file's name, for messages.
 * @param chunks Its bytes.
 * @param names Which arrays; others are passed over.
 * @returns Elements in the file's order, those that end in the same chunk together.
 * @throws {DamagedError} It is no JSON object, cut short, has a wanted array twice, or an element cannot be parsed.
 */
export function jsonBatches(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  names: readonly string[],
): AsyncGenerator<JsonBatch, void, void> {
  return scan(file, chunks, names);
}

/**
 * Reads the elements of a JSON file that is one list, `[{…}, {…}, …]`, as {@linkcode jsonBatches} does.
 *
 * @param file The file's name, for messages.
 * @param chunks Its bytes.
 * @throws {DamagedError} It is no list, cut short, or an element cannot be parsed.
 */
export function jsonListBatches(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<JsonBatch, void, void> {
  return scan(file, chunks, null);
}

/** Reads arrays by name, or with null the outermost one. */
async function* scan(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  names: readonly string[] | null,
): AsyncGenerator<JsonBatch, void, void> {
  // How deep elements stand, and what the file has to begin with.
  const list = names === null, level = list ? 1 : 2, begin = list ? OPEN_BRACKET : OPEN_BRACE;
  let depth = 0, inString = false, escaped = false, position = 0, ended = false;
  // The last text at depth 1, whether a colon made it a key, and the wanted array that is open.
  let key: string | null = null, named: string | null = null, wanted: string | null = null;
  const seen = new Set<string>();
  // The elements or the key that are being read.
  const read = textCollector(file);
  for await (const chunk of withoutMark(file, chunks)) {
    // Where in this chunk the last whole element ends.
    let whole = -1;
    read.enter(chunk);
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) {
          inString = false;
          if (!list && depth === 1 && read.going) {
            key = String(parseElements(read.end(at + 1), file, position)[0]);
          }
        }
        continue;
      }
      if (isSpace(byte)) continue;
      if (ended || (depth === 0 && byte !== begin)) {
        throw new DamagedError(`${file}: not a JSON ${list ? "list" : "object"} (byte ${position + at})`);
      }
      if (!list && depth === 1 && named === null) {
        if (!mayStandInName(byte)) throw noName(file, byte, position + at);
        if (byte === QUOTE) read.begin(at);
      }
      if (depth === level && wanted !== null && !read.going && !isClose(byte)) read.begin(at);
      if (byte === QUOTE) inString = true;
      else if (isOpen(byte)) {
        if (list && depth === 0) wanted = "";
        else if (depth === 1 && byte === OPEN_BRACKET && named !== null && names?.includes(named)) {
          if (seen.has(named)) throw twice(file, named, position + at);
          seen.add(wanted = named);
        }
        depth++;
      } else if (isClose(byte)) {
        if (depth === level && wanted !== null) {
          if (read.going) yield { name: wanted, values: parseElements(read.end(at), file, position) };
          wanted = null;
          whole = -1;
        }
        depth--;
        ended = depth === 0;
      } else if (byte === COMMA) {
        if (depth === level && wanted !== null) whole = at;
        else if (depth === 1) named = null;
      } else if (byte === COLON && depth === 1) named = key;
    }
    if (whole >= 0 && wanted !== null) {
      yield { name: wanted, values: parseElements(read.end(whole), file, position) };
      read.begin(whole + 1);
    }
    read.leave();
    position += chunk.length;
  }
  if (!ended) {
    throw new DamagedError(`${file}: ends after ${position} bytes, in the middle of JSON: cut short`);
  }
}

/** Whether a byte may stand at the beginning of a name, or between names. */
const mayStandInName = (byte: number) => byte === QUOTE || byte === COLON || byte === COMMA || isClose(byte);

function noName(file: string, byte: number, at: number): DamagedError {
  const hint = byte === SINGLE_QUOTE
    ? "single quotes, as Python shows objects"
    : "a name in double quotes must come";
  return new DamagedError(`${file}: not JSON (byte ${at}): ${hint}`);
}

/** Other programs take the last of two equal names, but elements of the first have been given already. */
function twice(file: string, name: string, at: number): DamagedError {
  return new DamagedError(`${file}: has a list "${name}" twice (byte ${at}); leave one of the two`);
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
        if (passed > 0) throw new DamagedError(`${file}: not JSON (byte ${passed})`);
        passed = MARK.length;
      } else {
        passed++;
        from++;
      }
    }
    yield chunk.subarray(from);
  }
}

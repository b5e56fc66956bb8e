/** Text and JSON as other programs write them. */

/**
 * Decodes a text file: UTF-8, or UTF-16 where a byte order mark says so. Marks are left out.
 *
 * @param bytes The file.
 * @param fatal Refuse bytes that are no such text. Default: they become U+FFFD.
 * @throws {TypeError} Under `fatal`, when the bytes are no text.
 */
export function decodeText(bytes: Uint8Array, fatal = false): string {
  const [a, b] = bytes;
  const encoding = a === 0xff && b === 0xfe ? "utf-16le" : a === 0xfe && b === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding, { fatal }).decode(bytes);
}

/** Whole numbers of more digits than JavaScript's numbers hold; digits behind a point are a fraction's. */
const MANY_DIGITS = /(?:^|[^\d.])\d{16}/;

/** A text, passed over, or one of the words that Python's json writes for numbers that JSON lacks. */
const WORDS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs;

/**
 * Reads JSON as other programs write it, Python's json above all: `NaN` becomes null, `Infinity` and `-Infinity` are
 * numbers, byte order marks are passed over, and whole numbers too large to be exact become bigints. Of equal names in an
 * object the last one counts, as in Python. Nothing is executed.
 *
 * @param source The file's bytes, or its text.
 * @returns What JSON.parse gives, with bigints.
 * @throws {SyntaxError} It is no JSON; the message says why, without the file's name.
 */
export function parseForeignJson(source: Uint8Array | string): unknown {
  const text = typeof source === "string" ? source.replace(/^\uFEFF/, "") : decodeText(source);
  const parse = MANY_DIGITS.test(text) ? parseExactly : JSON.parse;
  try {
    return parse(text);
  } catch (error) {
    const plain = text.replace(
      WORDS,
      (word) => word === "NaN" ? "null" : word.endsWith("y") ? word.replace("Infinity", "1e999") : word,
    );
    try {
      if (plain !== text) return parse(plain);
    } catch {
      // The first error names the text as it is.
    }
    throw new SyntaxError(reasonOf(text, error));
  }
}

function parseExactly(text: string): unknown {
  const exact = (_name: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && /^-?\d{16,40}$/.test(context?.source ?? "") && !Number.isSafeInteger(value)
      ? BigInt(context!.source!)
      : value;
  return JSON.parse(text, exact);
}

function reasonOf(text: string, error: unknown): string {
  const start = text.trimStart().slice(0, 40);
  if (start === "") return "empty";
  if (/^[{[(]\s*'|^'|:\s*(None|True|False|')/.test(start)) {
    return "written as Python shows an object (single quotes, None, True), which is not JSON; write it with json.dumps";
  }
  const reason = error instanceof Error ? error.message : String(error);
  return `not JSON: ${reason.length > 120 ? reason.slice(0, 120) + "…" : reason}`;
}

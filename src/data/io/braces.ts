import { isQuoted, unquoteName } from "./name_patterns.ts";

/** More names than this are taken for a slip of the keyboard. */
const MOST = 1_000_000;

/**
 * Expands braces as shells and WebDataset do: `data-{000..146}.tar`, `{train,val}-{0..3}.tar`. A range keeps the zeros
 * in front; braces without a comma or a range are left as they are, and so are braces after a backslash.
 *
 * @param pattern A name with any number of braces.
 * @returns The names, in order; backslashes stay.
 * @throws {Error} When a brace is not closed or there would be over a million names.
 * @example
 * ```ts
 * import { expandBraces } from "./braces.ts";
 * import assert from "node:assert/strict";
 * assert.deepEqual(expandBraces("a-{08..10}.tar"), ["a-08.tar", "a-09.tar", "a-10.tar"]);
 * ```
 */
export function expandBraces(pattern: string): string[] {
  let names = [""];
  let at = 0;
  const append = (choices: readonly string[]) => {
    if (names.length * choices.length > MOST) {
      throw new Error(`"${pattern}" stands for more than a million names`);
    }
    names = names.flatMap((name) => choices.map((choice) => name + choice));
  };
  while (at < pattern.length) {
    const open = opening(pattern, at);
    if (open < 0) break;
    append([pattern.slice(at, open)]);
    const close = closing(pattern, open);
    append(choicesOf(pattern.slice(open + 1, close), pattern));
    at = close + 1;
  }
  append([pattern.slice(at)]);
  return names;
}

/**
 * The names that a text with braces stands for, backslashes taken away.
 *
 * @throws {Error} As {@linkcode expandBraces}.
 */
export function expandNames(text: string): string[] {
  return expandBraces(text).map(unquoteName);
}

function opening(pattern: string, from: number): number {
  for (let at = pattern.indexOf("{", from); at >= 0; at = pattern.indexOf("{", at + 1)) {
    if (!isQuoted(pattern, at)) return at;
  }
  return -1;
}

function closing(pattern: string, open: number): number {
  let depth = 0;
  for (let at = open; at < pattern.length; at++) {
    if (isQuoted(pattern, at)) continue;
    if (pattern[at] === "{") depth++;
    if (pattern[at] === "}" && --depth === 0) return at;
  }
  throw new Error(
    `"${pattern}": the brace at character ${open + 1} is not closed; write \\{ where it belongs to the name`,
  );
}

function choicesOf(inside: string, pattern: string): string[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(inside);
  if (range) return rangeOf(range[1], range[2], pattern);
  const parts = splitOutside(inside);
  return parts.length > 1 ? parts.flatMap(expandBraces) : [`{${inside}}`];
}

function rangeOf(from: string, to: string, pattern: string): string[] {
  const first = Number(from), last = Number(to);
  const width = /^0\d/.test(from) || /^0\d/.test(to) ? Math.max(from.length, to.length) : 0;
  const count = Math.abs(last - first) + 1;
  if (count > MOST) throw new Error(`"${pattern}" stands for more than a million names`);
  const step = last < first ? -1 : 1;
  return Array.from({ length: count }, (_, i) => String(first + i * step).padStart(width, "0"));
}

/**
 * Splits at commas outside of braces; a backslash before a comma keeps it, and stays.
 *
 * @param text What to split.
 * @returns The parts, at least one.
 */
export function splitOutside(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at], quoted = isQuoted(text, at);
    if (char === "{" && !quoted) depth++;
    if (char === "}" && !quoted) depth--;
    if (char === "," && !quoted && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts;
}

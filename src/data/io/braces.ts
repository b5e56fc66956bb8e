/** More names than this are taken for a slip of the keyboard. */
const MOST = 1_000_000;

/**
 * Expands braces as shells and WebDataset do: `data-{000..146}.tar`, `{train,val}-{0..3}.tar`. A range keeps the zeros
 * in front; braces without a comma or a range are left as they are.
 *
 * @param pattern A name with any number of braces.
 * @returns The names, in order.
 * @throws Error when a brace is not closed or there would be over a million names.
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
    const open = pattern.indexOf("{", at);
    if (open < 0) break;
    append([pattern.slice(at, open)]);
    const close = closing(pattern, open);
    append(choicesOf(pattern.slice(open + 1, close), pattern));
    at = close + 1;
  }
  append([pattern.slice(at)]);
  return names;
}

function closing(pattern: string, open: number): number {
  let depth = 0;
  for (let at = open; at < pattern.length; at++) {
    if (pattern[at] === "{") depth++;
    if (pattern[at] === "}" && --depth === 0) return at;
  }
  throw new Error(`"${pattern}": the brace at character ${open + 1} is not closed`);
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
 * Splits at commas outside of braces; a backslash before a comma keeps it.
 *
 * @param text What to split.
 * @returns The parts, at least one.
 */
export function splitOutside(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\\" && text[at + 1] === ",") {
      parts[parts.length - 1] += ",";
      at++;
      continue;
    }
    if (char === "{") depth++;
    if (char === "}") depth--;
    if (char === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts;
}

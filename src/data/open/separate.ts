import { splitOutside } from "../io/braces.ts";
import { isQuoted, lastUnquoted, unquoteName } from "../io/name_patterns.ts";
import { isRemote } from "../io/paths.ts";
import type { SourceFormat } from "../sources/format.ts";
import { formatByEnding, formatNamed } from "../sources/registry.ts";

/** What is known beside the words themselves. */
export interface Surroundings {
  /** Whether a local file or folder of this very name exists. */
  exists: (path: string) => boolean;
  /** The kinds of source that there are. */
  formats: readonly SourceFormat[];
}

/** Joined names that are tried for existence; more commas than this are no name's. */
const MOST_JOINED = 16;

/** What stands before a colon at the beginning, where that is a kind of source or a URL's. */
export function prefixOf(text: string, formats: readonly SourceFormat[]): string | undefined {
  const word = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1].toLowerCase();
  return word && (/^(https?|file)$/.test(word) || formatNamed(word, formats)) ? word : undefined;
}

/** The words without a prefix that names a kind of source. */
function withoutPrefix(text: string, formats: readonly SourceFormat[]): string {
  const prefix = prefixOf(text, formats);
  return prefix === undefined || /^https?$/.test(prefix) ? text : text.slice(prefix.length + 1);
}

/** Words and the weight behind their last star; no weight where what stands there does not begin as a number. */
export function takeWeight(text: string): { words: string; weight?: string } {
  const star = lastUnquoted(text, "*"), weight = text.slice(star + 1);
  const isWeight = star > 0 && text[star - 1] !== "*" && /^[-+.\d][^/,]*$/.test(weight) &&
    // A name may end in a star and letters, as in *.tar.
    !/^\.[a-z]/i.test(weight);
  return isWeight ? { words: text.slice(0, star), weight } : { words: text };
}

/** Whether words name something that exists as it stands, perhaps with a prefix before it, and a weight or options behind. */
function existsAsItStands(text: string, { exists, formats }: Surroundings): boolean {
  for (const words of new Set([text, takeWeight(text).words])) {
    const path = withoutPrefix(words, formats), hash = lastUnquoted(path, "#");
    // A comma behind the options is between two sources.
    const alone = hash < 0 || splitOutside(path.slice(hash)).length > 1
      ? [path]
      : [path, path.slice(0, hash)];
    for (const name of alone) {
      if (exists(name) || exists(unquoteName(name))) return true;
    }
  }
  return false;
}

/**
 * Separates the words for several sources at commas outside of braces. A comma belongs to a name after a backslash, where
 * a file or folder of that name exists, and in a URL unless another source clearly begins behind it.
 *
 * @param text The user's words.
 * @param surroundings What exists.
 * @returns The words of each source, at least one.
 * @throws {Error} Where a comma could mean both.
 */
export function separate(text: string, surroundings: Surroundings): string[] {
  if (existsAsItStands(text, surroundings) && isWhole(text, surroundings)) return [text];
  return joinExisting(atCommas(text, surroundings), text, surroundings).map((words) => words.trim());
}

/** Whether an existing name with commas is one name: not where its parts exist as well. */
function isWhole(text: string, surroundings: Surroundings): boolean {
  const parts = atCommas(text, surroundings);
  if (parts.length === 1 || !parts.every((part) => existsAsItStands(part.trim(), surroundings))) return true;
  const escaped = text.replaceAll(",", "\\,"), listed = parts.map((part) => `${part}*1`).join(",");
  throw new Error(
    `"${text}": there is one thing of this name, and there are ${parts.length} between its commas; write '${escaped}' ` +
      `for the one, or give the several equal weights: '${listed}'`,
  );
}

function atCommas(text: string, surroundings: Surroundings): string[] {
  const parts: string[] = [];
  let start = 0, depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (isQuoted(text, at)) continue;
    if (text[at] === "{") depth++;
    if (text[at] === "}") depth = Math.max(0, depth - 1);
    const part = text.slice(start, at),
      remote = isRemote(withoutPrefix(part.trimStart(), surroundings.formats));
    // A signature may hold anything; there a brace protects no comma.
    if (text[at] !== "," || (depth > 0 && !(remote && part.includes("?")))) continue;
    if (remote && belongsToUrl(part.trim(), text.slice(at + 1), text, surroundings)) continue;
    parts.push(part);
    start = at + 1;
    depth = 0;
  }
  return [...parts, text.slice(start)];
}

/** Whether a comma is part of the URL before it. Half a signature must never be sent, so what is unclear is refused. */
function belongsToUrl(url: string, behind: string, text: string, surroundings: Surroundings): boolean {
  const { exists, formats } = surroundings, next = behind.trimStart();
  if (prefixOf(next, formats) !== undefined) return false;
  const query = url.includes("?"), weighted = takeWeight(url).weight !== undefined;
  const name = takeWeight(next.replace(/(?<!\\),[^]*$/, "")).words;
  const likeSource = /^(\.{0,2}\/|~)/.test(next) || exists(name);
  if (query && !likeSource) return true;
  if (weighted || (!query && formatByEnding(url.replace(/\}+$/, ""), formats))) return false;
  throw new Error(
    `"${text}": a comma in it may belong to the URL or begin another source; write %2C where it belongs to the URL, and ` +
      "the kind (folder:, tar: …) before another source",
  );
}

/** Joins parts where a name with the commas between them exists. */
function joinExisting(parts: readonly string[], text: string, surroundings: Surroundings): string[] {
  const joined: string[] = [];
  for (let at = 0; at < parts.length;) {
    let end = Math.min(parts.length, at + MOST_JOINED);
    while (end > at + 1 && !existsAsItStands(parts.slice(at, end).join(",").trim(), surroundings)) end--;
    const words = parts.slice(at, end).join(",");
    if (end > at + 1 && parts.slice(at, end).every((part) => existsAsItStands(part.trim(), surroundings))) {
      isWhole(words.trim(), surroundings);
    }
    joined.push(words);
    at = end;
  }
  const empty = joined.findIndex((words) => words.trim() === "");
  if (empty >= 0) {
    throw new Error(`"${text}": source ${empty + 1} is empty; write \\, for a comma in a name`);
  }
  return joined;
}

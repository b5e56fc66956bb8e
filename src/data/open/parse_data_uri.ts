import { didYouMean } from "../../text/nearest.ts";
import { expandBraces } from "../io/braces.ts";
import { lastUnquoted, quoteName, unquoteName } from "../io/name_patterns.ts";
import { isRemote } from "../io/paths.ts";
import type { SourceFormat } from "../sources/format.ts";
import { formatByEnding, formatNamed, FORMATS } from "../sources/registry.ts";
import { prefixOf, separate, type Surroundings, takeWeight } from "./separate.ts";

/** What the user's words for one source mean. */
export interface SourceUri {
  /** The words without prefix, weight and options, for messages. */
  text: string;
  /** The format's name, where a prefix or an ending tells it; null where what is there decides. */
  format: string | null;
  /** Whether a prefix tells it, so that nothing else can be meant. */
  certain: boolean;
  /** Names as patterns (io/name_patterns.ts), braces expanded. */
  names: string[];
  /** What stands behind `#`, by the options' names. */
  options: Record<string, string>;
  /** Its share of several. */
  weight?: number;
}

/** What the user's words for a data set mean: one source or several. */
export type DataUri = readonly SourceUri[];

/**
 * Reads the words for a data set: `[KIND:]PATH[#OPTION=VALUE&…][*WEIGHT]`, several with commas between them. Kinds, their
 * endings and options are those of the registry (sources/registry.ts); `deno task data --help` lists them.
 *
 * A name that exists is taken as it stands, whatever characters it has; see {@linkcode QUOTING} for other names.
 *
 * @param text The user's words.
 * @param surroundings What exists, and which kinds of source there are. Default: nothing exists, so that the words alone
 * decide; the kinds of the registry.
 * @returns Their meaning. Nothing is opened to tell.
 * @throws {Error} That says what cannot be understood, and what could be.
 * @example
 * ```ts
 * import { parseDataUri } from "./parse_data_uri.ts";
 * import assert from "node:assert/strict";
 * const [lsun] = parseDataUri("lmdb:lsun#database=train");
 * assert.deepEqual([lsun.format, lsun.names, lsun.options], ["lmdb", ["lsun"], { database: "train" }]);
 * ```
 */
export function parseDataUri(text: string, surroundings: Partial<Surroundings> = {}): DataUri {
  const known: Surroundings = { exists: () => false, formats: FORMATS, ...surroundings };
  if (text.trim() === "") {
    throw new Error("no data named: give a folder of pictures, shards, or another source");
  }
  const words = separate(text, known);
  const sources = words.map((part) => weighted(part, known, words.length));
  const without = sources.findIndex(({ weight }) => weight === undefined);
  if (without >= 0 && sources.some(({ weight }) => weight !== undefined)) {
    throw new Error(`"${text}": "${words[without]}" has no weight; give all sources one (NAME*0.5) or none`);
  }
  return sources;
}

function weighted(text: string, known: Surroundings, count: number): SourceUri {
  const { words, weight } = takeWeight(text);
  // What follows the star of a single signed URL is the end of its signature.
  const signed = count === 1 && isRemote(text) && words.includes("?");
  if (weight === undefined || signed || known.exists(pathIn(text, known))) return single(text, known);
  if (!(Number(weight) > 0 && Number(weight) < Infinity)) {
    throw new Error(`"${text}": the weight "${weight}" is no number above 0; write \\* for a star in a name`);
  }
  return { ...single(words, known), weight: Number(weight) };
}

function pathIn(text: string, { exists, formats }: Surroundings): string {
  const prefix = prefixOf(text, formats);
  return exists(text) || prefix === undefined ? text : text.slice(prefix.length + 1);
}

function single(text: string, known: Surroundings): SourceUri {
  const { exists, formats } = known;
  const prefix = exists(text) ? undefined : prefixOf(text, formats);
  if (!exists(text) && prefix === undefined) refuseUnknown(text, formats);
  const format = prefix === undefined ? undefined : formatNamed(prefix, formats);
  const rest = format ? text.slice(prefix!.length + 1) : text;
  if (rest === "") fail(text, "a path must follow the colon");
  if (exists(rest)) refuseBoth(rest, exists);
  const { name, options } = exists(rest)
    ? { name: quoteName(rest), options: {} }
    : takeOptions(rest, text, known, format);
  const names = namesOf(name, text);
  const told = format ?? byEnding(names, text, formats);
  const unknown = Object.keys(options).find((key) => told && !told.options.some(({ name }) => name === key));
  if (unknown && told) {
    const there = told.options.map(({ name }) => name);
    const meant = didYouMean(unknown, there) || ";";
    fail(text, `${told.title} takes no option "${unknown}"${meant} there are ${there.join(", ")}`);
  }
  return {
    text: names.length === 1 ? unquoteName(names[0]) : name,
    format: told?.name ?? null,
    certain: format !== undefined,
    names,
    options,
  };
}

/** Refuses a name that exists and whose braces stand for others that exist as well. */
function refuseBoth(name: string, exists: (path: string) => boolean): void {
  let names: string[];
  try {
    names = expandBraces(name);
  } catch {
    // A brace that is not closed is a part of the name.
    return;
  }
  if (names.length === 1 || !names.some((other) => other !== name && exists(unquoteName(other)))) return;
  fail(
    name,
    `there is one thing of this name, and braces stand for ${names.length}; write '${
      quoteName(name)
    }' for the one`,
  );
}

/** Takes the options from the end of a name: those behind `#`, and those that may stand in a query. */
function takeOptions(
  rest: string,
  text: string,
  { exists, formats }: Surroundings,
  format?: SourceFormat,
): { name: string; options: Record<string, string> } {
  const options: Record<string, string> = {};
  let name = rest;
  const hash = lastUnquoted(rest, "#"), behind = rest.slice(hash + 1);
  const short = format?.shortOption ?? formatByEnding(plainEnd(rest.slice(0, hash)), formats)?.shortOption;
  const pairs = /^[a-z]+=/.test(behind);
  if (hash >= 0 && (pairs || short !== undefined)) {
    name = rest.slice(0, hash);
    if (name === "" || behind === "") fail(text, "nothing stands on one side of #");
    if (pairs) Object.assign(options, pairsOf(behind, text));
    else options[short!] = unquoteName(behind);
  }
  for (const { name: key, inQuery } of formats.flatMap(({ options }) => options)) {
    const match = inQuery ? new RegExp(`^(.+?)[?&]${key}=([^&#]*)$`, "s").exec(name) : null;
    if (match && !exists(name)) [name, options[key]] = [match[1], decoded(match[2])];
  }
  if (/^file:/i.test(name)) name = quoteName(fromFileUrl(name));
  return { name: exists(name) ? quoteName(name) : name, options };
}

function pairsOf(behind: string, text: string): Record<string, string> {
  return Object.fromEntries(
    behind.split("&").map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1 || equals === pair.length - 1) {
        fail(text, `"${pair}" is no option: write NAME=VALUE behind #`);
      }
      return [pair.slice(0, equals), decoded(unquoteName(pair.slice(equals + 1)))];
    }),
  );
}

/** Braces expanded; in a URL's query only ranges, for a signature may hold other braces. */
function namesOf(name: string, text: string): string[] {
  const query = isRemote(name) ? name.indexOf("?") : -1;
  const kept = query < 0 ? name : name.slice(0, query) +
    name.slice(query).replace(/(?<!\\)\{(?!\d+\.\.\d+\})|(?<!\\|\.\.\d+)\}/g, "\\$&");
  const names = expandBraces(kept), remote = names.filter(isRemote).length;
  if (remote > 0 && remote < names.length) fail(text, "shards must be all local or all remote");
  return names;
}

/** The format that the endings of all names tell. */
function byEnding(names: readonly string[], text: string, formats: readonly SourceFormat[]) {
  const told = formatByEnding(plainEnd(names[0]), formats);
  const other = names.find((name) => formatByEnding(plainEnd(name), formats) !== told);
  if (other) fail(text, `${names[0]} and ${other} are not of one kind; write them as two sources`);
  if (told && (told.remote || !isRemote(names[0]))) return told;
  if (!isRemote(names[0])) return undefined;
  const remote = formats.filter(({ remote }) => remote);
  return fail(
    text,
    `a remote source must be named ${
      remote.flatMap(({ endings }) => endings).join(", ")
    }, or have its kind before it (${remote.map(({ name }) => `${name}:`).join(", ")})`,
  );
}

/** A name as its ending counts: without a URL's query. */
function plainEnd(name: string): string {
  return unquoteName(isRemote(name) ? name.replace(/[?#][^]*$/, "") : name);
}

function fromFileUrl(text: string): string {
  try {
    return decodeURIComponent(new URL(text).pathname);
  } catch {
    return fail(text, "no file URL");
  }
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // A percent sign that stands for itself.
    return value;
  }
}

/** Refuses words before a colon that look as if they named a kind of source. */
function refuseUnknown(text: string, formats: readonly SourceFormat[]): void {
  const word = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1].toLowerCase();
  // One letter is a drive, and does not come here; a colon further on is part of a name.
  if (!word || !(text.includes("://") || /^[a-z-]+:/i.test(text))) return;
  const names = [...formats.flatMap(({ name, aliases = [] }) => [name, ...aliases]), "file", "http", "https"];
  const meant = didYouMean(word, names, (name) => `${name}:`);
  fail(text, `no kind of source is called "${word}"${meant || "."} There are ${names.join(", ")}`);
}

function fail(text: string, reason: string): never {
  throw new Error(`"${text}": ${reason}`);
}

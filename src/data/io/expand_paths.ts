import { hasWildcard, unquoteName } from "./name_patterns.ts";
import { byCodeUnits, isRemote, join, pathError } from "./paths.ts";
import type { PassedOver } from "../types.ts";

/** A folder with more entries of one kind is taken for a mistake. */
const MOST = 1_000_000;

/** A file or folder that a name stands for. */
export interface FoundPath {
  path: string;
  /** Its name as far as the user did not write it out: relative to a folder, from a pattern's first part with a wildcard on. */
  name: string;
  /** Whether the user wrote it out. */
  named: boolean;
  /** Which of the patterns it came of. */
  from: number;
}

/** What names stand for, and what stood beside that in folders. */
export interface Found {
  paths: FoundPath[];
  passedOver: PassedOver[];
}

/**
 * Names that stand for local files: a folder for the files in it, up to two levels deep, `*` and `?` for those that fit.
 * Other names, remote ones among them, stand for themselves.
 *
 * @param patterns Paths, folders, patterns (name_patterns.ts).
 * @param endings Which files of a folder count, such as `.parquet`. Without it, folders stand for themselves.
 * @returns Paths, those of one folder or pattern in the order of their characters.
 * @throws {Error} When nothing fits, or a folder cannot be read.
 */
export async function expandPaths(patterns: readonly string[], endings?: readonly string[]): Promise<Found> {
  const found: Found = { paths: [], passedOver: [] };
  for (const [from, pattern] of patterns.entries()) {
    if (isRemote(pattern)) {
      const path = unquoteName(pattern);
      found.paths.push({ path, name: lastPart(path.replace(/[?#].*$/, "")), named: true, from });
      continue;
    }
    const wild = hasWildcard(pattern);
    const matches = wild ? await matching(pattern, endings === undefined) : [unquoteName(pattern)];
    const fixed = wild ? fixedPart(pattern).length : 0;
    for (const path of matches) {
      if (endings && await isFolder(path)) await inFolder(path, endings, from, found);
      else found.paths.push({ path, name: wild ? path.slice(fixed) : lastPart(path), named: !wild, from });
    }
  }
  return found;
}

const lastPart = (path: string) => path.replace(/\/+$/, "").replace(/^.*\//, "");

const isFolder = (path: string) => Deno.stat(path).then((info) => info.isDirectory, () => false);

/** The folders before a pattern's first wildcard, with the slash. */
function fixedPart(pattern: string): string {
  const start = pattern.search(/(?<!\\)[*?]/);
  return unquoteName(pattern.slice(0, pattern.lastIndexOf("/", start) + 1));
}

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(folder === "" ? "." : folder)) {
      if (entries.push(entry) > MOST) throw new Error(`${folder}: more than a million entries`);
    }
  } catch (error) {
    throw error instanceof Error && error.constructor === Error
      ? error
      : pathError(error, folder || ".", "read");
  }
  return entries.sort((a, b) => byCodeUnits(a.name, b.name));
}

/** Paths that fit a pattern, part by part. Names that begin with a dot fit only patterns that do. */
async function matching(pattern: string, folders: boolean): Promise<string[]> {
  const fixed = fixedPart(pattern), literal = unquoteName(pattern);
  const parts = pattern.slice(pattern.lastIndexOf("/", pattern.search(/(?<!\\)[*?]/)) + 1).split("/");
  let found = [fixed];
  for (const [at, part] of parts.entries()) {
    const fits = new RegExp(`^${expression(part)}$`, "su"), last = at === parts.length - 1;
    const next: string[] = [];
    for (const folder of found) {
      if (!hasWildcard(part)) {
        const path = `${folder}${unquoteName(part)}`;
        if (await Deno.stat(path).then(() => true, () => false)) next.push(last ? path : `${path}/`);
        continue;
      }
      for (const { name, isDirectory, isSymlink } of await entriesOf(folder)) {
        if (!fits.test(name) || (name.startsWith(".") && !part.startsWith("."))) continue;
        const path = `${folder}${name}`, inner = isDirectory || (isSymlink && await isFolder(path));
        if (last ? folders || !inner : inner) next.push(last ? path : `${path}/`);
      }
    }
    found = next;
  }
  if (found.length === 0) {
    throw new Error(`${literal}: no ${folders ? "file or folder" : "file"} has such a name`);
  }
  return found;
}

/** A part of a pattern as a regular expression. */
function expression(part: string): string {
  return part.replace(/\\([,*?{}#])|[*?]|[\\^$.+()|[\]{}/]/g, (match, quoted?: string) => {
    if (quoted !== undefined) return `\\${quoted}`.replace(/^\\([,#])$/, "$1");
    return match === "*" ? ".*" : match === "?" ? "." : `\\${match}`;
  });
}

async function inFolder(
  folder: string,
  endings: readonly string[],
  from: number,
  found: Found,
): Promise<void> {
  const fits = (name: string) => endings.some((ending) => name.toLowerCase().endsWith(ending));
  const others = new Map<string, PassedOver>();
  let files = 0;
  const walk = async (below: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(join(folder, below))) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`, path = join(folder, name);
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory || (entry.isSymlink && !fits(entry.name) && await isFolder(path))) {
        if (depth > 0) await walk(name, depth - 1);
      } else if (fits(entry.name)) {
        found.paths.push({ path, name, named: false, from });
        files++;
      } else {
        const what = /.\.[^.]+$/.exec(entry.name) ? entry.name.replace(/^.*\./, ".").toLowerCase() : "file";
        const known = others.get(what);
        if (known) known.count++;
        else others.set(what, { what, why: "", count: 1, example: name, where: folder });
      }
    }
  };
  await walk("", 2);
  if (files === 0) throw new Error(`${folder}: holds no files ending with ${endings.join(", ")}`);
  found.passedOver.push(...others.values());
}

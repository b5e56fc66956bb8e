import { hasWildcard, unquoteName } from "../io/name_patterns.ts";
import { byCodeUnits, isRemote, join, pathError } from "../io/paths.ts";
import { foreignNames } from "../io/raw_names.ts";
import type { PassedOver } from "../types.ts";
import { endingReason } from "./file_kinds.ts";
import { passableReason } from "./list_folder.ts";
import { fileKind, type PassedCounter, passedCounter } from "./passed_over.ts";
import {
  type Claim,
  CountedElsewhereError,
  type Inner,
  type Placed,
  walkFolders,
  withPlaces,
} from "./places.ts";

/** A folder with more entries is taken for a mistake. */
const MOST = 1_000_000;

/** Folders below a named one that are searched for shards. */
const FLOORS = 2;

/** Deeper folders that are searched for the place of what was not found. */
const MOST_LOOKED_INTO = 1000;
const FOREIGN = "has a name that is not UTF-8; rename it";

/** A file or folder that a name stands for; where it really is where the user did not write it out. */
export interface FoundPath extends Placed {
  path: string;
  /** Its name as far as the user did not write it out: relative to a folder, from a pattern's first part with a wildcard on. */
  name: string;
  /** Whether the user wrote it out. */
  named: boolean;
  /** Which of the patterns it came of. */
  from: number;
}

/** Names that a kind of source has for what is none of its data. */
export interface Aside {
  names: RegExp;
  /** What they are, as said after a name. */
  why: string;
}

/** What else is known of folders that names stand for. */
export interface FolderRules {
  /** Names in folders, of files with such an ending and of folders, that are left out and counted. */
  aside?: Aside;
  /** Where folders are opened together: whether a folder in this one counts here. */
  claim?: Claim;
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
 * @param rules What is left out of folders.
 * @returns Paths, those of one folder or pattern in the order of their characters.
 * @throws {Error} When nothing fits, or a folder cannot be read.
 * @throws {CountedElsewhereError} When other folders have all that fits.
 */
export async function expandPaths(
  patterns: readonly string[],
  endings?: readonly string[],
  rules: FolderRules = {},
): Promise<Found> {
  const paths: FoundPath[] = [], passed = passedCounter();
  for (const [from, pattern] of patterns.entries()) {
    if (isRemote(pattern)) {
      const path = unquoteName(pattern);
      paths.push({ path, name: lastPart(path.replace(/[?#].*$/, "")), named: true, from });
      continue;
    }
    const wild = hasWildcard(pattern), path = wild ? fixedPart(pattern) : unquoteName(pattern);
    if (!wild && !(endings && await isFolder(path))) {
      paths.push({ path, name: lastPart(path), named: true, from });
      continue;
    }
    const names = wild
      ? (await matching(pattern, endings === undefined, passed)).map((found) => found.slice(path.length))
      : await filesIn(path, endings!, passed, rules);
    for (const file of await withPlaces(names.map((name) => ({ name })), path)) {
      paths.push({ ...file, path: path === "" ? file.name : join(path, file.name), named: false, from });
    }
  }
  return { paths, passedOver: passed.list() };
}

const lastPart = (path: string) => path.replace(/\/+$/, "").replace(/^.*\//, "");

const isFolder = (path: string) => Deno.stat(path).then((info) => info.isDirectory, () => false);

/** Where a pattern's first wildcard stands. */
const firstWildcard = (pattern: string) => pattern.search(/(?<!\\)[*?]/);

/** The folders before a pattern's first wildcard, with the slash. */
function fixedPart(pattern: string): string {
  return unquoteName(pattern.slice(0, pattern.lastIndexOf("/", firstWildcard(pattern)) + 1));
}

/** What a folder holds; names that are not UTF-8 are passed over where they are a folder's or fit. */
async function entriesOf(
  folder: string,
  fits: (name: string) => boolean,
  passed: PassedCounter,
): Promise<Deno.DirEntry[]> {
  const entries: Deno.DirEntry[] = [], path = folder === "" ? "." : folder, foreign = foreignNames(path);
  for await (const entry of Deno.readDir(path)) {
    const { name, isDirectory } = entry, odd = foreign(name), real = odd && await odd;
    if (real !== null) {
      if (isDirectory || fits(name)) {
        passed.add(
          isDirectory ? "folder" : fileKind(real),
          FOREIGN,
          folder === "" ? real : join(folder, real),
        );
      }
    } else if (entries.push(entry) > MOST) throw new Error(`${path}: more than a million entries`);
  }
  return entries.sort((a, b) => byCodeUnits(a.name, b.name));
}

/** Paths that fit a pattern, part by part. Names that begin with a dot fit only patterns that do. */
async function matching(pattern: string, folders: boolean, passed: PassedCounter): Promise<string[]> {
  const parts = pattern.slice(pattern.lastIndexOf("/", firstWildcard(pattern)) + 1).split("/");
  let found = [fixedPart(pattern)];
  for (const [at, part] of parts.entries()) {
    const last = at === parts.length - 1, next: string[] = [];
    for (const folder of found) {
      for (const path of await fitting(folder, part, passed)) {
        if (!last) {
          if (await isFolder(path)) next.push(`${path}/`);
        } else if (folders || !await isFolder(path)) next.push(path);
      }
    }
    found = next;
  }
  if (found.length > 0) return found;
  throw new Error(`${unquoteName(pattern)}: no ${folders ? "file or folder" : "file"} has such a name`);
}

/** What a folder holds that fits one part of a pattern. */
async function fitting(folder: string, part: string, passed: PassedCounter): Promise<string[]> {
  if (!hasWildcard(part)) {
    const path = `${folder}${unquoteName(part)}`;
    return await Deno.stat(path).then(() => [path], () => []);
  }
  const expression = expressionOf(part);
  const fits = (name: string) => expression.test(name) && (!name.startsWith(".") || part.startsWith("."));
  try {
    return (await entriesOf(folder, fits, passed)).flatMap(({ name }) => fits(name) ? [folder + name] : []);
  } catch (error) {
    throw error instanceof Error && error.constructor === Error
      ? error
      : pathError(error, folder || ".", "read");
  }
}

/** A part of a pattern as a regular expression. */
function expressionOf(part: string): RegExp {
  const source = part.replace(/\\([,*?{}#])|[*?]|[\\^$.+()|[\]{}/]/g, (match, quoted?: string) => {
    if (quoted !== undefined) return /[,#]/.test(quoted) ? quoted : `\\${quoted}`;
    return match === "*" ? ".*" : match === "?" ? "." : `\\${match}`;
  });
  return new RegExp(`^${source}$`, "su");
}

/** The files of a folder with one of the endings, relative to it; everything else is passed over. */
async function filesIn(
  root: string,
  endings: readonly string[],
  passed: PassedCounter,
  { aside, claim }: FolderRules,
): Promise<string[]> {
  const fits = (name: string) => endings.some((ending) => name.toLowerCase().endsWith(ending));
  const files: string[] = [], deeper: string[] = [];
  const elsewhere = await walkFolders(root, async (below, { floor, isNew }) => {
    const folder = below === "" ? root : join(root, below), inner: Inner[] = [];
    let entries: Deno.DirEntry[];
    try {
      entries = await isNew() ? await entriesOf(folder, fits, passed) : [];
    } catch (error) {
      const reason = passableReason(error);
      if (below === "" || reason === null) {
        throw error instanceof Error && error.constructor === Error
          ? error
          : pathError(error, folder, "read");
      }
      passed.add("folder", reason, below);
      return inner;
    }
    for (const { name: base, isDirectory, isSymlink } of entries) {
      const name = below === "" ? base : `${below}/${base}`;
      if (base.startsWith(".")) continue;
      const isInner = isDirectory || (isSymlink && await isFolder(join(root, name)));
      if (aside?.names.test(base) && (isInner || fits(base))) {
        passed.add(isInner ? "folder" : fileKind(base), aside.why, name);
      } else if (isInner) {
        if (floor === FLOORS) {
          passed.add("folder", "is deeper than shards are searched for", name);
          deeper.push(name);
        } else inner.push({ name, isLink: isSymlink });
      } else if (fits(base)) files.push(name);
      else passed.add(fileKind(base), endingReason(fileKind(base)), name);
    }
    return inner;
  }, claim);
  if (elsewhere && files.length === 0) throw new CountedElsewhereError(root);
  if (files.length === 0) {
    const what = `files ending with ${endings.join(", ")}`, below = await folderBelow(root, deeper, fits);
    throw new Error(
      below === null
        ? `${root}: holds no ${what}`
        : `${root}: its ${what} are deeper than ${FLOORS} folders below it; name their folder, such as ${below}`,
    );
  }
  return files.sort(byParts);
}

/** The first folder that has a file that fits, of those named and all below them; what cannot be read has none. */
async function folderBelow(
  root: string,
  names: readonly string[],
  fits: (name: string) => boolean,
): Promise<string | null> {
  const left = names.map((name) => join(root, name));
  // Links may lead in circles, and a mistake may name a whole disk.
  for (let looked = 0; left.length > 0 && looked < MOST_LOOKED_INTO; looked++) {
    const folder = left.shift()!;
    const entries = await entriesOf(folder, fits, passedCounter()).catch(() => []);
    if (entries.some(({ name, isDirectory }) => !isDirectory && fits(name))) return folder;
    left.push(...entries.flatMap(({ name, isDirectory }) => isDirectory ? [join(folder, name)] : []));
  }
  return null;
}

/** Orders paths folder by folder. */
function byParts(a: string, b: string): number {
  const [these, those] = [a.split("/"), b.split("/")];
  const at = these.findIndex((part, i) => part !== those[i]);
  return at < 0 ? these.length - those.length : byCodeUnits(these[at], those[at] ?? "");
}

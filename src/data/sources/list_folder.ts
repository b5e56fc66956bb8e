import { map } from "../iter.ts";
import { foreignNames } from "../io/raw_names.ts";
import { byCodeUnits, join, pathError } from "../io/paths.ts";
import { sniff } from "../picture/sniff.ts";
import type { PassedOver } from "../types.ts";
import {
  DRAWN_BY_RUN,
  endingReason,
  isFormat,
  isKnownEnding,
  isOfSystem,
  OF_A_RUN,
  OF_SYSTEM,
} from "./file_kinds.ts";
import { isListName } from "./lists/find_files.ts";
import { fileKind, passedCounter } from "./passed_over.ts";
import { isPictureName } from "./picture_file.ts";
import { type Claim, CountedElsewhereError, type Inner, walkFolders } from "./places.ts";

/** What a folder holds. */
export interface Listing {
  /** Relative paths of pictures, in the order of their characters' codes. */
  pictures: string[];
  /** Everything else, counted. */
  passedOver: PassedOver[];
  /** Relative paths of files that may list pictures. */
  lists?: string[];
}

/** Files that are looked into at once. */
const TOGETHER = 16;

/** Names of lists that are kept; where there are more, each picture has one. */
const MOST_LISTS = 100_000;

/**
 * Lists pictures at any depth, names beginning with a dot left out. Endings tell pictures; files whose ending tells nothing
 * are looked into. Links are followed; a folder that can be reached in several ways, by its own path or through links, is
 * listed once, so circles end. Folders of runs inside of it are passed over. What cannot be read (a name that is not UTF-8, a folder without permission) is passed over
 * and counted, and the rest is listed.
 *
 * @param root The folder.
 * @param claim Where other folders are opened together with this one: whether a folder counts here.
 * @throws {Error} When the folder itself cannot be read.
 * @throws {CountedElsewhereError} When other folders have all that it holds.
 */
export async function listFolder(root: string, claim?: Claim): Promise<Listing> {
  const unknown: string[] = [], pictures: string[] = [], lists: string[] = [], passed = passedCounter();

  // Files leave nothing but their names: an entry takes 400 bytes.
  async function visit(folder: string, others: Inner[]): Promise<void> {
    const path = folder === "" ? root : join(root, folder), foreign = foreignNames(path);
    for await (const { name, isFile, isDirectory, isSymlink } of Deno.readDir(path)) {
      const relative = folder === "" ? name : `${folder}/${name}`,
        odd = foreign(name),
        real = odd && await odd;
      if (real !== null) {
        const what = isDirectory ? "folder" : fileKind(real),
          shown = folder === "" ? real : `${folder}/${real}`;
        passed.add(what, "has a name that is not UTF-8; rename it", shown);
      } else if (name.startsWith(".")) {
        if (isPictureName(name) && isFile) {
          passed.add(fileKind(name), "has a name that begins with a dot", relative);
        }
      } else if (isOfSystem(name) && !isFile) passed.add("folder", OF_SYSTEM, relative);
      else if (isDirectory || isSymlink) others.push({ name: relative, isLink: isSymlink });
      else add(relative, isFile);
    }
  }

  function add(relative: string, isFile: boolean): void {
    if (!isFile) return passed.add(fileKind(relative), "neither a file nor a folder", relative);
    if (isPictureName(relative)) return void pictures.push(relative);
    const kind = fileKind(relative);
    if (lists.length < MOST_LISTS && isListName(relative)) lists.push(relative);
    if (isKnownEnding(kind)) passed.add(kind, endingReason(kind), relative);
    else unknown.push(relative);
  }

  const elsewhere = await walkFolders(root, async (name, { isLink, isNew }) => {
    const inner: Inner[] = [];
    let isFolder = !isLink;
    try {
      if (isLink) {
        const target = await Deno.stat(join(root, name));
        isFolder = target.isDirectory;
        if (!isFolder) add(name, target.isFile);
      }
      if (isFolder && await isNew()) {
        // A folder that was named as such is listed.
        if (name !== "" && await isOfRun(join(root, name))) passed.add("folder", DRAWN_BY_RUN, name);
        else await visit(name, inner);
      }
    } catch (error) {
      const reason = passableReason(error);
      if (name === "" || reason === null) {
        throw pathError(error, name === "" ? root : join(root, name), "read");
      }
      if (isFolder) passed.add("folder", reason, name);
      // A dangling link with a picture's name stays in the list: reading it names it as bad.
      else if (isPictureName(name)) pictures.push(name);
      else passed.add("link", error instanceof Deno.errors.NotFound ? "leads nowhere" : reason, name);
    }
    return inner;
  }, claim);
  for await (const { relative, reason } of map(unknown, (name) => lookInto(root, name), TOGETHER)) {
    if (reason === null) pictures.push(relative);
    else passed.add(fileKind(relative), reason, relative);
  }
  if (elsewhere && pictures.length === 0) throw new CountedElsewhereError(root);
  pictures.sort(byCodeUnits);
  return { pictures, passedOver: passed.list(), lists: lists.sort(byCodeUnits) };
}

/** Why a folder's or file's own fault lets the rest be listed; null for what is a fault of the machine or the disk. */
export function passableReason(error: unknown): string | null {
  const { PermissionDenied, NotCapable, NotFound, FilesystemLoop } = Deno.errors;
  if (error instanceof PermissionDenied) return "no permission to read";
  if (error instanceof NotCapable) return "outside of what --allow-read allows";
  if (error instanceof NotFound) return "gone since it was listed";
  return error instanceof FilesystemLoop ? "a circle of links" : null;
}

/** Whether a folder is a run's: one that writes into the folder of its pictures must find as many when it goes on. */
async function isOfRun(folder: string): Promise<boolean> {
  for (const name of OF_A_RUN) {
    if (!await Deno.lstat(join(folder, name)).then(() => true, () => false)) return false;
  }
  return true;
}

/** Whether a file begins as a picture; otherwise the reason why it is none. */
async function lookInto(
  root: string,
  relative: string,
): Promise<{ relative: string; reason: string | null }> {
  try {
    using file = await Deno.open(join(root, relative));
    const start = new Uint8Array(64), length = await file.read(start);
    const format = sniff(start.subarray(0, length ?? 0)), ending = fileKind(relative);
    return { relative, reason: format !== null && isFormat(ending, format) ? null : endingReason(ending) };
  } catch (error) {
    const reason = passableReason(error);
    if (reason === null) throw pathError(error, join(root, relative), "read");
    return { relative, reason };
  }
}

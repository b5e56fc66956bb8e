import { map } from "../iter.ts";
import { isLossy, rawNames } from "../io/raw_names.ts";
import { byCodeUnits, join, pathError } from "../io/paths.ts";
import { sniff } from "../picture/sniff.ts";
import type { PassedOver } from "../types.ts";
import { fileKind, passedCounter } from "./passed_over.ts";
import { isPictureName } from "./picture_file.ts";

/** What a folder holds. */
export interface Listing {
  /** Relative paths of pictures, in the order of their characters' codes. */
  pictures: string[];
  /** Everything else, counted. */
  passedOver: PassedOver[];
}

/** Endings of what is certainly no picture, so that nobody need look into it. */
const OTHERS = new Set(
  ("txt md rst html htm css js ts py sh ipynb json jsonl ndjson xml yaml yml toml ini cfg csv tsv log tex bib " +
    "npy npz pkl pickle pt pth mat h5 hdf5 safetensors onnx bin idx parquet arrow feather tfrecord tar tgz gz bz2 xz " +
    "zst zip rar 7z lmdb mdb db sqlite lock pdf doc docx xls xlsx ppt pptx mp4 avi mov mkv webm m4v mpg mpeg mp3 wav " +
    "flac ogg aac m4a srt vtt md5 sha256 exe dll so").split(" ").map((ending) => `.${ending}`),
);

/** Endings of pictures that no decoder here can read. */
const UNREADABLE = new Set(
  ("heic heif jxl jp2 j2k jpx jpf ico cur svg svgz tga psd xcf exr hdr pcx eps ai raw cr2 cr3 nef nrw arw sr2 dng orf " +
    "rw2 raf pef srw 3fr").split(" ").map((ending) => `.${ending}`),
);

/** Endings of what is a source of its own, and of archives. */
const SOURCES = new Set([".tar", ".tgz", ".parquet", ".lmdb", ".mdb"]),
  ARCHIVES = new Set([".zip", ".rar", ".7z"]);

/** Files that are looked into at once. */
const TOGETHER = 16;

/**
 * Lists pictures at any depth, names beginning with a dot left out. Endings tell pictures; files whose ending tells nothing
 * are looked into. Links are followed; a folder that can be reached in several ways, by its own path or through links, is
 * listed once, so circles end. What cannot be read (a name that is not UTF-8, a folder without permission) is passed over
 * and counted, and the rest is listed.
 *
 * @param root The folder.
 * @throws {Error} When the folder itself cannot be read.
 */
export async function listFolder(root: string): Promise<Listing> {
  const seen = new Set<string>(), links: string[] = [], unknown: string[] = [], pictures: string[] = [];
  const passed = passedCounter();

  async function visit(folder: string): Promise<void> {
    const path = folder === "" ? root : join(root, folder);
    // Files leave nothing but their names: an entry takes 400 bytes.
    const others: { relative: string; isSymlink: boolean }[] = [];
    try {
      const real = await Deno.realPath(path);
      if (seen.has(real)) return;
      seen.add(real);
      let raw: ReturnType<typeof rawNames> | undefined;
      for await (const entry of Deno.readDir(path)) {
        const relative = folder === "" ? entry.name : `${folder}/${entry.name}`;
        if (isLossy(entry.name) && await isMissing(join(path, entry.name))) {
          raw ??= rawNames(path);
          const name = raw.get(entry.name)?.shift() ?? entry.name,
            base = folder === "" ? name : `${folder}/${name}`;
          passed.add(
            entry.isDirectory ? "folder" : fileKind(name),
            "has a name that is not UTF-8; rename it",
            base,
          );
        } else if (entry.name.startsWith(".")) {
          if (isPictureName(entry.name) && entry.isFile) {
            passed.add(fileKind(entry.name), "has a name that begins with a dot", relative);
          }
        } else if (entry.isDirectory || entry.isSymlink) {
          others.push({ relative, isSymlink: entry.isSymlink });
        } else add(relative, entry.isFile);
      }
    } catch (error) {
      const reason = passableReason(error);
      if (folder === "" || reason === null) throw pathError(error, path, "read");
      passed.add("folder", reason, folder);
    }
    for (const { relative, isSymlink } of others.sort((a, b) => byCodeUnits(a.relative, b.relative))) {
      if (isSymlink) links.push(relative);
      else await visit(relative);
    }
  }

  function add(relative: string, isFile: boolean): void {
    if (!isFile) return passed.add(fileKind(relative), "neither a file nor a folder", relative);
    if (isPictureName(relative)) return void pictures.push(relative);
    const kind = fileKind(relative);
    if (OTHERS.has(kind)) passed.add(kind, reasonFor(kind), relative);
    else unknown.push(relative);
  }

  await visit("");
  // Links come after all that is really there, so what is reachable both ways keeps its own path.
  for (let i = 0; i < links.length; i++) {
    const target = await Deno.stat(join(root, links[i])).catch(() => null);
    if (target?.isDirectory) await visit(links[i]);
    else if (target) add(links[i], target.isFile);
    // A dangling link with a picture's name stays in the list: reading it names it as bad.
    else if (isPictureName(links[i])) pictures.push(links[i]);
    else passed.add("link", "leads nowhere", links[i]);
  }
  for await (const { relative, reason } of map(unknown, (name) => lookInto(root, name), TOGETHER)) {
    if (reason === null) pictures.push(relative);
    else passed.add(fileKind(relative), reason, relative);
  }
  pictures.sort(byCodeUnits);
  return { pictures, passedOver: passed.list() };
}

const isMissing = (path: string) =>
  Deno.lstat(path).then(() => false, (error) => error instanceof Deno.errors.NotFound);

/** Why a folder's or file's own fault lets the rest be listed; null for what is a fault of the machine or the disk. */
function passableReason(error: unknown): string | null {
  const { PermissionDenied, NotCapable, NotFound, FilesystemLoop } = Deno.errors;
  if (error instanceof PermissionDenied) return "no permission to read";
  if (error instanceof NotCapable) return "outside of what --allow-read allows";
  if (error instanceof NotFound) return "gone since it was listed";
  return error instanceof FilesystemLoop ? "a circle of links" : null;
}

function reasonFor(kind: string): string {
  if (SOURCES.has(kind)) return "a source of its own, name it to read it";
  return ARCHIVES.has(kind) ? "an archive, unpack it" : "";
}

/** Whether a file begins as a picture; otherwise the reason why it is none. */
async function lookInto(
  root: string,
  relative: string,
): Promise<{ relative: string; reason: string | null }> {
  try {
    using file = await Deno.open(join(root, relative));
    const start = new Uint8Array(64), length = await file.read(start);
    if (sniff(start.subarray(0, length ?? 0)) !== null) return { relative, reason: null };
    return { relative, reason: UNREADABLE.has(fileKind(relative)) ? "cannot be decoded" : "" };
  } catch (error) {
    const reason = passableReason(error);
    if (reason === null) throw pathError(error, join(root, relative), "read");
    return { relative, reason };
  }
}

import { requireIndex } from "../io/compact_lists.ts";
import { isJpegName, PICTURE_ENDINGS, readPicture } from "./picture_file.ts";
import { byCodeUnits, join, pathError } from "../io/paths.ts";
import type { ImageRecord, Source } from "../types.ts";

/** True for a name with one of {@linkcode PICTURE_ENDINGS}. */
export function isPictureName(name: string): boolean {
  const dot = name.lastIndexOf(".");
  return dot > 0 && PICTURE_ENDINGS.includes(name.slice(dot + 1).toLowerCase());
}

interface Listing {
  /** Relative paths of pictures. */
  pictures: string[];
  /** How many other files there are. */
  others: number;
}

/**
 * Lists pictures at any depth, names beginning with a dot left out. Links are followed; a folder that can be reached in
 * several ways, by its own path or through links, is listed once, so circles end.
 */
async function list(root: string): Promise<Listing> {
  const seen = new Set<string>(), links: string[] = [];
  const listing: Listing = { pictures: [], others: 0 };

  async function visit(folder: string): Promise<void> {
    const path = folder === "" ? root : join(root, folder);
    try {
      const real = await Deno.realPath(path);
      if (seen.has(real)) return;
      seen.add(real);
      // Files leave nothing but their names: an entry takes 400 bytes.
      const others: Deno.DirEntry[] = [];
      const below = (name: string) => folder === "" ? name : `${folder}/${name}`;
      for await (const entry of Deno.readDir(path)) {
        if (entry.name.startsWith(".")) continue;
        if (entry.isSymlink || entry.isDirectory) others.push(entry);
        else add(below(entry.name), entry.name);
      }
      for (const { name, isSymlink } of others.sort((a, b) => byCodeUnits(a.name, b.name))) {
        if (isSymlink) links.push(below(name));
        else await visit(below(name));
      }
    } catch (error) {
      if (error instanceof Error && error.constructor === Error) throw error;
      throw pathError(error, path, "read");
    }
  }

  function add(relative: string, name: string): void {
    if (isPictureName(name)) listing.pictures.push(relative);
    else listing.others++;
  }

  await visit("");
  // Links come after all that is really there, so what is reachable both ways keeps its own path.
  for (let i = 0; i < links.length; i++) {
    const target = await Deno.stat(join(root, links[i])).catch(() => null);
    // A dangling link with a picture's name stays in the list: reading it names it as bad.
    if (target?.isDirectory) await visit(links[i]);
    else add(links[i], links[i].slice(links[i].lastIndexOf("/") + 1));
  }
  listing.pictures.sort(byCodeUnits);
  return listing;
}

/**
 * Opens a folder of pictures. Its order is that of the relative paths' code units, so it is the same on every machine.
 *
 * A picture's class is the first folder below `path`; pictures directly in `path` have none.
 *
 * @param path The folder.
 * @returns A source with random access; a file that cannot be read is a {@linkcode BadRecordError} of its record.
 * @throws Error when there is no such folder, it or a folder in it may not be read, or it holds no pictures.
 */
export async function openFolder(path: string): Promise<Source> {
  const { pictures, others } = await list(path);
  if (pictures.length === 0) {
    throw new Error(
      `${path}: ${
        others === 0 ? "an empty folder" : `no pictures among ${others} files`
      }; it must hold pictures, at any depth, named .${PICTURE_ENDINGS.join(", .")}`,
    );
  }
  const classOf = (key: string) => key.includes("/") ? key.slice(0, key.indexOf("/")) : null;
  const labels = [...new Set(pictures.map(classOf))].filter((name) => name !== null).sort(byCodeUnits);
  const labelNumbers = new Map(labels.map((name, i) => [name, i]));

  const keyOf = (index: number) => {
    requireIndex(path, index, pictures.length);
    return pictures[index];
  };
  return {
    uri: path,
    length: pictures.length,
    labels,
    async get(index) {
      const key = keyOf(index), name = classOf(key);
      const record: ImageRecord = { key, bytes: await readPicture(path, key, join(path, key)) };
      if (name !== null) record.label = labelNumbers.get(name);
      return record;
    },
    key: (index) => Promise.resolve(keyOf(index)),
    place(index) {
      const key = keyOf(index);
      return isJpegName(key) ? { key, at: { path: join(path, key) } } : null;
    },
    close: () => Promise.resolve(),
  };
}

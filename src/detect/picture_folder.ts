/** A folder of pictures with boxes on them. */
import { basename, dirname, extname, join, sep } from "node:path";
import { UsageError } from "../cli/usage_error.ts";
import { unquoteName } from "../data/io/name_patterns.ts";
import { exists } from "../data/open/open_data.ts";
import { parseDataUri } from "../data/open/parse_data_uri.ts";
import { decodePicture } from "../data/picture/decode.ts";
import { encodePng } from "../data/picture/png.ts";
import type { Source } from "../data/types.ts";
import { makeFolder } from "../files/make_folder.ts";
import { publishFile } from "../files/publish.ts";
import { drawDetections } from "./draw.ts";
import type { FoundObjects } from "./found.ts";

/** Takes pictures and what was found in them. */
export interface PictureFolder {
  /** Draws one and writes it; gives its path. Pictures of one name are told apart by numbers. */
  add(source: Pick<Source, "get">, found: FoundObjects): Promise<string>;
}

/**
 * Refuses to draw into a folder of the pictures themselves, which would be replaced.
 *
 * @param path The folder; it need not be there.
 * @param words What the pictures are from: files, folders, or sources with their kind and options.
 * @throws {UsageError} When it is, or lies in, the folder of one of them.
 * @throws {Error} When the words cannot be understood.
 */
export async function refuseOwnPictures(path: string, words: readonly string[]): Promise<void> {
  const real = (path: string) => Deno.realPath(path).catch(() => null);
  const folder = await real(path);
  if (folder === null) return;
  const names = words.flatMap((word) => parseDataUri(word, { exists })).flatMap(({ names }) => names);
  for (const name of names) {
    const from = await real(unquoteName(name));
    if (from === null) continue;
    const { isDirectory } = await Deno.stat(from);
    if (folder !== (isDirectory ? from : dirname(from)) && !(isDirectory && folder.startsWith(from + sep))) {
      continue;
    }
    throw new UsageError(
      `${path}: holds the pictures themselves, which would be replaced; name another folder`,
    );
  }
}

/**
 * Makes the folder, so that one that cannot be made is told before work begins. Files in it that have the pictures' names are replaced.
 *
 * @param names Of the classes.
 * @throws {Error} When it cannot be made.
 */
export async function pictureFolder(path: string, names: readonly string[]): Promise<PictureFolder> {
  await makeFolder(path);
  const taken = new Set<string>();
  return {
    async add(source, found) {
      // Nothing that a file system or a shell takes for something else, and no hidden file.
      const { key, index } = found,
        plain = basename(key, extname(key)).replaceAll(/[^\p{L}\p{N}._ -]/gu, "_").replace(/^[.-]+/, "");
      const stem = plain || String(index), picture = await decodePicture((await source.get(index)).bytes);
      let name = stem;
      for (let times = 2; taken.has(name); times++) name = `${stem}-${times}`;
      taken.add(name);
      const file = join(path, `${name}.png`);
      await publishFile(file, encodePng(drawDetections(picture, found, names)));
      return file;
    },
  };
}

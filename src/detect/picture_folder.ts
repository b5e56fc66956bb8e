/** A folder of pictures with boxes on them. */
import { basename, extname, join } from "node:path";
import { decodePicture } from "../data/picture/decode.ts";
import { encodePng } from "../data/picture/png.ts";
import type { Source } from "../data/types.ts";
import { isPathError, pathError } from "../files/path_error.ts";
import { publishFile } from "../files/publish.ts";
import { drawDetections } from "./draw.ts";
import type { FoundObjects } from "./found.ts";

/** Takes pictures and what was found in them. */
export interface PictureFolder {
  /** Draws one and writes it; gives its path. Pictures of one name are told apart by numbers. */
  add(source: Pick<Source, "get">, found: FoundObjects): Promise<string>;
}

/**
 * Makes the folder, so that one that cannot be made is told before work begins. Files in it that have the pictures' names are replaced.
 *
 * @param names Of the classes.
 * @throws {Error} When it cannot be made.
 */
export async function pictureFolder(path: string, names: readonly string[]): Promise<PictureFolder> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw isPathError(error) ? pathError(error, path, "write") : error;
  }
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

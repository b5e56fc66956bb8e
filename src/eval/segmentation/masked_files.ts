/** Pictures with masks: a folder `images` and a folder `masks` with files of the same names. */
import { join } from "node:path";
import { isPathError, pathError, requirePath } from "../../data/io/paths.ts";
import { isPictureName } from "../../data/sources/picture_file.ts";

/** A picture's file and its mask's. */
export interface MaskedFile {
  /** The file's name without its ending. */
  name: string;
  picture: string;
  mask: string;
}

const stem = (name: string) => name.slice(0, name.lastIndexOf("."));

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder)), names: string[] = [];
    for (const { name, isFile, isSymlink } of entries) {
      // A file that begins with a dot is a system's note on another one.
      if (!isPictureName(name) || name.startsWith(".")) continue;
      // A link that leads nowhere is told as the file that cannot be read.
      const linked = isSymlink && await Deno.stat(join(folder, name)).then((info) => info.isFile, () => true);
      if (isFile || linked) names.push(name);
    }
    return names.sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Error(
        `${folder}: there is no such folder; pictures are needed in images/, their masks in masks/`,
      );
    }
    throw isPathError(error) ? pathError(error, folder, "read") : error;
  }
}

/**
 * Files of a folder by their names without endings.
 *
 * @throws {Error} When two have one: which of them is meant, nothing tells.
 */
function filesByStem(folder: string, names: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of names) {
    const other = files.get(stem(name));
    if (other !== undefined) {
      throw new Error(
        `${
          join(folder, other)
        } and ${name} differ in their endings alone, so nothing tells which of them belongs to ` +
          `"${stem(name)}"; keep one`,
      );
    }
    files.set(stem(name), name);
  }
  return files;
}

/**
 * The pictures of a folder and their masks: `images/NAME.jpg` belongs to `masks/NAME.png`, whatever the endings.
 *
 * @throws {Error} When there are none, a picture has no mask, or two pictures or two masks have one name.
 */
export async function maskedFiles(folder: string): Promise<MaskedFile[]> {
  requirePath(folder);
  const pictures = await namesIn(join(folder, "images")), masks = await namesIn(join(folder, "masks"));
  if (pictures.length === 0) throw new Error(`${join(folder, "images")}: holds no pictures`);
  filesByStem(join(folder, "images"), pictures);
  const byStem = filesByStem(join(folder, "masks"), masks);
  return pictures.map((name) => {
    const mask = byStem.get(stem(name));
    if (mask === undefined) {
      throw new Error(`${join(folder, "images", name)}: has no mask ${stem(name)}.png in masks/`);
    }
    return { name: stem(name), picture: join(folder, "images", name), mask: join(folder, "masks", mask) };
  });
}

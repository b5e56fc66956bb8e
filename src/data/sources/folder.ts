import { requireIndex } from "../io/compact_lists.ts";
import { byCodeUnits, join } from "../io/paths.ts";
import type { ImageRecord, PassedOver, Source } from "../types.ts";
import { listFolder, type Listing } from "./list_folder.ts";
import { describePassedOver } from "./passed_over.ts";
import { isJpegName, PICTURE_ENDINGS, readPicture } from "./picture_file.ts";

/** A folder without any picture. */
export class NoPicturesError extends Error {
  override name = "NoPicturesError";
  /** @param hint What could be done, a sentence without its end. */
  constructor(path: string, readonly passedOver: readonly PassedOver[], hint = "") {
    const others = passedOver.reduce((sum, { count }) => sum + count, 0);
    const what = others === 0
      ? "an empty folder"
      : `no pictures among ${others} file${others === 1 ? "" : "s"}`;
    const told = describePassedOver(passedOver);
    super(
      `${path}: ${what}; it must hold pictures, at any depth, named .${PICTURE_ENDINGS.join(", .")}${
        told ? `. ${told}` : ""
      }${hint ? `. ${hint}` : ""}`,
    );
  }
}

/**
 * The class that each picture's folder names: the first one below the named folder, or below the one in which all pictures
 * are, where that holds nothing but folders: `images` of a data set whose other folders have none.
 *
 * @param pictures Relative paths.
 * @returns What gives the class of one of them; null where it is in no folder.
 */
export function folderClasses(pictures: readonly string[]): (picture: string) => string | null {
  let common = pictures.length > 0 ? pictures[0].slice(0, pictures[0].lastIndexOf("/") + 1) : "";
  for (const picture of pictures) {
    while (!picture.startsWith(common)) {
      common = common.slice(0, common.lastIndexOf("/", common.length - 2) + 1);
    }
  }
  const start = pictures.every((picture) => picture.includes("/", common.length)) ? common.length : 0;
  // SUN397 and Places365 sort their classes by letters: `a/abbey`, `a/apse/indoor`.
  const letter = /^([a-z])\/\1[^/]*\//;
  if (pictures.length > 0 && pictures.every((picture) => letter.test(picture.slice(start)))) {
    return (picture) => picture.slice(start + 2, picture.lastIndexOf("/"));
  }
  return (picture) => {
    const end = picture.indexOf("/", start);
    return end < 0 ? null : picture.slice(start, end);
  };
}

/**
 * Opens a folder of pictures. Its order is that of the relative paths' code units, so it is the same on every machine.
 *
 * A picture's class is that which {@linkcode folderClasses} says; pictures directly in `path` have none.
 *
 * @param path The folder.
 * @returns A source with random access; a file that cannot be read is a {@linkcode BadRecordError} of its record.
 * @throws {Error} When there is no such folder or it may not be read.
 * @throws {NoPicturesError} When it holds none.
 */
export async function openFolder(path: string): Promise<Source> {
  return folderSource(path, await listFolder(path));
}

/**
 * A folder of pictures that has been listed.
 *
 * @param classes The class of each picture, −1 for none, where its folder does not say it.
 * @param classOf The class that a picture's folder says.
 * @throws {NoPicturesError} When it holds none.
 */
export function folderSource(
  path: string,
  { pictures, passedOver }: Listing,
  classes?: { labels: readonly string[]; numbers: Int32Array },
  classOf: (picture: string) => string | null = folderClasses(pictures),
): Source {
  if (pictures.length === 0) throw new NoPicturesError(path, passedOver);
  const labels = classes?.labels ??
    [...new Set(pictures.map(classOf))].filter((name) => name !== null).sort(byCodeUnits);
  const labelNumbers = new Map(labels.map((name, i) => [name, i]));
  const labelOf = (index: number): number | undefined => {
    if (!classes) return labelNumbers.get(classOf(pictures[index]) ?? "");
    return classes.numbers[index] < 0 ? undefined : classes.numbers[index];
  };

  const keyOf = (index: number) => {
    requireIndex(path, index, pictures.length);
    return pictures[index];
  };
  return {
    uri: path,
    length: pictures.length,
    labels,
    async get(index) {
      const key = keyOf(index), label = labelOf(index);
      const record: ImageRecord = { key, bytes: await readPicture(path, key, join(path, key)) };
      if (label !== undefined) record.label = label;
      return record;
    },
    key: (index) => Promise.resolve(keyOf(index)),
    place(index) {
      const key = keyOf(index), label = labelOf(index);
      return isJpegName(key) ? { key, label, at: { path: join(path, key) } } : null;
    },
    passedOver: () => passedOver,
    close: () => Promise.resolve(),
  };
}

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
 * Opens a folder of pictures. Its order is that of the relative paths' code units, so it is the same on every machine.
 *
 * A picture's class is the first folder below `path`; pictures directly in `path` have none.
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
 * @throws {NoPicturesError} When it holds none.
 */
export function folderSource(path: string, { pictures, passedOver }: Listing): Source {
  if (pictures.length === 0) throw new NoPicturesError(path, passedOver);
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
      const key = keyOf(index), label = labelNumbers.get(classOf(key) ?? "");
      return isJpegName(key) ? { key, label, at: { path: join(path, key) } } : null;
    },
    passedOver: () => passedOver,
    close: () => Promise.resolve(),
  };
}

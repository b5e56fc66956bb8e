import { basename } from "node:path";
import { textList } from "../../io/compact_lists.ts";
import { join } from "../../io/paths.ts";
import type { Source } from "../../types.ts";
import { NoPicturesError } from "../folder.ts";
import { listFolder } from "../list_folder.ts";
import { listedPersons } from "./listed.ts";
import { type PartName, requireFolder } from "./parts.ts";

/** The folders of the parts, as Market-1501 calls them. */
const FOLDERS: Readonly<Record<PartName, string>> = {
  train: "bounding_box_train",
  query: "query",
  gallery: "bounding_box_test",
};

/** Whether a folder with these names is laid out so. */
export function isMarket(names: readonly string[]): boolean {
  return Object.values(FOLDERS).every((name) => names.includes(name));
}

/**
 * Opens a part of Market-1501, or of another set in its layout: `bounding_box_train`, `query` and `bounding_box_test`, with
 * pictures named `0001_c1s1_000151_01.jpg`. Classes are the identities; `-1` and `0000` have none.
 *
 * @param path The folder with these three, or the part's own folder.
 * @param part Which of them.
 * @returns A source in the order of the names' characters.
 * @throws {NoPicturesError} When the folder holds no pictures.
 * @throws {Error} When it is not there or cannot be read.
 */
export async function openMarket(path: string, part: PartName): Promise<Source> {
  const root = path.replace(/\/+$/, "") || "/", name = FOLDERS[part];
  const folder = basename(root) === name ? root : join(root, name);
  await requireFolder(folder, `${root}: holds no folder ${name}, where Market-1501 has its ${part} pictures`);
  const { pictures, passedOver } = await listFolder(folder), names = textList();
  if (pictures.length === 0) throw new NoPicturesError(folder, passedOver);
  for (const picture of pictures) names.push(picture);
  return listedPersons({ uri: folder, folder, names, passedOver });
}

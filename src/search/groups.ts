import type { Group } from "./types.ts";

/** Folders that a page offers at most. */
const MOST_FOLDERS = 500;

/** Pictures of a set by class and by folder. */
export interface Groups {
  /** Classes by their numbers. */
  classes: Group[];
  /** Folders in which pictures lie, also in those below; by name. Of very many, the ones with most pictures. */
  folders: Group[];
  /** For each picture 1 where it lies in a folder or below it, else 0. */
  inFolder(folder: string): Uint8Array;
}

/** Counts the pictures of classes and folders. A key's folders are what stands before its slashes. */
export function openGroups(
  keys: readonly string[],
  labels: ArrayLike<number>,
  classes: readonly string[],
): Groups {
  const counts = classes.map((name) => ({ name, pictures: 0 })), folders = new Map<string, number>();
  keys.forEach((key, row) => {
    if (labels[row] >= 0) counts[labels[row]].pictures++;
    for (let at = key.indexOf("/", 1); at >= 0; at = key.indexOf("/", at + 1)) {
      const folder = key.slice(0, at);
      folders.set(folder, (folders.get(folder) ?? 0) + 1);
    }
  });
  const all = [...folders].map(([name, pictures]) => ({ name, pictures }));
  const most = all.length <= MOST_FOLDERS
    ? all
    : all.sort((a, b) => b.pictures - a.pictures).slice(0, MOST_FOLDERS);
  return {
    classes: counts,
    folders: most.sort((a, b) => a.name < b.name ? -1 : 1),
    inFolder: (folder) => Uint8Array.from(keys, (key) => key.startsWith(`${folder}/`) ? 1 : 0),
  };
}

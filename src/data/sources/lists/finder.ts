/** Which pictures of a folder the names in a list mean. */
import { baseOf, folderOf } from "../../io/paths.ts";
import { isPictureName } from "../picture_file.ts";

/** Finds pictures by what lists call them. */
export interface PictureFinder {
  /**
   * The pictures that a name means: one, or none where nothing fits, or several do.
   *
   * @param folders Whether names may be those of folders, all of whose pictures are meant: frames of a video.
   */
  find(name: string, folders?: boolean): readonly number[];
}

const NONE: readonly number[] = [];

const partsOf = (path: string) => path.split(/[/\\]/).filter((part) => part !== "" && part !== ".");

/** A name without a picture's ending. */
const bare = (name: string) => isPictureName(name) ? name.slice(0, name.lastIndexOf(".")) : name;

/**
 * Begins to look pictures up. A name may lack its ending or have another one. Its folders must be those of the picture: all
 * of them, as in `images/cat/1.jpg` and `cat/1`, or, in a whole path of another machine, as many as lie below the folder.
 *
 * @param root The folder, a real path, whose own name and those above it may stand in names.
 * @param pictures Paths relative to it.
 */
export function pictureFinder(root: string, pictures: readonly string[]): PictureFinder {
  const above = partsOf(root);
  const byName = Map.groupBy(pictures.keys(), (i) => bare(baseOf(pictures[i])));
  let byFolder: Map<string, number[]> | undefined;
  /** Whether a path, given by its parts, ends as the name does. */
  const fits = (named: readonly string[], whole: boolean, inside: readonly string[]): boolean => {
    const path = [...above, ...inside];
    let same = 1;
    while (
      same < named.length && same < path.length &&
      named[named.length - 1 - same] === path[path.length - 1 - same]
    ) same++;
    return same === named.length || (whole && same >= inside.length);
  };
  const among = (found: readonly number[], name: string, inside: (index: number) => string[]) => {
    const named = partsOf(name), whole = /^([/\\]|\.\.|[a-z]:[/\\])/i.test(name);
    while (named[0] === "..") named.shift();
    const fitting = found.filter((index) => fits(named, whole, inside(index)));
    if (fitting.length < 2) return fitting;
    // Two pictures that differ by their endings alone.
    const same = fitting.filter((index) => pictures[index].endsWith(named.at(-1)!));
    return same.length === 1 ? same : fitting;
  };
  return {
    find(name, folders = false) {
      const last = partsOf(name).at(-1);
      if (last === undefined) return NONE;
      const candidates = byName.get(bare(last));
      if (candidates) {
        const found = among(candidates, name, (index) => partsOf(pictures[index]));
        return found.length === 1 ? found : NONE;
      }
      if (!folders || isPictureName(name)) return NONE;
      byFolder ??= Map.groupBy(pictures.keys(), (i) => partsOf(folderOf(pictures[i])).at(-1) ?? "");
      const folder = bareVideo(last), frames = byFolder.get(folder);
      if (!frames) return NONE;
      const found = among(
        frames,
        name.replace(/[^/\\]*$/, folder),
        (index) => partsOf(folderOf(pictures[index])),
      );
      return new Set(found.map((index) => folderOf(pictures[index]))).size === 1 ? found : NONE;
    },
  };
}

/** A name without a video's ending: its frames are in a folder called so. */
const bareVideo = (name: string) => name.replace(/\.(avi|mp4|mkv|webm|mov)$/i, "");

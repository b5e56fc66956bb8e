/** Classes that the folders inside of archives name, where nothing else does: `dogs/1.jpg` beside `cats/2.jpg`; and synsets. */
import { byCodeUnits } from "../../io/paths.ts";
import { MOST_CLASSES, numbersOf, sameName, tooManyClasses } from "../class_names.ts";
import { isSplitFolder } from "../split_names.ts";

const partsOf = (folder: string) => folder.split("/").filter((part) => !["", ".", ".."].includes(part));

/** A sample's folder; ImageNet's archives of one class have none, and its synset in front of each name. */
function folderOf(stem: string): string {
  const slash = stem.lastIndexOf("/"), folder = stem.slice(0, Math.max(0, slash));
  const synset = /^(n\d{8})_/.exec(stem.slice(slash + 1))?.[1];
  return synset === undefined ? folder : `${folder}/${synset}`;
}

/** The folders of an archive's samples, numbered as they come. */
export interface SampleFolders {
  /** The number of a sample's folder. */
  number(stem: string): number;
  /**
   * The classes that the folders name, as those of an unpacked archive do: the first folder below what all have in common,
   * and below a split's.
   *
   * @param samples How many there are.
   * @param options `splits`: whether folders named as splits are some. `known`: class names; if they hold all that are
   * found, the numbers are theirs. `used`: the numbers of folders that count, where not all do.
   * @returns Names, and the class of each folder's number, −1 for none; null where there are not two, or too many.
   */
  classes(
    samples: number,
    options: { splits: boolean; known: readonly string[]; used?: ReadonlySet<number> },
  ): { labels: readonly string[]; of(folder: number): number } | null;
}

/** Begins to number folders. */
export function sampleFolders(): SampleFolders {
  const numbers = new Map<string, number>();
  let last = "", number = -1;
  return {
    number(stem) {
      // Those of one folder mostly stand side by side.
      const folder = folderOf(stem);
      if (number >= 0 && folder === last) return number;
      last = folder;
      number = numbers.get(folder) ?? numbers.size;
      // More folders cannot be told apart, nor need they be.
      if (numbers.size <= MOST_CLASSES) numbers.set(folder, number);
      return number;
    },
    classes(samples, { splits, known, used }) {
      if (numbers.size > MOST_CLASSES) return null;
      const counting = [...numbers].filter(([, number]) => used?.has(number) ?? true);
      const names = classesOfFolders(counting.map(([folder]) => partsOf(folder)), splits);
      const named = new Map(counting.map(([, number], i) => [number, names[i]]));
      const found = [...new Set(names)].filter((name) => name !== undefined).sort(byCodeUnits);
      if (found.length < 2 || tooManyClasses(found.length, samples)) return null;
      const given = numbersOf(known), fits = found.every((name) => given.get(sameName(name))?.length === 1);
      const own = new Map(found.map((name, i) => [name, fits ? given.get(sameName(name))![0] : i]));
      return { labels: fits ? known : found, of: (folder) => own.get(named.get(folder) ?? "") ?? -1 };
    },
  };
}

/** The class of each folder; undefined for those that have none. */
function classesOfFolders(folders: readonly (readonly string[])[], splits: boolean): (string | undefined)[] {
  const [first] = folders;
  const shared = (at: number) => folders.every((parts) => parts.length > at && parts[at] === first[at]);
  let common = 0;
  while (shared(common)) common++;
  const outer = folders.map((parts) => parts[common]);
  const areSplits = splits && outer.every((name) => name === undefined || isSplitFolder(name));
  return areSplits ? folders.map((parts) => parts[common + 1]) : outer;
}

/**
 * The class that a sample's folder names where nobody knows the others: the one behind a split's folder, else the innermost.
 *
 * @param splits Whether folders named as splits are some.
 */
export function classOfFolder(stem: string, splits: boolean): string | undefined {
  const parts = partsOf(folderOf(stem)), split = splits ? parts.findIndex(isSplitFolder) : -1;
  return split < 0 ? parts.at(-1) : parts[split + 1] ?? parts[split - 1];
}

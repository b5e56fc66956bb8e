/** The pictures of bags, and what bags must be. */
import type { BagList } from "../../data/sources/people/bags.ts";
import type { FolderedSource } from "../../data/sources/people/numbered_folders.ts";

/** Where the pictures of each folder stand in the source. */
export type Ranges = ReadonlyMap<string, FolderedSource["folders"][number]>;

/** The records of a bag, one after another. */
export function recordsOf(all: Ranges, folders: readonly string[]) {
  const ranges = folders.map((folder) => all.get(folder)!);
  const count = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  return {
    count,
    at(place: number): number {
      for (const { from, to } of ranges) {
        if (place < to - from) return from + place;
        place -= to - from;
      }
      throw new RangeError(`a bag has ${count} pictures, not one more`);
    },
  };
}

/**
 * Refuses bags that cannot be drawn from.
 *
 * @throws {TypeError} When the source has no folders, or the list no bags.
 * @throws {RangeError} When a bag has no picture, or is labelled with nobody or with a person that the list does not have.
 */
export function checkBags(source: FolderedSource, list: BagList): void {
  if (!Array.isArray(source?.folders) || typeof source.get !== "function") {
    throw new TypeError(
      "`source` must be pictures by folders, such as `await openNumberedFolders(PATH)` gives",
    );
  }
  if (!Array.isArray(list?.bags) || !Array.isArray(list.identities)) {
    throw new TypeError(
      "`list` must be bags of the source's folders, such as `await readBags(PATH, FOLDERS)` gives",
    );
  }
  const { uri } = source, persons = list.identities.length;
  const ranges = new Map(source.folders.map((folder) => [folder.name, folder]));
  for (const { id, labels, folders } of list.bags) {
    const strange = folders.find((name) => !ranges.has(name));
    if (strange !== undefined) {
      throw new RangeError(`${uri}: ${id} has pictures in ${strange}, which is not there`);
    }
    if (recordsOf(ranges, folders).count === 0) throw new RangeError(`${uri}: ${id} has no picture`);
    const wrong = labels.find((person) => !(Number.isInteger(person) && person >= 0 && person < persons));
    if (wrong !== undefined || labels.length === 0) {
      const whom = wrong === undefined ? "nobody" : `person number ${wrong}`;
      throw new RangeError(`${uri}: ${id} is labelled with ${whom}, none of the list's ${persons} persons`);
    }
  }
}

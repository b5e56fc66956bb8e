/** The weak labels of SYSU-30k: bags of folders, and the persons that may be on their pictures. */
import { pathError } from "../../io/paths.ts";
import { parseForeignJson } from "../../io/foreign_text.ts";

/** Folders of pictures whose persons are known only together. */
export interface Bag {
  /** Its name, for messages. */
  id: string;
  /** Persons: indices into {@linkcode BagList.identities}, rising. */
  labels: number[];
  /** Names of the folders whose pictures show these persons. */
  folders: string[];
}

/** All bags of a training set. */
export interface BagList {
  bags: Bag[];
  /** The numbers of the persons that bags name, rising. */
  identities: number[];
}

/** A folder's name, a slash and a star. */
const FOLDER = /^(?:.*\/)?(\d+)\/\*$/;

/**
 * Reads the labels of bags: a list of `{"BagID": "bag0000000010", "BagLabel": [2, 3], "BagImages": […]}`, where `BagImages`
 * names folders, each followed by a slash and a star. A folder may be in several bags.
 *
 * @param path The JSON file.
 * @param folders Names of the training set's folders. A person is known by the folder of the same number.
 * @throws {Error} When the file cannot be read or is no such list, or a bag names a person or a folder that there is not.
 */
export async function readBags(path: string, folders: readonly string[]): Promise<BagList> {
  let list: unknown;
  try {
    list = parseForeignJson(await Deno.readFile(path));
  } catch (error) {
    if (error instanceof SyntaxError) throw new Error(`${path}: ${error.message}`, { cause: error });
    throw pathError(error, path, "read");
  }
  if (!Array.isArray(list) || list.length === 0) {
    throw new Error(
      `${path}: must hold a list of bags, [{"BagID": …, "BagLabel": […], "BagImages": […]}, …]`,
    );
  }
  const known = new Set(folders), persons = new Set(folders.map(Number));
  const read = list.map((entry, i) => readBag(entry, `${path}: bag ${i + 1}`));
  for (const { id, labels, folders: own } of read) {
    const stranger = labels.find((label) => !persons.has(label));
    if (stranger !== undefined) {
      throw new Error(
        `${path}: ${id} is labelled with person ${stranger}, whom the training set does not know: persons have the numbers ` +
          `of its ${folders.length} folders (${folders[0]} … ${
            folders.at(-1)
          }); correct the label, or add the folder`,
      );
    }
    const missing = own.find((folder) => !known.has(folder));
    if (missing !== undefined) {
      throw new Error(
        `${path}: ${id} has pictures in ${missing}, a folder that the training set does not hold`,
      );
    }
  }
  const identities = [...new Set(read.flatMap(({ labels }) => labels))].sort((a, b) => a - b);
  const numbers = new Map(identities.map((identity, i) => [identity, i]));
  const bags = read.map((bag) => ({
    ...bag,
    labels: [...new Set(bag.labels)].sort((a, b) => a - b).map((label) => numbers.get(label)!),
  }));
  return { bags, identities };
}

/** One entry of the list, its labels as they stand there. */
function readBag(entry: unknown, where: string): Bag {
  const { BagID: id, BagLabel: labels, BagImages: images } = (entry ?? {}) as Record<string, unknown>;
  const name = typeof id === "string" || typeof id === "number" ? String(id) : where;
  if (
    !Array.isArray(labels) || labels.length === 0 || !labels.every((label) => Number.isSafeInteger(label))
  ) {
    throw new Error(`${where}: BagLabel must be a list of persons' numbers, at least one`);
  }
  if (!Array.isArray(images) || images.length === 0) {
    throw new Error(`${where}: BagImages must be a list of folders, such as "0000000002/*"`);
  }
  const folders = images.map((text) => {
    const folder = typeof text === "string" ? FOLDER.exec(text)?.[1] : undefined;
    if (folder === undefined) {
      throw new Error(`${where}: BagImages has ${JSON.stringify(text)}, no folder such as "0000000002/*"`);
    }
    return folder;
  });
  return { id: name, labels: labels as number[], folders: [...new Set(folders)] };
}

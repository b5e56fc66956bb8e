import { requireIndex, textList } from "../io/compact_lists.ts";
import { byCodeUnits, join } from "../io/paths.ts";
import { readTextLines } from "../io/text_lines.ts";
import type { ImageRecord, PassedOver, Source } from "../types.ts";
import { folderSource, NoPicturesError } from "./folder.ts";
import { listFolder } from "./list_folder.ts";
import { type PassedCounter, passedCounter } from "./passed_over.ts";
import type { Claim } from "./places.ts";
import { isJpegName, readPicture } from "./picture_file.ts";

/** Where ImageNet's lists stand. */
export interface ImagenetOptions {
  /** The list of the validation set's classes. Default: searched in the folder and the four above it. */
  list?: string;
  /** Where other folders are opened together with this one: whether a folder in it counts here. */
  claim?: Claim;
}

/** Folders above the pictures that are searched: in Kaggle's layout lists stand beside ILSVRC/Data/CLS-LOC/val. */
const ABOVE = 4;

/** Names under which the list of the validation set is handed out. */
const LISTS = [
  "val.txt",
  "LOC_val_solution.csv",
  "validation_synset_labels.txt",
  "imagenet_2012_validation_synset_labels.txt",
  "ILSVRC2012_validation_ground_truth.txt",
  "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt",
];

/** Names of lists that tell which synset has which number, first line 0. */
const SYNSETS = ["LOC_synset_mapping.txt", "synsets.txt", "synset_words.txt"];

/** The share of pictures that may be of no class, or stand where those of the other layout do. */
const MOST_ODD = .01;

/**
 * Opens ImageNet: folders of classes (`train`, or a validation set sorted into folders), or the validation set's flat folder
 * with its list. Lists may be `NAME NUMBER` or `NAME SYNSET` lines (val.txt), Kaggle's LOC_val_solution.csv, or one
 * synset or number a line in the order of the pictures' names (the devkit's ground truth: numbers from 1 in the devkit's
 * own order, kept as they are).
 *
 * Up to one picture in a hundred that the list does not name has no class; so many that stand beside the folders of
 * classes, or in a folder beside a flat set, are passed over.
 *
 * @param path The folder.
 * @param options Another list.
 * @returns A labelled source; synsets are in the order of their characters, as in the folders of `train`.
 * @throws {Error} When there are no pictures, no list, or the list does not match the pictures.
 */
export async function openImagenet(path: string, options: ImagenetOptions = {}): Promise<Source> {
  const folder = path.replace(/\/+$/, "") || "/";
  if (await isDirectory(join(folder, "train")) || await isDirectory(join(folder, "val"))) {
    throw new Error(`${folder}: name one set, such as imagenet:${folder}/train or imagenet:${folder}/val`);
  }
  const { pictures, passedOver } = await listFolder(folder, options.claim);
  const inFolders = pictures.filter((name) => name.includes("/")), loose = pictures.length - inFolders.length;
  if (pictures.length === 0) throw new NoPicturesError(folder, passedOver);
  if (Math.min(loose, inFolders.length) > MOST_ODD * pictures.length) {
    throw new Error(
      `${folder}: holds both folders of classes (${inFolders.length} pictures, such as ${
        inFolders[0]
      }) and pictures ` +
        `without a class (${loose}); move one of them away`,
    );
  }
  const passed = passedCounter();
  if (inFolders.length > loose) {
    for (const name of pictures) {
      if (!name.includes("/")) passed.add("picture", "is in no class's folder", name);
    }
    return folderSource(folder, { pictures: inFolders, passedOver: [...passed.list(), ...passedOver] });
  }
  for (const name of inFolders) passed.add("picture", "is in a folder beside the flat set", name);
  return await openFlat(
    path,
    folder,
    pictures.filter((name) => !name.includes("/")),
    options,
    passed,
    passedOver,
  );
}

async function openFlat(
  uri: string,
  folder: string,
  pictures: readonly string[],
  options: ImagenetOptions,
  passed: PassedCounter,
  others: readonly PassedOver[],
): Promise<Source> {
  const list = options.list ?? await find(folder, LISTS);
  if (!list) {
    throw new Error(
      `${folder}: pictures without folders of classes need the validation set's list; looked for ${
        LISTS.join(", ")
      } in this folder and the four above`,
    );
  }
  const stated = await readList(list, pictures, passed);
  return await flat(uri, folder, pictures, stated, list, [...passed.list(), ...others]);
}

async function flat(
  uri: string,
  folder: string,
  pictures: readonly string[],
  stated: readonly (string | null)[],
  list: string,
  passedOver: PassedOver[],
): Promise<Source> {
  const known = stated.filter((label) => label !== null);
  const numeric = known.every((label) => /^\d{1,6}$/.test(label));
  let labels: string[];
  if (!numeric) labels = [...new Set(known)].sort(byCodeUnits);
  else {
    const most = known.reduce((largest, label) => Math.max(largest, Number(label)), 0);
    const synsets = list.endsWith("ground_truth.txt") ? null : await readSynsets(folder);
    labels = synsets && synsets.length > most
      ? synsets
      : Array.from({ length: most + 1 }, (_, i) => String(i));
  }
  const numbers = new Map(labels.map((label, number) => [label, number]));
  const names = textList();
  const classes = Int32Array.from(
    stated,
    (label) => label === null ? -1 : numeric ? Number(label) : numbers.get(label)!,
  );
  const labelOf = (index: number) => classes[index] < 0 ? undefined : classes[index];
  for (const name of pictures) names.push(name);
  return {
    uri,
    length: names.length,
    labels,
    async get(index): Promise<ImageRecord> {
      requireIndex(uri, index, names.length);
      const key = names.get(index), label = labelOf(index);
      const bytes = await readPicture(uri, key, join(folder, key));
      return label === undefined ? { key, bytes } : { key, bytes, label };
    },
    async key(index): Promise<string> {
      requireIndex(uri, index, names.length);
      return await names.get(index);
    },
    place(index) {
      requireIndex(uri, index, names.length);
      const key = names.get(index);
      return isJpegName(key) ? { key, label: labelOf(index), at: { path: join(folder, key) } } : null;
    },
    passedOver: () => passedOver,
    close: () => Promise.resolve(),
  };
}

const isDirectory = (path: string) => Deno.stat(path).then((info) => info.isDirectory, () => false);

async function find(folder: string, names: readonly string[]): Promise<string | null> {
  for (let up = 0, place = folder; up <= ABOVE; up++, place = join(place, "..")) {
    for (const name of names) {
      const path = join(place, name);
      if (await Deno.stat(path).then((info) => info.isFile, () => false)) return path;
    }
  }
  return null;
}

async function readSynsets(folder: string): Promise<string[] | null> {
  const path = await find(folder, SYNSETS);
  return path ? (await readTextLines(path)).map((line) => line.split(/\s/)[0]) : null;
}

const stem = (name: string) => name.replace(/^.*\//, "").replace(/\.[^.]*$/, "");

/** The class of each picture, as the list states it; null where it says nothing of one. */
async function readList(
  path: string,
  pictures: readonly string[],
  passed: PassedCounter,
): Promise<(string | null)[]> {
  let lines = await readTextLines(path);
  // Tables may have quotes around each cell, and lists from Windows its slashes.
  lines = lines.map((line) => line.replaceAll('"', "").replaceAll("\\", "/"));
  if (/^ImageId,/i.test(lines[0] ?? "")) lines = lines.slice(1);
  const entries = lines.map((line) => line.split(/[\s,]+/));
  if (entries.every((entry) => entry.length === 1)) {
    if (entries.length !== pictures.length) {
      throw new Error(`${path}: has ${entries.length} lines for ${pictures.length} pictures`);
    }
    return entries.map(([label]) => label);
  }
  const known = new Map<string, string | null>();
  for (const [name, label] of entries) {
    const said = known.get(stem(name));
    if (said !== undefined && said !== label) {
      passed.add("label", "is stated twice, as different classes", name);
      known.set(stem(name), null);
    } else known.set(stem(name), label);
  }
  const missing = pictures.filter((name) => !known.has(stem(name)) || known.get(stem(name)) === "");
  if (missing.length > MOST_ODD * pictures.length) {
    const others = missing.length === 1
      ? ""
      : ` and ${missing.length - 1} others of ${pictures.length} pictures`;
    throw new Error(`${path}: says nothing of ${missing[0]}${others}`);
  }
  for (const name of missing) passed.add("label", "is missing: the list says nothing of the picture", name);
  return pictures.map((name) => known.get(stem(name)) || null);
}

import { openFolder } from "./folder.ts";
import { requireIndex, textList } from "../io/compact_lists.ts";
import { byCodeUnits, join, pathError } from "../io/paths.ts";
import { isJpegName, isPictureName, readPicture } from "./picture_file.ts";
import type { ImageRecord, Source } from "../types.ts";

/** Where ImageNet's lists stand. */
export interface ImagenetOptions {
  /** The list of the validation set's classes. Default: searched in the folder and the four above it. */
  list?: string;
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

/**
 * Opens ImageNet: folders of classes (`train`, or a validation set sorted into folders), or the validation set's flat folder
 * with its list. Lists may be `NAME NUMBER` or `NAME SYNSET` lines (val.txt), Kaggle's LOC_val_solution.csv, or one
 * synset or number a line in the order of the pictures' names (the devkit's ground truth: numbers from 1 in the devkit's
 * own order, kept as they are).
 *
 * @param path The folder.
 * @param options Another list.
 * @returns A labelled source; synsets are in the order of their characters, as in the folders of `train`.
 * @throws {Error} When there are no pictures, no list, or the list does not match the pictures.
 */
export async function openImagenet(path: string, options: ImagenetOptions = {}): Promise<Source> {
  const folder = path.replace(/\/+$/, "");
  const pictures: string[] = [];
  let folders = 0;
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isDirectory && !entry.name.startsWith(".")) folders++;
      else if (isPictureName(entry.name)) pictures.push(entry.name);
    }
  } catch (error) {
    throw pathError(error, folder, "read");
  }
  if (folders > 0) {
    if (pictures.length > 0) {
      throw new Error(`${folder}: holds both folders of classes and pictures without a class`);
    }
    if (await isDirectory(join(folder, "train")) || await isDirectory(join(folder, "val"))) {
      throw new Error(`${folder}: name one set, such as imagenet:${folder}/train or imagenet:${folder}/val`);
    }
    return await openFolder(folder);
  }
  if (pictures.length === 0) throw new Error(`${folder}: no pictures`);
  pictures.sort(byCodeUnits);
  const list = options.list ?? await find(folder, LISTS);
  if (!list) {
    throw new Error(
      `${folder}: pictures without folders of classes need the validation set's list; looked for ${
        LISTS.join(", ")
      } in this folder and the four above`,
    );
  }
  const stated = await readList(list, pictures);
  return await flat(path, folder, pictures, stated, list);
}

async function flat(
  uri: string,
  folder: string,
  pictures: readonly string[],
  stated: readonly string[],
  list: string,
): Promise<Source> {
  const numeric = stated.every((label) => /^\d{1,6}$/.test(label));
  let labels: string[];
  if (!numeric) labels = [...new Set(stated)].sort(byCodeUnits);
  else {
    const most = stated.reduce((largest, label) => Math.max(largest, Number(label)), 0);
    const synsets = list.endsWith("ground_truth.txt") ? null : await readSynsets(folder);
    labels = synsets && synsets.length > most
      ? synsets
      : Array.from({ length: most + 1 }, (_, i) => String(i));
  }
  const numbers = new Map(labels.map((label, number) => [label, number]));
  const names = textList();
  const classes = Int32Array.from(stated, (label) => numeric ? Number(label) : numbers.get(label)!);
  for (const name of pictures) names.push(name);
  return {
    uri,
    length: names.length,
    labels,
    async get(index): Promise<ImageRecord> {
      requireIndex(uri, index, names.length);
      const key = names.get(index);
      return { key, bytes: await readPicture(uri, key, join(folder, key)), label: classes[index] };
    },
    async key(index): Promise<string> {
      requireIndex(uri, index, names.length);
      return await names.get(index);
    },
    place(index) {
      requireIndex(uri, index, names.length);
      const key = names.get(index);
      return isJpegName(key) ? { key, label: classes[index], at: { path: join(folder, key) } } : null;
    },
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

async function readLines(path: string): Promise<string[]> {
  try {
    return (await Deno.readTextFile(path)).split(/\r?\n/).map((line) => line.trim()).filter((line) => line);
  } catch (error) {
    throw pathError(error, path, "read");
  }
}

async function readSynsets(folder: string): Promise<string[] | null> {
  const path = await find(folder, SYNSETS);
  return path ? (await readLines(path)).map((line) => line.split(/\s/)[0]) : null;
}

const stem = (name: string) => name.replace(/^.*\//, "").replace(/\.[^.]*$/, "");

/** The class of each picture, as the list states it. */
async function readList(path: string, pictures: readonly string[]): Promise<string[]> {
  let lines = await readLines(path);
  if (/^ImageId,/i.test(lines[0] ?? "")) lines = lines.slice(1);
  const entries = lines.map((line) => line.split(/[\s,]+/));
  if (entries.every((entry) => entry.length === 1)) {
    if (entries.length !== pictures.length) {
      throw new Error(`${path}: has ${entries.length} lines for ${pictures.length} pictures`);
    }
    return entries.map(([label]) => label);
  }
  const known = new Map(entries.map(([name, label]) => [stem(name), label]));
  return pictures.map((name) => {
    const label = known.get(stem(name));
    if (!label) throw new Error(`${path}: says nothing of ${name}`);
    return label;
  });
}

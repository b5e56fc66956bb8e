/** Labelled pictures as fine-tuning needs them: every one with the number of its class, known before the first step. */
import { map, range } from "../data/iter.ts";
import { requireSource } from "../data/open/data.ts";
import { plain } from "../data/plain.ts";
import { growingClasses } from "../data/sources/growing_classes.ts";
import { select } from "../data/sources/select.ts";
import { BadRecordError, type Source } from "../data/types.ts";

/** Pictures with a class. */
export interface LabelledPictures {
  /** Only pictures with a class; each says the number of its class, in its place as well as in its record. */
  source: Source;
  /** The class of each. */
  labels: Int32Array;
  /** Names of the classes. */
  names: readonly string[];
  /** Pictures without a class, and those that could not be read to see which they have: not among these. */
  unlabelled: number;
  unreadable: number;
}

/** Where and of what class pictures are. */
interface Found {
  label: number;
  bad?: BadRecordError;
}

/** How the classes of pictures are read. */
export interface LabelOptions {
  /** Told of records that cannot be read; they are left out. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
  /** Called with how many records have been looked at, and of how many, where they must be read for it. */
  progress?: (done: number, total: number) => void;
}

/** Refuses a class that is not in the list. */
function requireListed(source: Source, key: string, label: number): void {
  const { labels, uri } = source;
  if (Number.isInteger(label) && label >= 0 && (labels.length === 0 || label < labels.length)) return;
  throw new Error(
    `${uri}: ${key || "a picture"} is of class number ${label}, but the list has the numbers 0 to ${
      labels.length - 1
    }; ` +
      "give the list that belongs to these pictures (--labels FILE)",
  );
}

/**
 * Reads the class of every picture: quickly where the source knows it, such as a folder, else with the record.
 *
 * @param source Labelled pictures by index. Closing the result's source closes it.
 * @throws {TypeError} When the source is none, such as a path or a promise of one.
 * @throws {BadRecordError} When a record cannot be read and `onBad` is not there to hear of it.
 * @throws {Error} When no picture has a class, or a picture's class is not in the list.
 */
export async function labelledPictures(
  source: Source,
  options: LabelOptions = {},
): Promise<LabelledPictures> {
  requireSource("`source`", source);
  const { onBad, progress } = options, { uri, length } = source;
  const classes = growingClasses(source.labels), none: Found = { label: -1 };
  const look = async (index: number) => {
    const known = source.place?.(index)?.label;
    if (known !== undefined) return { key: "", label: known };
    try {
      const { key, label, className } = await source.get(index);
      return { key, label, className };
    } catch (error) {
      if (onBad && error instanceof BadRecordError) return error;
      throw error;
    }
  };
  const found: Found[] = [];
  for await (const item of map(range(0, length), look, 2 * navigator.hardwareConcurrency)) {
    if (item instanceof BadRecordError) {
      onBad!(item);
      found.push({ ...none, bad: item });
    } else {
      if (item.label !== undefined) requireListed(source, item.key, item.label);
      // In the pictures' order, because classes may be numbered in order of appearance.
      found.push({ label: classes.number({ ...item, bytes: new Uint8Array() }) ?? -1 });
    }
    if (found.length % 1000 === 0 || found.length === length) progress?.(found.length, length);
  }
  const places = found.flatMap(({ label }, i) => label >= 0 ? [i] : []);
  const unreadable = found.filter(({ bad }) => bad).length;
  if (places.length === 0) {
    throw new Error(
      `${uri}: no picture has a class; pictures are needed in folders named after their class, or shards packed from such`,
    );
  }
  const labels = Int32Array.from(places, (place) => found[place].label), names = classes.labels();
  return {
    source: numbered(select(source, places), labels, names),
    labels,
    names,
    unlabelled: length - places.length - unreadable,
    unreadable,
  };
}

/** A source whose pictures have the classes that are given. */
function numbered(source: Source, labels: Int32Array, names: readonly string[]): Source {
  return {
    ...plain(source),
    labels: names,
    get: async (index) => {
      const { className: _, ...record } = await source.get(index);
      return { ...record, label: labels[index] };
    },
    place: (index) => {
      const place = source.place?.(index);
      return place ? { ...place, label: labels[index] } : null;
    },
  };
}

/**
 * Refuses labels that do not belong to their pictures or classes.
 *
 * @param what Named in errors.
 * @throws {TypeError} When they are no pictures, or have no labels.
 * @throws {RangeError} When there are not as many labels as pictures, or one is none of the classes.
 */
export function checkLabels(
  what: string,
  { source, labels }: Pick<LabelledPictures, "source" | "labels">,
  classes: number,
): void {
  requireSource(what, source);
  if (!(labels instanceof Int32Array)) {
    throw new TypeError(`${source.uri}: the labels of ${what} must be an Int32Array, one number a picture`);
  }
  if (labels.length !== source.length) {
    throw new RangeError(`${source.uri}: ${what} has ${labels.length} labels for ${source.length} pictures`);
  }
  const wrong = labels.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) {
    throw new RangeError(
      `${source.uri}: picture ${wrong} of ${what} is of class number ${
        labels[wrong]
      }, none of the ${classes} classes`,
    );
  }
}

/**
 * Labelled pictures as a program hands them over, whose source says the labels that it is given with.
 *
 * @throws {TypeError} When they are none, such as a source or a promise of them.
 * @throws {RangeError} When labels or names of classes do not fit.
 */
export function checkedPictures(pictures: LabelledPictures): LabelledPictures {
  const { source, labels, names } = pictures ?? {};
  if (source === undefined || !Array.isArray(names)) {
    throw new TypeError("`pictures` must be labelled, such as `await labelledPictures(SOURCE)` gives");
  }
  checkLabels("`pictures`", pictures, names.length);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new RangeError(`${source.uri}: two classes are named "${twice}"`);
  return { ...pictures, source: numbered(source, labels, names) };
}

/** Some of the pictures, in the order of `indices`. */
export function pickPictures(pictures: LabelledPictures, indices: readonly number[]): LabelledPictures {
  const labels = Int32Array.from(indices, (index) => pictures.labels[index]);
  return {
    ...pictures,
    labels,
    source: numbered(select(pictures.source, indices), labels, pictures.names),
  };
}

/** How many pictures each class has. */
export function countClasses({ labels, names }: Pick<LabelledPictures, "labels" | "names">): Int32Array {
  const counts = new Int32Array(names.length);
  for (const label of labels) counts[label]++;
  return counts;
}

/** Keys that go into the digest of a data set. */
const DIGEST_KEYS = 64;

/**
 * What tells one set of labelled pictures from another: a SHA-256 of the names, all labels in order, and some keys.
 *
 * @returns `sha256:…`.
 */
export async function picturesDigest({ source, labels, names }: LabelledPictures): Promise<string> {
  const keys: string[] = [], count = Math.min(DIGEST_KEYS, source.length);
  for (let i = 0; i < count; i++) {
    keys.push(await source.key(Math.floor(i * source.length / count)).catch(() => ""));
  }
  const about = new TextEncoder().encode(JSON.stringify([names, keys]));
  const bytes = new Uint8Array(about.length + labels.byteLength);
  bytes.set(about);
  bytes.set(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength), about.length);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

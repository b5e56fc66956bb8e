import { didYouMean } from "../../text/nearest.ts";
import type { PictureSet } from "./set.ts";

/** Which pictures of a set are searched. */
export interface PictureFilter {
  /** Only pictures of these classes. */
  labels?: readonly string[];
  /** Only pictures whose name begins with one of these folders. */
  folders?: readonly string[];
}

/** A folder's name as names of pictures begin with it. */
const within = (folder: string) => folder === "" || folder.endsWith("/") ? folder : `${folder}/`;

/**
 * Which pictures of a set pass a filter.
 *
 * @returns For each picture 1 or 0; undefined where the filter asks for nothing.
 * @throws {Error} When the set has no classes, or not this one; or when no picture passes.
 */
export function filterPictures(
  { file: { path, info, labels }, keys }: PictureSet,
  { labels: wanted = [], folders = [] }: PictureFilter,
): Uint8Array | undefined {
  if (wanted.length === 0 && folders.length === 0) return undefined;
  if (wanted.length > 0 && info.classes.length === 0) {
    throw new Error(`${path}: its pictures have no labels, so they cannot be filtered by one`);
  }
  const classes = new Set<number>();
  for (const name of wanted) {
    // Two classes may share a name.
    const found = info.classes.flatMap((one, i) => one === name ? [i] : []);
    if (found.length === 0) {
      throw new Error(`${path}: has no class "${name}"${meant(name, info.classes)}`);
    }
    found.forEach((one) => classes.add(one));
  }
  const starts = folders.map(within), keep = new Uint8Array(keys.length);
  let kept = 0;
  keys.forEach((key, row) => {
    if (classes.size > 0 && !classes.has(labels[row])) return;
    if (starts.length > 0 && !starts.some((start) => key.startsWith(start))) return;
    keep[row] = 1;
    kept++;
  });
  if (kept > 0) return keep;
  const asked = [
    ...wanted.length > 0 ? [`of class ${wanted.join(" or ")}`] : [],
    ...folders.length > 0 ? [`in ${folders.join(" or ")}`] : [],
  ].join(" ");
  throw new Error(`${path}: no picture is ${asked}; names look like "${keys[0]}"`);
}

/** Which class may have been meant: one whose name has a comma, which ends a name in a list, or one that is written alike. */
function meant(name: string, classes: readonly string[]): string {
  const cut = classes.find((one) => one.startsWith(`${name},`));
  if (cut !== undefined) return `; if "${cut}" is meant, write its commas as \\,`;
  return didYouMean(name, classes) || `, but ${shown(classes)}`;
}

const shown = (names: readonly string[]) =>
  names.slice(0, 5).map((name) => JSON.stringify(name)).join(", ") + (names.length > 5 ? ", …" : "");

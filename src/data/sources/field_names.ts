/** Names under which other programs keep a picture and its class: of columns, of fields in JSON and in dicts. */
import { splitOfWord, wordsOf } from "./splits.ts";

/** Names of pictures, the most telling first. */
const PICTURE_NAMES = ["image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp", "bytes", "content"];

/** Words in names of pictures that show something of another one. */
const ASIDE = new Set(
  ("mask masks seg segm segmentation label labels annotation depth normal edge edges canny conditioning condition control " +
    "thumb thumbnail preview")
    .split(" "),
);

/** Names of classes, the most telling first. */
export const LABEL_NAMES: readonly string[] = [
  "label",
  "labels",
  "cls",
  "class",
  "class_id",
  "label_id",
  "fine_label",
  "target",
  "category",
  "category_id",
  "class_name",
  "class_label",
  "label_name",
  "label_text",
  "category_name",
  "coarse_label",
];

/** Whether a name is one of those that pictures usually have. */
export function isPictureField(name: string): boolean {
  return PICTURE_NAMES.includes(name.toLowerCase());
}

/** Words of what is about a picture and is none. */
const ABOUT = /^(hash|.hash|md5|sha|ids?|uuid|names?|paths?|urls?|embeddings?|features?)$/i;

/** Whether a name has a word of those that pictures usually have, and none that says otherwise: `image_bytes`, `imgData`. */
export function hasPictureWord(name: string): boolean {
  const words = wordsOf(name);
  return words.some(isPictureField) && !words.some((word) => ABOUT.test(word));
}

/**
 * Where a name stands among those that pictures have, for several side by side: usual names come first, and what shows
 * something of another picture, such as a mask, last.
 *
 * @returns Smaller is taken first.
 */
export function pictureRank(name: string): number {
  const usual = PICTURE_NAMES.indexOf(name.toLowerCase());
  if (usual >= 0) return usual;
  return PICTURE_NAMES.length + (wordsOf(name).some((word) => ASIDE.has(word.toLowerCase())) ? 1 : 0);
}

/** Where a name stands among those of classes; names that are none of these come last. */
export function labelRank(name: string): number {
  const known = LABEL_NAMES.indexOf(name.toLowerCase());
  return known < 0 ? LABEL_NAMES.length : known;
}

/** Names of columns, and of fields, that say of which split a picture is; of those behind the first one all values must be words for splits. */
export const SPLIT_COLUMNS = [
  "split",
  "subset",
  "partition",
  "data_split",
  "dataset_split",
  "phase",
] as const;

/** The split that one of several named fields states, the most telling first; null where none is a word for one. */
export function splitAmong(
  fields: readonly (readonly [name: string | null, value: unknown])[],
): string | null {
  for (const wanted of SPLIT_COLUMNS) {
    const value = fields.find(([name]) => name?.toLowerCase() === wanted)?.[1];
    const split = typeof value === "string" ? splitOfWord(value.trim()) : undefined;
    if (split !== undefined) return split;
  }
  return null;
}

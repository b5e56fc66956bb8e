import { PICTURE_ENDINGS } from "../picture_file.ts";

/** Endings of labels, the most telling first. */
export const LABELS: readonly string[] = ["cls", "json", "txt"];

/**
 * Splits a member's name as WebDataset does: the ending begins at the first dot of the last part.
 *
 * @param name Such as `train/0001.seg.png`.
 * @returns Stem `train/0001` and ending `seg.png` in small letters; null for hidden files and names without an ending.
 */
export function splitName(name: string): { stem: string; ending: string } | null {
  const base = name.lastIndexOf("/") + 1, dot = name.indexOf(".", base);
  if (dot <= base) return null;
  return { stem: name.slice(0, dot).replace(/^(\.\/)+/, ""), ending: name.slice(dot + 1).toLowerCase() };
}

/** Whether an ending is a picture's; `left.png` counts too. */
export function isPicture(ending: string): boolean {
  return PICTURE_ENDINGS.includes(ending.slice(ending.lastIndexOf(".") + 1));
}

/** Whether a label's file. */
export function isLabel(ending: string): boolean {
  return LABELS.includes(ending);
}

/** A class as a label file states it: its number or its name. */
export type Stated = number | string;

/** Names in a JSON label that hold the class. */
const JSON_KEYS = ["label", "cls", "class", "class_id", "label_id", "category", "category_id"];

/**
 * Reads a label's file: a number or a name in `cls`; `label`, `cls`, `class` … of a JSON object, or JSON that is a number
 * or a text itself; a number in `txt`, which holds a caption otherwise.
 *
 * @param ending One of {@linkcode LABELS}.
 * @param bytes The file.
 * @returns The class, undefined when the file states none.
 */
export function statedLabel(ending: string, bytes: Uint8Array): Stated | undefined {
  const text = new TextDecoder().decode(bytes).trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  if (ending === "cls") return text === "" ? undefined : text;
  if (ending !== "json") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "string") return value;
    if (typeof value !== "object" || value === null) return undefined;
    for (const key of JSON_KEYS) {
      const found: unknown = Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
      if (typeof found === "string" || (Number.isSafeInteger(found) && Number(found) >= 0)) {
        return found as Stated;
      }
    }
  } catch {
    // A label that cannot be read is a picture without a label, which training does not need.
  }
  return undefined;
}

/** The number of a stated class among `labels`; a number stands for itself. */
export function labelNumber(stated: Stated | undefined, labels: readonly string[]): number | undefined {
  if (stated === undefined) return undefined;
  if (typeof stated === "number") return labels.length === 0 || stated < labels.length ? stated : undefined;
  const at = labels.indexOf(stated);
  return at < 0 ? undefined : at;
}

/** What pictures and categories are told apart by in files in COCO's layout. */
import { byCodeUnits } from "../io/paths.ts";

/** A number; in files of others than COCO's authors also a large one or a text. */
export type CocoId = number | bigint | string;

/** Whether a value can be an id. */
export const isId = (value: unknown): value is CocoId =>
  typeof value === "number" || typeof value === "bigint" || typeof value === "string";

/** Orders ids: numbers by size; with a text among them, by their texts. */
export function compareIds(a: CocoId, b: CocoId): number {
  if (typeof a === "string" || typeof b === "string") return byCodeUnits(String(a), String(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Says why an id may not be listed: it is a text where ids are numbers, or a number where they are texts.
 *
 * @param listed One of the ids that are listed; undefined where none is.
 * @returns The end of a sentence; empty where that is not the reason.
 */
export function otherKind(id: CocoId, listed: CocoId | undefined): string {
  const isText = typeof id === "string", areTexts = typeof listed === "string";
  if (listed === undefined || isText === areTexts) return "";
  return `; it is a ${isText ? "text" : "number"}, and ids there are ${areTexts ? "texts" : "numbers"}`;
}

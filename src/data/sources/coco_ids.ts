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

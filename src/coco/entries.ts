/** Checks of entries in COCO's layout. */
import { type CocoId, isId } from "../data/sources/coco_ids.ts";
import { CocoError } from "./error.ts";
import type { CocoBox } from "./mask.ts";
import { shortJson } from "./segmentation.ts";

/**
 * The fields of an entry.
 *
 * @throws {CocoError} When it is no object.
 */
export function fieldsOf(entry: unknown): Record<string, unknown> {
  if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
    return entry as Record<string, unknown>;
  }
  throw new CocoError(`${shortJson(entry)} is no object`);
}

/**
 * Four finite numbers.
 *
 * @throws {CocoError} When a value is something else.
 */
export function requireBox(value: unknown): CocoBox {
  if (Array.isArray(value) && value.length === 4 && value.every((x) => Number.isFinite(x))) {
    return value as CocoBox;
  }
  throw new CocoError(`bbox is ${shortJson(value)}, not [x, y, width, height] in finite numbers`);
}

/**
 * The id under a name.
 *
 * @throws {CocoError} When there is none.
 */
export function requireId(entry: Record<string, unknown>, name: string): CocoId {
  const id = entry[name];
  if (isId(id)) return id;
  throw new CocoError(`${name} is ${shortJson(id)}, not a number or a text`);
}

/**
 * Runs something; its errors tell the place of the entry.
 *
 * @throws {CocoError} When it has thrown one.
 */
export function within<T>(where: () => string, what: () => T): T {
  try {
    return what();
  } catch (error) {
    if (!(error instanceof CocoError)) throw error;
    throw new CocoError(`${where()}: ${error.message}`, { cause: error });
  }
}

/** What the metadata of a checkpoint says besides its texts, checked. */
import type { DataAccount } from "../../data/epoch/account.ts";
import type { Cursor } from "../../data/types.ts";
import { isCount, isObject } from "../../files/json_values.ts";

/** Settings, which are not checked yet, and where the run stands, see `CheckpointInfo`. */
export interface CheckpointStanding {
  config: Record<string, unknown>;
  step: number;
  cursor: Cursor;
  pictures: number;
  bad: number;
  places?: number[][];
  data?: DataAccount;
}

/** What of a file's metadata is no text, and what it must be. */
const STANDING = {
  config: isObject,
  step: isCount,
  cursor: (value: unknown) => isObject(value) && isCount(value.epoch) && isCount(value.position),
  pictures: isCount,
  bad: isCount,
  places: (value: unknown) =>
    Array.isArray(value) && value.every((place) => Array.isArray(place) && place.every(isCount)),
  data: (value: unknown) => isObject(value) && Array.isArray(value.epochs) && Array.isArray(value.sources),
} as const;

/**
 * What a checkpoint says of its settings and of where its run stands. Those of one process have no `places`, those of version 0.1 no
 * `data`.
 *
 * @param metadata The file's.
 * @param file Named in errors.
 * @throws {Error} When something is missing or cannot be read.
 */
export function standingIn(metadata: Readonly<Record<string, string>>, file: string): CheckpointStanding {
  const found: Record<string, unknown> = {};
  for (const [name, fits] of Object.entries(STANDING)) {
    if (metadata[name] === undefined && (name === "places" || name === "data")) continue;
    try {
      found[name] = JSON.parse(metadata[name]);
    } catch { /* told below */ }
    if (!fits(found[name])) throw new Error(`${file}: damaged: its metadata's "${name}" cannot be read`);
  }
  return found as unknown as CheckpointStanding;
}

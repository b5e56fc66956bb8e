/** Pictures of persons name who is on them and which camera took them. */
import { baseOf } from "../../io/paths.ts";

/** What the name of a picture of a person says. */
export interface Person {
  /** The person's number, {@linkcode DISTRACTOR} or {@linkcode JUNK}. */
  identity: number;
  /** The camera's number. */
  camera: number;
}

/** The identity of a picture that does not count in a gallery: Market-1501's `-1`, a bad detection. */
export const JUNK = -1;

/** The identity of a picture of somebody whom no query shows: Market-1501's `0000`, SYSU-30k's `0000others`. */
export const DISTRACTOR = 0;

/** `0001_c1s1_000151_01.jpg` of Market-1501, `000028311_c1_1.jpg` and `0000others_c1_7.jpg` of SYSU-30k. */
const NAME = /^(-1|\d{1,15}|0000others)_c(\d{1,9})(?!\d)/i;

/**
 * Reads who is on a picture from its name, as in Market-1501 and SYSU-30k: identity, `_c`, camera.
 *
 * @param name A path or its last part, with or without an ending.
 * @returns Null for a name that does not begin so.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { personOf } from "./names.ts";
 * assert.deepEqual(personOf("query/0001_c1s1_000151_01.jpg"), { identity: 1, camera: 1 });
 * ```
 */
export function personOf(name: string): Person | null {
  const [, identity, camera] = NAME.exec(baseOf(name)) ?? [];
  if (identity === undefined) return null;
  return {
    identity: /^0000others$/i.test(identity) ? DISTRACTOR : Number(identity),
    camera: Number(camera),
  };
}

/**
 * The name of a person as a class: the digits of the picture's name.
 *
 * @returns Undefined for junk, for distractors, and for names that say nothing.
 */
export function identityName(name: string): string | undefined {
  const person = personOf(name);
  return person && person.identity > DISTRACTOR ? baseOf(name).split("_")[0] : undefined;
}

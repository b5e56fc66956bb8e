import { personOf } from "../data/sources/people/names.ts";
import type { FeatureRows } from "./scores.ts";

/** Who is on some pictures, and which camera took each. */
export interface People {
  /** Numbers of persons; `DISTRACTOR` (0) and `JUNK` (−1) as in `personOf`. */
  identities: Float64Array;
  cameras: Float64Array;
}

/** Features of pictures, and who is on them. */
export interface Persons extends People {
  features: FeatureRows;
}

/**
 * Refuses persons that do not fit their features: whoever is missing would be taken for another person, or a camera for
 * another camera.
 *
 * @param what Named in errors.
 * @throws {TypeError} When they are no persons.
 * @throws {RangeError} When there are not as many identities and cameras as rows, or one is no whole number.
 */
export function checkPersons(what: string, persons: Persons): void {
  const { identities, cameras, features } = persons ?? {};
  if (typeof features?.read !== "function" || !Number.isSafeInteger(features.rows)) {
    throw new TypeError(`\`${what}\` must have features, such as \`heldRows(ROWS)\` gives`);
  }
  for (const [part, numbers] of Object.entries({ identities, cameras })) {
    if (!(numbers instanceof Float64Array)) {
      throw new TypeError(
        `${part} of \`${what}\` must be a Float64Array, such as \`peopleOf(KEYS, WHERE)\` gives`,
      );
    }
    if (numbers.length !== features.rows) {
      throw new RangeError(`\`${what}\` has ${numbers.length} ${part} for ${features.rows} rows of features`);
    }
    const at = numbers.findIndex((number) => !Number.isSafeInteger(number));
    if (at >= 0) {
      throw new RangeError(`${part} of \`${what}\`: that of row ${at} is ${numbers[at]}, no whole number`);
    }
  }
}

/** Names that a message shows. */
const SHOWN = 3;

/**
 * Reads from the names of pictures who is on them and which camera took them ({@linkcode personOf}).
 *
 * @param keys The pictures' keys.
 * @param where What they are from, for messages.
 * @throws {TypeError} When the keys are no list of names.
 * @throws {Error} When names do not say it; counts them and shows some.
 */
export function peopleOf(keys: readonly string[], where: string): People {
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string")) {
    throw new TypeError("`keys` must be a list of the pictures' names");
  }
  const people: People = {
    identities: new Float64Array(keys.length),
    cameras: new Float64Array(keys.length),
  };
  const silent: string[] = [];
  let count = 0;
  keys.forEach((key, i) => {
    const person = personOf(key);
    if (person) {
      people.identities[i] = person.identity;
      people.cameras[i] = person.camera;
    } else if (count++ < SHOWN) silent.push(key);
  });
  if (count === 0) return people;
  throw new Error(
    `${where}: ${count} of ${keys.length} names do not tell person and camera, such as ${
      silent.join(", ")
    }; pictures ` +
      "must be named PERSON_cCAMERA…, as in Market-1501 (0001_c1s1_000151_01.jpg) or SYSU-30k (000028311_c1_1.jpg)",
  );
}

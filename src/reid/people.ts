import { personOf } from "../data/sources/people/names.ts";

/** Who is on some pictures, and which camera took each. */
export interface People {
  /** Numbers of persons; `DISTRACTOR` (0) and `JUNK` (−1) as in `personOf`. */
  identities: Float64Array;
  cameras: Float64Array;
}

/** Names that a message shows. */
const SHOWN = 3;

/**
 * Reads from the names of pictures who is on them and which camera took them ({@linkcode personOf}).
 *
 * @param keys The pictures' keys.
 * @param where What they are from, for messages.
 * @throws {Error} When names do not say it; counts them and shows some.
 */
export function peopleOf(keys: readonly string[], where: string): People {
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

/** Lists of pictures that a probe learns from, such as ImageNet's 1 % and 10 %. */
import { decodeText } from "../data/io/foreign_text.ts";
import { type FeatureSet, pickSet } from "./feature_set.ts";

/**
 * Reads a list of pictures: one name a line, such as `n04235860_14959.JPEG`; empty lines do not count.
 *
 * @throws {Error} When it cannot be read or is empty.
 */
export async function readSubset(path: string): Promise<string[]> {
  const text = await Deno.readFile(path).then((bytes) => decodeText(bytes)).catch((cause) => {
    const why = cause instanceof Deno.errors.NotFound ? "there is no such file" : (cause as Error).message;
    throw new Error(`${path}: the list of pictures cannot be read: ${why}`, { cause });
  });
  const names = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "");
  if (names.length === 0) throw new Error(`${path}: the list of pictures is empty`);
  return names;
}

/** A name, and it without the folders at its start: all of them, and each fewer. */
function endsOf(name: string): string[] {
  const ends = [name];
  for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) ends.push(name.slice(at + 1));
  return ends;
}

const withoutEnding = (name: string) => name.replace(/\.[A-Za-z0-9]+$/, "");

/**
 * The pictures of a set that a list names: by their whole key or as much of its end as tells it from others, with or without its
 * ending.
 *
 * @param path Named in errors and notes.
 * @returns Those pictures, and a sentence where some are not there.
 * @throws {Error} When none is there, or a name stands for several pictures.
 */
export function pickSubset(
  set: FeatureSet,
  names: readonly string[],
  path: string,
): { set: FeatureSet; note?: string } {
  const whole = new Map<string, number[]>(), places = new Map<string, number[]>();
  const asked = new Set(names.flatMap((name) => [name, withoutEnding(name)]));
  const enter = (map: Map<string, number[]>, name: string, i: number) => {
    if (!asked.has(name)) return;
    const known = map.get(name);
    if (known) known.push(i);
    else map.set(name, [i]);
  };
  set.keys.forEach((key, i) => {
    enter(whole, key, i);
    for (const name of new Set(endsOf(key).flatMap((end) => [end, withoutEnding(end)]))) {
      if (name !== key) enter(places, name, i);
    }
  });
  const found = new Set<number>();
  let missing = 0;
  for (const name of names) {
    // A whole key is what it names, also where it is the end of another one.
    const plain = withoutEnding(name);
    const there = whole.get(name) ?? places.get(name) ?? whole.get(plain) ?? places.get(plain) ?? [];
    if (there.length > 1) {
      const [a, b] = there.map((i) => set.keys[i]);
      throw new Error(
        `${path}: "${name}" is several pictures of ${set.uri}: ${a}, ${b}; name them with their folder`,
      );
    }
    if (there.length === 0) missing++;
    else found.add(there[0]);
  }
  if (found.size === 0) {
    throw new Error(
      `${path}: none of its ${names.length} names, such as "${
        names[0]
      }", is a picture with a class of ${set.uri}, ` +
        `whose pictures have names such as "${set.keys[0]}"`,
    );
  }
  return {
    set: pickSet(set, [...found].sort((a, b) => a - b)),
    ...missing > 0 &&
      { note: `${missing} of ${names.length} names in ${path} are no pictures with a class: left out` },
  };
}

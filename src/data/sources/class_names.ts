/** Classes as records state them: numbers or names, one after another. */
import type { PassedOver } from "../types.ts";

/** A class as a record states it: its number or its name. */
export type Stated = number | string;

/** What a record says of its class: which it is, nothing (null), or something that is no class. */
export type Reading = Stated | null | { unclear: string };

/** More classes than this are no classes: every picture a name of its own. */
export const MOST_CLASSES = 65_536;

/** From so many classes on, most of which have one picture only, they are captions, addresses or names of pictures. */
const MANY_CLASSES = 1000;

/** A longer text is no name. */
const MOST_NAME = 1000;

/** Reasons why labels are no classes that are told apart. */
const MOST_KINDS = 5;

/**
 * What a value from a JSON object, a column or a wrapper says of a class. Whole numbers from 0 and texts are classes; null,
 * NaN, an empty text and numbers below 0, which mark pictures without a class, are none.
 */
export function readStated(value: unknown): Reading {
  switch (typeof value) {
    case "boolean":
      return Number(value);
    case "bigint":
      return value < 0n ? null : value < 2n ** 31n ? Number(value) : String(value);
    case "number":
      if (Number.isNaN(value) || value < 0) return null;
      if (!Number.isInteger(value)) return { unclear: "a number with a fraction" };
      return value < 2 ** 31 ? value : String(value);
    case "string": {
      const name = value.trim();
      if (name.includes("\ufffd")) return { unclear: "a text that is not UTF-8" };
      if (name.length > MOST_NAME) return { unclear: "a long text" };
      return name === "" ? null : name;
    }
    default:
      if (value === null || value === undefined) return null;
      return { unclear: Array.isArray(value) ? "a list" : "an object" };
  }
}

/** Whether so many different labels of so many pictures are no classes. */
export function tooManyClasses(different: number, pictures: number): boolean {
  return different > MOST_CLASSES || (different > MANY_CLASSES && 2 * different > pictures);
}

/** What is said of labels that are too many to be classes. */
export function manyLabels(different: number, count: number): PassedOver {
  const shown = different > MOST_CLASSES ? `over ${MOST_CLASSES}` : different;
  return {
    what: "label",
    why: `is no class: ${shown} different ones are captions, addresses or names of pictures`,
    count,
  };
}

/** How names are compared: composed or decomposed letters, as macOS writes file names, are the same. */
export function sameName(name: string): string {
  return name.normalize("NFC").trim();
}

/** How names are compared to guess what was meant: capitals, hyphens, underscores and spaces do not count. */
export function likeName(name: string): string {
  return name.normalize("NFKC").toLowerCase().replaceAll(/[\s_-]+/g, "");
}

/** The numbers of each name of a list: several where it stands in it more than once. */
export function numbersOf(labels: readonly string[]): Map<string, number[]> {
  return Map.groupBy(labels.keys(), (number) => sameName(labels[number]));
}

/** Gives classes their numbers and keeps count of what is none. */
export interface Labeller {
  /**
   * The number of a record's class, −1 for none. Without a list of names it is provisional until {@linkcode Labeller.finish}.
   *
   * @param key The record, for messages.
   * @throws {Error} The list of names has too few names, or holds this one twice.
   */
  number(reading: Reading, key: string): number;
  /**
   * The class names, and the final number of each provisional one. Classes stated as numbers keep them; names are numbered
   * in the order of their characters.
   */
  finish(): { labels: readonly string[]; final: (provisional: number) => number };
  /** Labels that are no class, by the reason why. */
  passedOver(): PassedOver[];
}

/**
 * Starts to number classes.
 *
 * @param uri The source, for messages.
 * @param known Class names in the order of their numbers, where they are known beforehand.
 * @param asked Whether the user said that these are classes, so that many with one picture each are some too.
 */
export function labeller(uri: string, known?: readonly string[], asked = false): Labeller {
  const kinds = new Map<string, PassedOver>();
  const miss = (reason: string, key: string): -1 => {
    const why = kinds.has(reason) || kinds.size < MOST_KINDS ? reason : "is no class, for other reasons";
    const known = kinds.get(why);
    if (known) known.count++;
    else kinds.set(why, { what: "label", why, count: 1, example: key });
    return -1;
  };
  const numbers = known ? knownNumbers(uri, known, miss) : newNumbers(asked);
  return {
    number(reading, key) {
      if (reading === null) return -1;
      if (typeof reading === "object") return miss(`is no class: ${reading.unclear}`, key);
      return numbers.number(reading, key);
    },
    finish: numbers.finish,
    passedOver: () => [...kinds.values(), ...numbers.passedOver()],
  };
}

interface Numbers {
  number(stated: Stated, key: string): number;
  finish: Labeller["finish"];
  passedOver(): PassedOver[];
}

/** Numbers in a list of names. */
function knownNumbers(
  uri: string,
  known: readonly string[],
  miss: (kind: string, key: string) => -1,
): Numbers {
  const numbers = numbersOf(known), alike = new Map(known.map((name) => [likeName(name), name]));
  return {
    number(stated, key) {
      const found = typeof stated === "string" ? numbers.get(sameName(stated)) : undefined;
      if (found && found.length > 1) {
        throw new Error(
          `${uri}: ${key} is of class "${stated}", a name that the list of classes holds more than once (numbers ${
            found.join(", ")
          }), so it says nothing; label pictures by numbers, or make the names differ`,
        );
      }
      if (found) return found[0];
      const number = typeof stated === "number" ? stated : /^\d{1,9}$/.test(stated) ? Number(stated) : -1;
      if (number < 0) {
        const like = alike.get(likeName(String(stated)));
        const hint = like === undefined ? "" : `, where there is "${like}"`;
        return miss(`is a name that the list of classes lacks${hint}`, `${key} ("${stated}")`);
      }
      if (number < known.length) return number;
      throw new Error(
        `${uri}: ${key} is of class ${number}, but the list of classes has ${known.length} names, 0 … ${
          known.length - 1
        }; it must name them all`,
      );
    },
    finish: () => ({ labels: known, final: (number) => number }),
    passedOver: () => [],
  };
}

/** Numbers for what is met. */
function newNumbers(asked: boolean): Numbers {
  const classes = new Map<Stated, number>();
  let records = 0;
  const tooMany = () => asked ? classes.size > MOST_CLASSES : tooManyClasses(classes.size, records);
  return {
    number(stated) {
      records++;
      const name = typeof stated === "string" ? sameName(stated) : stated;
      const number = classes.get(name) ?? classes.size;
      if (classes.size <= MOST_CLASSES) classes.set(name, number);
      return number;
    },
    finish() {
      if (tooMany()) return { labels: [], final: () => -1 };
      const stated = [...classes.keys()];
      const numbers = stated.filter((name) => typeof name === "number");
      if (numbers.length === stated.length && numbers.every((number) => number < MOST_CLASSES)) {
        const count = numbers.reduce((most, number) => Math.max(most, number + 1), 0);
        return { labels: numberNames(count), final: (provisional) => numbers[provisional] ?? -1 };
      }
      const labels = [...new Set(stated.map(String))].sort();
      const sorted = new Map(labels.map((name, number) => [name, number]));
      return { labels, final: (provisional) => sorted.get(String(stated[provisional])) ?? -1 };
    },
    passedOver: () => tooMany() ? [manyLabels(classes.size, records)] : [],
  };
}

/** Names of classes that are known by their numbers alone. */
export function numberNames(count: number): string[] {
  return Array.from({ length: count }, (_, number) => String(number));
}

/** Where the classes of two sources meet. */
import { byCodeUnits } from "../io/paths.ts";
import { numberNames, numbersOf, sameName } from "./class_names.ts";

/** A source as far as its classes go. */
export interface Classes {
  uri: string;
  labels: readonly string[];
}

/** The classes of several sources as one list. */
export interface JoinedClasses {
  labels: string[];
  /** For each source, the numbers in `labels` of its own classes. */
  numbers: number[][];
}

/** Whether two lists name the same classes in the same order, so that their numbers mean the same. */
export function sameClasses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => sameName(name) === sameName(b[i]));
}

function ambiguous(name: string, twice: string, numbers: readonly number[], other: string): Error {
  return new Error(
    `the class "${name}" stands more than once in ${twice} (numbers ${
      numbers.join(", ")
    }), and ${other} has ` +
      "other classes, so the name does not tell which is meant; give both the same list of names (--labels FILE), or make " +
      "the names differ",
  );
}

/**
 * Finds one source's classes among another's. Where both have the same list, numbers decide, and names may stand in it
 * twice, as "crane" does in ImageNet's. Where the lists differ, names decide, and must be unique.
 *
 * @param known The classes that are looked among.
 * @param asked The classes that are looked for.
 * @returns For each of `asked`'s classes its number among `known`'s, −1 where that has none.
 * @throws {Error} The lists differ and a name that both have stands twice in one of them.
 */
export function matchClasses(known: Classes, asked: Classes): number[] {
  if (sameClasses(known.labels, asked.labels)) return asked.labels.map((_, number) => number);
  const there = numbersOf(known.labels), here = numbersOf(asked.labels);
  return asked.labels.map((name) => {
    const same = sameName(name), found = there.get(same), own = here.get(same)!;
    if (!found) return -1;
    if (found.length > 1) throw ambiguous(name, known.uri, found, asked.uri);
    if (own.length > 1) throw ambiguous(name, asked.uri, own, known.uri);
    return found[0];
  });
}

/**
 * The classes of several sources as one list: theirs where all that have one have the same; otherwise all names in the
 * order of their characters, matched as in {@linkcode matchClasses}. Names that are numbers come in the order of the
 * numbers.
 *
 * @throws {Error} The lists differ and a name of several stands twice in one of them.
 */
export function joinClasses(sources: readonly Classes[]): JoinedClasses {
  const lists = sources.filter(({ labels }) => labels.length > 0);
  const [first] = lists;
  if (!first) return { labels: [], numbers: sources.map(() => []) };
  if (lists.every(({ labels }) => sameClasses(labels, first.labels))) {
    return { labels: [...first.labels], numbers: sources.map(({ labels }) => labels.map((_, i) => i)) };
  }
  const longest = lists.reduce((most, { labels }) => Math.max(most, labels.length), 0);
  if (lists.every(({ labels }) => sameClasses(labels, numberNames(labels.length)))) {
    return { labels: numberNames(longest), numbers: sources.map(({ labels }) => labels.map((_, i) => i)) };
  }
  lists.forEach((one, i) => lists.slice(i + 1).forEach((other) => matchClasses(one, other)));
  return byName(sources);
}

/** Lists of which no name that several have is ambiguous. */
function byName(sources: readonly Classes[]): JoinedClasses {
  // A name that stands twice in one list, and in no other, is two classes.
  const entries = sources.flatMap(({ labels }, part) => {
    const met = new Map<string, number>();
    return labels.map((name, number) => {
      const same = sameName(name), copy = met.get(same) ?? 0;
      met.set(same, copy + 1);
      return { part, number, name, id: `${copy} ${same}` };
    });
  });
  const names = new Map<string, string>();
  for (const { id, name } of entries) if (!names.has(id)) names.set(id, name);
  const ids = [...names.keys()].sort((a, b) =>
    byCodeUnits(names.get(a)!, names.get(b)!) || byCodeUnits(a, b)
  );
  const joint = new Map(ids.map((id, number) => [id, number]));
  const numbers = sources.map(({ labels }) => new Array<number>(labels.length));
  for (const { part, number, id } of entries) numbers[part][number] = joint.get(id)!;
  return { labels: ids.map((id) => names.get(id)!), numbers };
}

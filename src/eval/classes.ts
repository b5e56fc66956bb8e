/** The classes of the gallery and of the queries, and how they are matched. */
import { likeName } from "../data/sources/class_names.ts";
import { matchClasses } from "../data/sources/match_classes.ts";
import type { Source } from "../data/types.ts";

/** How many names are shown if there are many. */
const SHOWN = 5;

/** Query pictures of classes that the gallery lacks; no neighbour could be right, so they are left out. */
export interface UnknownClasses {
  /** Their names, those with most pictures first. */
  classes: string[];
  pictures: number;
}

/**
 * Checks, before any work, that a source's pictures have classes. Some sources hold the classes only with the pictures;
 * then it looks at the first, the middle and the last picture.
 *
 * @param least How many classes there must be.
 * @throws {Error} There are none, or fewer.
 */
export async function requireClasses(source: Source, least: number): Promise<void> {
  const { uri, labels, length } = source;
  if (labels.length >= least) return;
  if (labels.length === 0) {
    for (const index of new Set([0, length >> 1, length - 1])) {
      const record = await source.get(index).catch(() => null);
      if ((record?.label ?? record?.className) !== undefined) return;
    }
  }
  const why = labels.length === 0 ? "has no labels" : `has one class only, "${labels[0]}"`;
  throw new Error(
    `${uri}: ${why}; pictures are needed in at least two folders, each named after its class, or shards packed from such`,
  );
}

/**
 * The gallery's number for each class of the queries ({@linkcode matchClasses}); −1 where the gallery lacks it.
 *
 * @throws {Error} A name is ambiguous, or the two have no class in common.
 */
export function galleryNumbers(
  gallery: { uri: string; labels: readonly string[] },
  queries: { uri: string; labels: readonly string[] },
): number[] {
  const numbers = matchClasses(gallery, queries);
  if (numbers.some((number) => number >= 0)) return numbers;
  const areNumbers = (labels: readonly string[]) => labels.every((name) => /^\d+$/.test(name));
  const advice = areNumbers(gallery.labels) !== areNumbers(queries.labels)
    ? "the ones are numbers and the others names: say by --labels FILE which name each number has"
    : "name pictures with the same classes";
  throw new Error(
    `${queries.uri}: has none of the classes of ${gallery.uri}, which are ${shown(gallery.labels)}, but ${
      shown(queries.labels)
    }; ${advice}`,
  );
}

/** Counts the queries of classes that the gallery lacks. */
export function unknownClasses(
  labels: readonly number[],
  names: readonly string[],
  numbers: readonly number[],
): UnknownClasses {
  const counts = new Map<number, number>();
  for (const label of labels) if (numbers[label] < 0) counts.set(label, (counts.get(label) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return {
    classes: sorted.map(([label]) => names[label]),
    pictures: sorted.reduce((sum, [, count]) => sum + count, 0),
  };
}

/**
 * Says which classes of the queries the gallery lacks, and what may have been meant.
 *
 * @param known The gallery's class names.
 * @param called What the two sets are called; `queries` may be empty.
 */
export function describeUnknown(
  { classes, pictures }: UnknownClasses,
  known: readonly string[],
  called: { queries?: string; gallery?: string } = {},
): string {
  const { queries = "query", gallery = "gallery" } = called, kind = queries === "" ? "" : `${queries} `;
  const alike = new Map(known.map((name) => [likeName(name), name]));
  const words = classes.slice(0, SHOWN).map((name) => {
    const like = alike.get(likeName(name));
    return like === undefined ? `"${name}"` : `"${name}" (the ${gallery} has "${like}")`;
  });
  const more = classes.length > SHOWN ? ` and ${classes.length - SHOWN} more` : "";
  return `${pictures} ${kind}picture${pictures === 1 ? " is" : "s are"} left out: the ${gallery} lacks ${
    classes.length === 1 ? "the class" : `${classes.length} classes,`
  } ${words.join(", ")}${more}`;
}

function shown(names: readonly string[]): string {
  const first = names.slice(0, SHOWN).map((name) => `"${name}"`).join(", ");
  return names.length > SHOWN ? `${first} …` : first;
}

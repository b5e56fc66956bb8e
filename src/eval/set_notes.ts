/** What is said of the sets that figures are of. */
import { describeUnknown, type UnknownClasses } from "./classes.ts";

/** What of a set is looked at. */
export interface NotedSet {
  uri: string;
  /** The class of each picture, and its name in the source. */
  labels: readonly number[];
  keys: readonly string[];
  names: readonly string[];
  /** Pictures without a class. */
  unlabelled: number;
}

/** How many pictures have a class of which there is no other. */
function lonePictures(labels: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts.values()].filter((count) => count === 1).length;
}

/** Whether queries were named that are the gallery itself. */
function areSame(gallery: NotedSet, named: NotedSet | null): boolean {
  return named !== null && named.uri === gallery.uri && named.keys.length === gallery.keys.length &&
    named.keys.every((key, i) => key === gallery.keys[i]);
}

/**
 * What a reader of figures has to know about two sets of pictures, one sentence each.
 *
 * @param queries By the gallery's classes; null where each picture of the gallery is one.
 * @param unknown What of the queries was left out.
 * @param name What the queries are called.
 * @param named The queries before any were left out.
 */
export function notesOf(
  gallery: NotedSet,
  queries: NotedSet | null,
  unknown: UnknownClasses,
  name: string,
  named: NotedSet | null,
): string[] {
  const several = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;
  const without = ({ unlabelled }: NotedSet, which: string) =>
    unlabelled > 0
      ? [`${several(unlabelled, `${which}picture has`, `${which}pictures have`)} no class: left out`]
      : [];
  const there = new Set(gallery.labels);
  const missing = queries?.labels.filter((label) => !there.has(label)).length ?? 0;
  const lone = queries ? 0 : lonePictures(gallery.labels);
  const alone = "of a class without gallery pictures, which counts as wrong";
  return [
    ...without(gallery, queries ? "gallery " : ""),
    ...queries ? without(queries, `${name} `) : [],
    ...unknown.pictures > 0 ? [describeUnknown(unknown, gallery.names, { queries: name })] : [],
    ...missing > 0 ? [several(missing, `${name} picture is ${alone}`, `${name} pictures are ${alone}`)] : [],
    ...areSame(gallery, named)
      ? [`${name} pictures are those of the gallery, where each finds itself: such figures tell nothing`]
      : [],
    ...lone > 0
      ? [
        several(
          lone,
          "picture is the only one of its class",
          "pictures are each the only one of their class",
        ) +
        ": no other can be right, which counts as wrong",
      ]
      : [],
  ];
}

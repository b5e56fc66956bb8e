import { requireIndex } from "../io/compact_lists.ts";
import { numbersOf, sameName } from "../sources/class_names.ts";
import { joinClasses } from "../sources/match_classes.ts";
import type { ImageRecord, PassedOver, Source } from "../types.ts";

/** A source and its share of the mix. */
export interface MixPart<S> {
  source: S;
  /** In relation to the other parts' weights. Give all or none; none: as many as each source has records. */
  weight?: number;
}

/** An epoch has at most so many records, as the permutation. */
const MOST = 2 ** 32;

/**
 * Weights that sum to 1, or null when no part has one.
 *
 * @throws {RangeError} For no parts, a weight that is not above 0, or some parts with a weight and some without.
 */
export function shares(parts: readonly MixPart<unknown>[]): number[] | null {
  if (parts.length === 0) throw new RangeError("a mix needs at least one source");
  const weights = parts.map((part) => part.weight);
  if (weights.every((weight) => weight === undefined)) return null;
  const known = weights.map((weight, i) => {
    if (weight === undefined) {
      throw new RangeError(`source ${i + 1} of the mix has no weight; give all or none`);
    }
    if (!(weight > 0 && weight < Infinity)) {
      throw new RangeError(`source ${i + 1} of the mix has weight ${weight}; weights must be above 0`);
    }
    return weight;
  });
  const sum = known.reduce((a, b) => a + b, 0);
  return known.map((weight) => weight / sum);
}

/** The words for a mix, as a user would write them. */
export function mixUri(parts: readonly MixPart<{ uri: string }>[]): string {
  return parts.map(({ source, weight }) => source.uri + (weight === undefined ? "" : `*${weight}`)).join(",");
}

/** The words that open a mix again, each source with its kind and options. */
export function mixWords(parts: readonly MixPart<{ uri: string; words?: string }>[]): string {
  return mixUri(
    parts.map(({ source: { uri, words = uri }, weight }) => ({ source: { uri: words }, weight })),
  );
}

/**
 * The classes of all sources ({@linkcode joinClasses}), and what gives a source's record its number among them. A class
 * that only its record names keeps its name where no source knows it beforehand.
 *
 * @throws {Error} A name that several sources have is ambiguous.
 */
export function joinLabels(sources: readonly { uri: string; labels: readonly string[] }[]) {
  const { labels, numbers } = joinClasses(sources);
  const byName = numbersOf(labels);
  const named = (name: string, uri: string): number | undefined => {
    const [number, ...more] = byName.get(sameName(name)) ?? [];
    if (more.length === 0) return number;
    throw new Error(
      `${uri}: a picture is of class "${name}", a name that another source of the mix holds twice`,
    );
  };
  const relabel = (part: number, record: ImageRecord): ImageRecord => {
    const { uri, labels: own } = sources[part], { key, bytes, source = uri } = record;
    const moved: ImageRecord = { source, key, bytes };
    const name = record.className ??
      (own.length === 0 && labels.length > 0 && record.label !== undefined
        ? String(record.label)
        : undefined);
    // Where nobody knows names, numbers are all there is.
    const number = name !== undefined
      ? named(name, uri)
      : labels.length === 0
      ? record.label
      : numbers[part][record.label ?? -1];
    if (number !== undefined) moved.label = number;
    else if (name !== undefined) moved.className = name;
    return moved;
  };
  /** A class's number among the joined ones. */
  const renumber = (part: number, label: number) => labels.length === 0 ? label : numbers[part][label];
  return { labels, relabel, renumber };
}

/** What all sources have passed over, each kind with the source that holds it. */
export function joinPassedOver(
  sources: readonly { uri: string; passedOver?(): PassedOver[] }[],
): PassedOver[] {
  return sources.flatMap(({ uri, passedOver }) =>
    (passedOver?.() ?? []).map((kind) => ({ ...kind, where: kind.where ?? uri }))
  );
}

/**
 * Several sources as one. With weights, an epoch is just so long that every record comes at least once: records of the
 * sources that have too few for their share come several times (with other views each time, which depend on the place in
 * the mix). Nothing is drawn by chance, so the mix can be permuted, split and resumed like any source.
 *
 * @param parts Sources and weights. The mix closes them.
 * @returns A source with the classes of all.
 * @throws {RangeError} For impossible weights, or when an epoch would have over 2³² records.
 * @example
 * ```ts ignore
 * const source = mixSources([{ source: photos, weight: 0.7 }, { source: drawings, weight: 0.3 }]);
 * ```
 */
export function mixSources(parts: readonly MixPart<Source>[]): Source {
  const share = shares(parts), sources = parts.map((part) => part.source);
  const needed = share ? Math.max(...sources.map((source, i) => source.length / share[i])) : 0;
  const counts = sources.map((source, i) =>
    share ? Math.max(source.length, Math.round(share[i] * needed)) : source.length
  );
  const ends: number[] = [];
  for (const count of counts) ends.push((ends.at(-1) ?? 0) + count);
  const length = ends.at(-1)!, uri = mixUri(parts);
  if (length > MOST) {
    throw new RangeError(`${uri}: with these weights an epoch has ${length} records, more than 2^32`);
  }
  const { labels, relabel, renumber } = joinLabels(sources);
  const find = (index: number): { part: number; at: number } => {
    requireIndex(uri, index, length);
    const part = ends.findIndex((end) => index < end);
    return { part, at: (index - (ends[part - 1] ?? 0)) % sources[part].length };
  };
  return {
    uri,
    words: mixWords(parts),
    length,
    labels,
    async get(index): Promise<ImageRecord> {
      const { part, at } = find(index);
      return relabel(part, await sources[part].get(at));
    },
    async key(index): Promise<string> {
      const { part, at } = find(index);
      return await sources[part].key(at);
    },
    place(index) {
      const { part, at } = find(index);
      const where = sources[part].place?.(at);
      // The class has another number in the mix.
      return where ? { key: where.key, at: where.at } : null;
    },
    ...(sources.every(({ objects }) => objects) && {
      objects(index: number) {
        const { part, at } = find(index), found = sources[part].objects!(at);
        return { ...found, classes: found.classes.map((label) => renumber(part, label)) };
      },
    }),
    parts: sources.map(({ uri, length, objects }) => ({ uri, length, objects: objects !== undefined })),
    origin(index) {
      const { part, at } = find(index);
      const { origin, parts } = sources[part], inner = origin?.(at);
      return { part, shard: inner?.shard ?? (inner && parts?.[inner.part].uri) };
    },
    passedOver: () => joinPassedOver(sources),
    async close(): Promise<void> {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

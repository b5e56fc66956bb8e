import { mixSources } from "../epoch/mix.ts";
import type { PassedOver, Source } from "../types.ts";

/**
 * Opens several sources as one, the records of each after those of the one before; classes are joined by their names.
 *
 * @param paths Where they are.
 * @param open Opens one.
 * @throws {Error} What opening one throws; the others are closed.
 */
export async function openJoined(
  paths: readonly string[],
  open: (path: string) => Promise<Source>,
): Promise<Source> {
  const sources: Source[] = [];
  try {
    for (const path of paths) sources.push(await open(path));
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
  return sources.length === 1 ? sources[0] : mixSources(sources.map((source) => ({ source })));
}

/** A source that also tells of what was passed over before it was opened. */
export function withPassedOver<S extends { passedOver?(): PassedOver[] }>(
  source: S,
  before: readonly PassedOver[],
): S {
  if (before.length === 0) return source;
  return { ...source, passedOver: () => [...before, ...source.passedOver?.() ?? []] };
}

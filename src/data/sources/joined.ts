import { mixSources } from "../epoch/mix.ts";
import { type Claim, claimsOf, CountedElsewhereError } from "./places.ts";
import type { PassedOver, Source } from "../types.ts";

/**
 * Opens several sources as one, the records of each after those of the one before; classes are joined by their names.
 *
 * @param paths Where they are.
 * @param open Opens one. Of what links in one lead to in another, its claim says where it counts; a source of which nothing
 * counts is left out.
 * @param outer The claim of the folder that these stand in, if it has one.
 * @throws {Error} What opening one throws; the others are closed.
 */
export async function openJoined(
  paths: readonly string[],
  open: (path: string, claim?: Claim) => Promise<Source>,
  outer?: Claim,
): Promise<Source> {
  if (paths.length === 1) return await open(paths[0], outer);
  const sources: Source[] = [], claims = await claimsOf(paths, outer);
  try {
    for (const [i, path] of paths.entries()) {
      try {
        sources.push(await open(path, claims[i]));
      } catch (error) {
        const others = sources.length > 0 || i < paths.length - 1;
        if (!(error instanceof CountedElsewhereError && others)) throw error;
      }
    }
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

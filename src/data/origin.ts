/** Where a picture of a source comes from. */
import type { Source } from "./types.ts";

/** The origin of a picture; of a source that tells none, the source itself. */
export function pictureOrigin(source: Source, index: number): ReturnType<NonNullable<Source["origin"]>> {
  return source.origin?.(index) ?? { part: 0 };
}

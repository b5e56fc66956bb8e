/** Whether shards make one set, and what all of them say together. */
import { joinClasses, sameClasses } from "../match_classes.ts";
import { hasObjects, type Manifest } from "./format.ts";
import type { InspectedShard } from "./inspect.ts";

/**
 * Refuses a set of shards that is not whole: from shard 0 on, none missing, the last one there.
 *
 * @param folder Named in errors.
 * @param manifests By the shards' numbers.
 * @throws {Error} That names the shard that is missing.
 */
export function checkSet(folder: string, manifests: readonly Manifest[]): void {
  const numbers = manifests.map((manifest) => manifest.shard);
  const missing = numbers.findIndex((number, i) => number !== i);
  if (missing >= 0) {
    throw new Error(
      `${folder}: shard ${missing} is missing (found: ${
        numbers.join(", ")
      }); copy it again, or name one shard's file ` +
        "to use it alone",
    );
  }
  if (!manifests.at(-1)?.last) {
    throw new Error(
      `${folder}: shards after number ${numbers.length - 1} are missing; copy them or pack again`,
    );
  }
}

/**
 * The classes of all shards.
 *
 * @returns Their names, and for each shard the numbers that its own classes have among them.
 */
export function joinShardLabels(
  shards: readonly InspectedShard[],
): { labels: readonly string[]; numbers: number[][] } {
  const lists = shards.map(({ path, manifest }) => ({ uri: path, labels: manifest.labels }));
  const longest = lists.reduce<readonly string[]>(
    (most, { labels }) => labels.length > most.length ? labels : most,
    [],
  );
  // A shard of a stream knows the classes that have come so far, so its list is the beginning of a later one's.
  const growing = lists.every(({ labels }) => sameClasses(labels, longest.slice(0, labels.length)));
  return growing
    ? { labels: longest, numbers: lists.map(({ labels }) => labels.map((_, number) => number)) }
    : joinClasses(lists);
}

/**
 * Refuses a set of which some shards have annotated objects and others have none.
 *
 * @param uri Named in errors.
 * @returns Whether all have them.
 * @throws {Error} That names one of each.
 */
export function allHaveObjects(uri: string, shards: readonly InspectedShard[]): boolean {
  const without = shards.find(({ manifest }) => !hasObjects(manifest));
  const having = shards.find(({ objects }) => objects);
  if (without && having) {
    throw new Error(`${uri}: ${having.path} has boxes and ${without.path} has none; pack all of it again`);
  }
  return having !== undefined;
}

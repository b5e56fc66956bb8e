import { type FeatureSet, pickSet } from "../feature_set.ts";
import { bootstrap, meanOf, type TopHits } from "../hits.ts";
import { findNeighbours, knnHits } from "../knn.ts";
import { DEFAULT_K } from "../probe.ts";
import { randomStream } from "../../random.ts";
import { heldKinds } from "./features.ts";
import type { ProtocolOptions, ProtocolRow } from "./types.ts";

/** Numbers of pictures of a class that are tried. */
const SHOTS: readonly number[] = [1, 2, 5, 10];

/** Picks n pictures of each class at random, the same for the same seed. */
export function pickShots({ labels }: Pick<FeatureSet, "labels">, n: number, seed: number): number[] {
  const byClass = new Map<number, number[]>();
  labels.forEach((label, i) => {
    const own = byClass.get(label);
    if (own) own.push(i);
    else byClass.set(label, [i]);
  });
  const stream = randomStream(seed, "fewShot", n);
  return [...byClass].sort(([a], [b]) => a - b).flatMap(([, own]) => stream.shuffle(own).slice(0, n));
}

/** How many pictures the smallest class has. */
function fewest({ labels }: FeatureSet): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.min(...counts.values());
}

/**
 * Nearest neighbours that know n pictures of each class, DINOv2's protocol: several draws of those pictures, the mean over
 * draws; k is each of the usual ones up to n, and n itself.
 *
 * @throws {Error} When there are no test pictures, or a class has fewer than n.
 */
export async function fewshotProtocol(options: ProtocolOptions): Promise<ProtocolRow[]> {
  const { engine, train, test, k = DEFAULT_K, tries = 5, progress, seed = 0 } = options,
    rows: ProtocolRow[] = [];
  if (!test) throw new Error("few-shot probes need test pictures apart from those that they learn from");
  if (!train.class || !test.class) {
    const lacking = train.class ? test : train;
    throw new Error(
      `${lacking.uri} holds ${
        heldKinds(lacking)
      }: few-shot probes need class; embed again with --tokens class`,
    );
  }
  const most = fewest(train), wrong = options.shots?.find((n) => n > most);
  if (wrong !== undefined) {
    throw new RangeError(
      `${train.uri}: a class has only ${most} pictures, fewer than the ${wrong} of --shots`,
    );
  }
  for (const n of (options.shots ?? SHOTS).filter((n) => n <= most)) {
    const ks = [...new Set([...k.filter((one) => one <= n), n])].sort((a, b) => a - b);
    const hits = new Map<number, TopHits[]>(ks.map((one) => [one, []]));
    for (let attempt = 0; attempt < tries; attempt++) {
      progress?.(`fewshot, ${n} a class: try ${attempt + 1} of ${tries}`);
      const known = pickSet(train, pickShots(train, n, (seed + attempt) % 2 ** 32));
      const found = await findNeighbours(engine, known.class!, test.class, Math.max(...ks));
      for (const [one, hit] of knnHits(found, known.labels, test.labels, train.names.length, ks)) {
        hits.get(one)!.push(hit);
      }
    }
    for (const [one, all] of hits) {
      const mean = (of: (hit: TopHits) => Uint8Array) =>
        Float64Array.from(test.labels, (_, i) => meanOf(all.map((hit) => of(hit)[i])));
      const shares = all.map(({ top1 }) => meanOf(top1)), average = meanOf(shares);
      rows.push({
        protocol: "fewshot",
        tokens: "class token",
        n: 1,
        pool: false,
        settings: { shots: n, k: one, tries },
        which: "only",
        chosenOn: "nothing",
        top1: bootstrap(mean(({ top1 }) => top1), seed),
        top5: bootstrap(mean(({ top5 }) => top5), seed),
        spread: Math.sqrt(
          shares.reduce((sum, share) => sum + (share - average) ** 2, 0) / Math.max(1, tries - 1),
        ),
      });
    }
  }
  return rows;
}

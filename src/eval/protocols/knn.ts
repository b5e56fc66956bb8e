import { bootstrap } from "../hits.ts";
import { knnHits } from "../knn.ts";
import { possibleK } from "../probe.ts";
import { setNeighbours } from "../set_neighbours.ts";
import { heldKinds } from "./features.ts";
import type { ProtocolOptions, ProtocolRow } from "./types.ts";

/**
 * Weighted nearest neighbours by DINO's protocol, several k in one pass, for class and mean patch token.
 *
 * @throws {RangeError} When the gallery has fewer pictures than k, or no kind of tokens is there on both sides.
 */
export async function knnProtocol(options: ProtocolOptions): Promise<ProtocolRow[]> {
  const { engine, train, test, k, progress, seed = 0 } = options, truth = (test ?? train).labels;
  const ks = possibleK(k, train.labels.length - (test ? 0 : 1)), rows: ProtocolRow[] = [];
  for (const [kind, tokens] of [["class", "class token"], ["mean", "mean patch token"]] as const) {
    if (!(train[kind] ?? train.stored?.[kind]) || (test && !test[kind])) continue;
    progress?.(`knn, ${tokens}`);
    const found = await setNeighbours(engine, train, test, kind, Math.max(...ks));
    const hits = knnHits(found, train.labels, truth, train.names.length, ks);
    for (const k of ks) {
      const { top1, top5 } = hits.get(k)!;
      rows.push({
        protocol: "knn",
        tokens,
        n: kind === "class" ? 1 : 0,
        pool: kind === "mean",
        settings: { k },
        which: "only",
        chosenOn: "nothing",
        top1: bootstrap(top1, seed),
        top5: bootstrap(top5, seed),
      });
    }
  }
  if (rows.length > 0) return rows;
  const sides = [train, ...(test ? [test] : [])].map((set) => `${set.uri} holds ${heldKinds(set)}`);
  throw new RangeError(
    `${sides.join(", ")}: knn needs class or mean${
      test ? ", the same of both" : ""
    }; embed again with --tokens class,mean`,
  );
}

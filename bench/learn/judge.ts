/** Judges features by weighted nearest neighbours and by a linear probe, every token by itself. */
import type { Engine } from "../../src/engine/types.ts";
import { trainHeads } from "../../src/eval/heads.ts";
import { meanOf } from "../../src/eval/hits.ts";
import { findNeighbours, knnHits } from "../../src/eval/knn.ts";
import { REFERENCE_PROBE } from "../../src/eval/linear.ts";
import { pickRows, type Rows } from "../../src/eval/rows.ts";
import type { PartName } from "./data.ts";
import type { Features, PartFeatures } from "./features.ts";

/** Neighbours that vote. */
export const K = 20;

/** Pictures in a step of the probe: spec.md §9 as the reference's README runs it, with one block's token. */
const PROBE_BATCH = 1024;

/** Top-1 of one token, 0 … 1; the probe where it was trained. */
export interface Figures {
  knn: number;
  linear?: number;
}

/** Figures by token, and by the part whose pictures were asked for. */
export type Judgement = Readonly<
  Partial<Record<Exclude<PartName, "train">, Readonly<Record<string, Figures>>>>
>;

/** Leaves out pictures of classes that the train part lacks; no method could be right. */
function known({ tokens, labels }: PartFeatures): PartFeatures {
  const kept = labels.flatMap((label, i) => label >= 0 ? [i] : []);
  if (kept.length === labels.length) return { tokens, labels };
  const picked = Object.entries(tokens).map(([token, rows]) => [token, pickRows(rows, kept)]);
  return { tokens: Object.fromEntries(picked), labels: kept.map((i) => labels[i]) };
}

/** The share of pictures that the probe gets right after its last epoch, for several parts from one training. */
async function probeShares(
  engine: Engine,
  train: Rows & { labels: number[] },
  parts: readonly (Rows & { labels: number[] })[],
  classes: number,
): Promise<number[]> {
  const training = { ...REFERENCE_PROBE, batchSize: Math.min(PROBE_BATCH, train.rows) };
  for await (const { epoch, measure } of trainHeads(engine, train, classes, training)) {
    if (epoch < training.epochs) continue;
    const shares: number[] = [];
    for (const part of parts) shares.push(meanOf((await measure(part))[0].top1));
    return shares;
  }
  throw new Error("the probe has no epochs");
}

/**
 * Judges features. The gallery of neighbours, and what the probe learns from, is the train part.
 *
 * @param classes How many classes the train part has.
 * @param linear Whether to train probes too.
 */
export async function judge(
  engine: Engine,
  features: Features,
  classes: number,
  linear: boolean,
): Promise<Judgement> {
  const train = features.train!, found: Record<string, Record<string, Figures>> = {};
  const asked = Object.entries(features).filter(([part]) => part !== "train")
    .map(([part, given]) => ({ part, given: known(given) }));
  for (const [token, gallery] of Object.entries(train.tokens)) {
    const shares = linear
      ? await probeShares(
        engine,
        { ...gallery, labels: train.labels },
        asked.map(({ given }) => ({ ...given.tokens[token], labels: given.labels })),
        classes,
      )
      : [];
    for (const [i, { part, given }] of asked.entries()) {
      const k = Math.min(K, gallery.rows);
      const neighbours = await findNeighbours(engine, gallery, given.tokens[token], k);
      const knn = meanOf(knnHits(neighbours, train.labels, given.labels, classes, [k]).get(k)!.top1);
      found[part] = { ...found[part], [token]: { knn, ...linear && { linear: shares[i] } } };
    }
  }
  return found;
}

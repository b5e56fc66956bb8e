/** Judges features by weighted nearest neighbours and by a linear probe, every token by itself. */
import type { Engine } from "../../src/engine/types.ts";
import { trainHeads } from "../../src/eval/heads.ts";
import { meanOf } from "../../src/eval/hits.ts";
import { findNeighbours, knnHits } from "../../src/eval/knn.ts";
import { REFERENCE_PROBE } from "../../src/eval/linear.ts";
import type { Rows } from "../../src/eval/rows.ts";
import type { PartName } from "./data.ts";
import { drawn, type Features, keepPictures, type PartFeatures } from "./features.ts";

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
const known = (part: PartFeatures) => keepPictures(part, (label) => label >= 0);

/** Train pictures that vote, and that probes learn from, where the selection part is judged: more would change no choice. */
export const SELECTION_GALLERY = 10_000;

/** The share of pictures that the probe gets right after its last epoch. */
async function probeShare(
  engine: Engine,
  train: Rows & { labels: number[] },
  asked: Rows & { labels: number[] },
  classes: number,
): Promise<number> {
  const training = { ...REFERENCE_PROBE, batchSize: Math.min(PROBE_BATCH, train.rows) };
  for await (const { epoch, measure } of trainHeads(engine, train, classes, training)) {
    if (epoch === training.epochs) return meanOf((await measure(asked))[0].top1);
  }
  throw new Error("the probe has no epochs");
}

/** Judges all tokens of a part. */
async function judgePart(
  engine: Engine,
  train: PartFeatures,
  asked: PartFeatures,
  classes: number,
  linear: boolean,
): Promise<Record<string, Figures>> {
  const found: Record<string, Figures> = {};
  for (const [token, gallery] of Object.entries(train.tokens)) {
    const queries = asked.tokens[token], k = Math.min(K, gallery.rows);
    const neighbours = await findNeighbours(engine, gallery, queries, k);
    const knn = meanOf(knnHits(neighbours, train.labels, asked.labels, classes, [k]).get(k)!.top1);
    found[token] = { knn };
    if (!linear) continue;
    const [from, of] = [{ ...gallery, labels: train.labels }, { ...queries, labels: asked.labels }];
    found[token].linear = await probeShare(engine, from, of, classes);
  }
  return found;
}

/**
 * Judges features. The gallery of neighbours, and what the probe learns from, is the train part; for the selection part
 * {@linkcode SELECTION_GALLERY} pictures of it at most, whether all of them have features or only these.
 *
 * @param classes How many classes the train part has.
 * @param linear Whether to train probes too.
 */
export async function judge(
  engine: Engine,
  { train, selection, test }: Features,
  classes: number,
  linear: boolean,
): Promise<Judgement> {
  const part = (gallery: PartFeatures, asked: PartFeatures) =>
    judgePart(engine, gallery, known(asked), classes, linear);
  return {
    ...selection && { selection: await part(drawn(train!, SELECTION_GALLERY), selection) },
    ...test && { test: await part(train!, test) },
  };
}

/** How well features tell classes apart: the two figures that variants are compared by. */
import type { BadRecordError, Source } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import type { Embedder } from "../eval/embed.ts";
import { embedSource, type FeatureSet, type MatchedSets, matchSets } from "../eval/feature_set.ts";
import { trainHeads } from "../eval/heads.ts";
import { meanOf } from "../eval/hits.ts";
import { findNeighbours, knnHits } from "../eval/knn.ts";
import { REFERENCE_PROBE } from "../eval/linear.ts";
import { pixelRows } from "../eval/pixels.ts";
import { centreRows, type Rows } from "../eval/rows.ts";
import type { ModelConfig } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import { BATCH_SIZE, embedderOf, type Embedders } from "./embedders.ts";
import type { Measurement, Score } from "./types.ts";

/** Neighbours that vote, where the gallery has as many. */
const NEIGHBOURS = 20;

/** Rows that a probe sees in all its epochs, about; and the least and most epochs that this may come to. */
const PROBE_ROWS = 2e6, LEAST_EPOCHS = 20, MOST_EPOCHS = 100;

/** Where features are measured. */
export interface ScoreOptions {
  engine: Engine;
  /** Labelled pictures that vote and that probes learn from. */
  gallery: Source;
  /** Labelled pictures whose class is asked for. */
  queries: Source;
  /** Determines the probe's first weights and orders. */
  seed: number;
  /** Told of each picture that cannot be read; it is left out. */
  onBad: (bad: BadRecordError) => void;
  /** Told what is being done. */
  progress: (text: string) => void;
  /** Aborting it ends the measuring between two batches or epochs, with the signal's reason. */
  signal?: AbortSignal;
}

/** Scores, and how they were measured. */
export interface Scored {
  scores: Score[];
  measured: Measurement;
}

/** Top-1 of nearest neighbours and of a linear probe for one kind of features. */
async function scoreOf(
  rows: (set: FeatureSet) => Rows,
  sets: MatchedSets,
  epochs: number,
  { engine, seed, signal }: Pick<ScoreOptions, "engine" | "seed" | "signal">,
): Promise<Omit<Score, "features">> {
  const { train, test } = sets, classes = train.names.length;
  const k = Math.min(NEIGHBOURS, train.labels.length);
  const found = await findNeighbours(engine, rows(train), rows(test!), k);
  const knn = meanOf(knnHits(found, train.labels, test!.labels, classes, [k]).get(k)!.top1);
  const labelled = (set: FeatureSet) => ({ ...rows(set), labels: set.labels });
  const training = { ...REFERENCE_PROBE, epochs };
  for await (const { epoch, measure } of trainHeads(engine, labelled(train), classes, training, seed)) {
    signal?.throwIfAborted();
    if (epoch === epochs) return { knn, linear: meanOf((await measure(labelled(test!)))[0].top1) };
  }
  throw new Error("the linear probe was not trained");
}

/** Embeds both sets by anything that makes rows of pictures, and scores two kinds of rows. */
async function score(
  embed: Pick<Embedder, "pictures">,
  state: ModelState,
  imageSize: number,
  names: readonly (readonly ["class" | "mean", string])[],
  options: ScoreOptions,
): Promise<Scored> {
  const { gallery, queries, onBad, progress, signal } = options, total = gallery.length + queries.length;
  let done = 0;
  const step = (pictures: number) => {
    progress(`embedded ${done += pictures} of ${total}`);
    signal?.throwIfAborted();
  };
  const how = { embed, state, imageSize, batchSize: BATCH_SIZE, blocks: 0, onBad, step };
  const sets = matchSets(await embedSource(gallery, how), await embedSource(queries, how));
  const count = sets.train.labels.length, { test } = sets;
  const epochs = Math.min(MOST_EPOCHS, Math.max(LEAST_EPOCHS, Math.round(PROBE_ROWS / count)));
  const scores: Score[] = [];
  for (const [kind, features] of names) {
    progress(`neighbours and a linear probe by ${features}`);
    scores.push({ features, ...await scoreOf((set) => set[kind]!, sets, epochs, options) });
  }
  const measured = {
    k: Math.min(NEIGHBOURS, count),
    probeEpochs: epochs,
    gallery: count,
    queries: test!.labels.length,
    classes: new Set(sets.train.labels).size,
  };
  return { scores, measured };
}

/**
 * Scores a model's class token and mean patch token: weighted nearest neighbours with k = 20, and the reference's linear
 * probe on the last block with 20 to 100 epochs, so many that it sees about two million rows.
 *
 * @param state Read, never disposed.
 * @throws {Error} When classes cannot be matched, or a feature is no finite number.
 */
export function modelScores(
  config: ModelConfig,
  state: ModelState,
  known: Embedders,
  options: ScoreOptions,
): Promise<Scored> {
  const embed = embedderOf(options.engine, config, known);
  const names = [["class", "class token"], ["mean", "mean patch token"]] as const;
  return score(embed, state, config.imageSize, names, options);
}

/** The largest divisor of a side that is at most `most`. */
function divisor(size: number, most: number): number {
  let side = Math.min(size, most);
  while (size % side !== 0) side--;
  return side;
}

/**
 * Scores raw pixels as {@linkcode modelScores} does features: pictures shrunk to about 8 × 8 and 16 × 16, each picture's mean
 * taken off.
 */
export function pixelScores({ imageSize }: ModelConfig, options: ScoreOptions): Promise<Scored> {
  const sides = [divisor(imageSize, 8), divisor(imageSize, 16)];
  const rows = (pictures: Uint8Array, side: number) => centreRows(pixelRows(pictures, imageSize, side));
  const embed: Pick<Embedder, "pictures"> = {
    pictures: (_, pictures) =>
      Promise.resolve({ class: rows(pictures, sides[0]), mean: rows(pictures, sides[1]) }),
  };
  const names = (["class", "mean"] as const).map((kind, i) => [kind, `${sides[i]}×${sides[i]}`] as const);
  const different = sides[0] === sides[1] ? names.slice(0, 1) : names;
  return score(embed, { params: {}, frozen: {}, buffers: {} }, imageSize, different, options);
}

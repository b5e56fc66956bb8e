import type { BadRecordError, Source } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import type { ModelConfig } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import { galleryNumbers, requireClasses, type UnknownClasses } from "./classes.ts";
import { embedder } from "./embed.ts";
import { embedSource, type FeatureSet, matchSets } from "./feature_set.ts";
import { accuracy, findNeighbours, knnClasses } from "./knn.ts";
import { type ProbeResult as LinearResult, trainProbe } from "./linear.ts";

/** DINO's numbers of neighbours. */
export const DEFAULT_K: readonly number[] = [10, 20, 100, 200];

/** How a model is probed on labelled pictures. */
export interface ProbeOptions {
  engine: Engine;
  config: ModelConfig;
  /** Read, never disposed. */
  state: ModelState;
  /** The gallery: pictures whose classes are known to the probe. */
  train: Source;
  /** The queries. Left out: each picture of `train` is a query, and all others are its gallery. */
  test?: Source;
  /** How many neighbours vote. Default {@linkcode DEFAULT_K}, those that the gallery has pictures for. */
  k?: readonly number[];
  /** Train a linear probe as well; `test` must be there. Default false. */
  linear?: boolean;
  /** Determines its first weights and orders. Default 0. */
  seed?: number;
  /** Pictures embedded at once. Default 64. */
  batchSize?: number;
  /** Called for pictures that cannot be read; they are left out. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
  /** Called with how many pictures are embedded, and of how many. */
  progress?: (done: number, total: number) => void;
}

/** How well classes are told apart; shares from 0 to 1. */
export interface ProbeReport {
  /** Which pictures are queries and which their gallery. */
  protocol: string;
  /** Gallery pictures. */
  train: number;
  /** Query pictures. */
  test: number;
  /** Classes of the gallery. */
  classes: number;
  /** Which pictures were left out because of their classes, or can never be right; a sentence for each reason. */
  notes: string[];
  /** Pictures without a class. */
  unlabelled: { train: number; test: number };
  /** Classes of the queries that the gallery lacks. */
  unknown: UnknownClasses;
  /** One line for each kind of features and each k. */
  knn: { features: "class token" | "mean patch token"; k: number; top1: number }[];
  linear?: LinearResult & { blocks: number };
}

/** The default of {@linkcode ProbeOptions.batchSize}. */
const BATCH_SIZE = 64;

/** Class tokens that the linear probe takes, as many as the reference. */
const LINEAR_BLOCKS = 4;

/**
 * Those k that a gallery has enough pictures for: of the given ones all, else of the usual ones.
 *
 * @throws {RangeError} When it has fewer than a given k, or than the smallest usual one.
 */
export function possibleK(wanted: readonly number[] | undefined, gallery: number): number[] {
  const possible = (wanted ?? DEFAULT_K).filter((k) => k <= gallery);
  const [first] = possible, wrong = wanted?.find((k) => k > gallery);
  if (wrong === undefined && first !== undefined) return possible;
  throw new RangeError(
    `k = ${
      wrong ?? DEFAULT_K[0]
    }, but a query has a gallery of only ${gallery} labelled pictures; take a smaller k`,
  );
}

/** Top-1 of weighted nearest neighbours for both kinds of features. Without queries each gallery picture is one. */
async function classify(
  engine: Engine,
  gallery: FeatureSet,
  queries: FeatureSet | null,
  classes: number,
  ks: readonly number[],
): Promise<ProbeReport["knn"]> {
  const most = Math.max(...ks), knn: ProbeReport["knn"] = [];
  for (const [kind, name] of [["class", "class token"], ["mean", "mean patch token"]] as const) {
    const found = await findNeighbours(engine, gallery[kind]!, queries?.[kind] ?? null, most);
    for (const k of ks) {
      const predicted = knnClasses(found, gallery.labels, classes, k);
      knn.push({ features: name, k, top1: accuracy(predicted, (queries ?? gallery).labels) });
    }
  }
  return knn;
}

/**
 * Probes a model's features on labelled pictures: weighted nearest neighbours by DINO's protocol, and on request a
 * linear classifier. Pictures are resized and cropped as docs/spec.md §9 says: shorter side 256 for 224, then the
 * centre. Pictures without a class, and queries of a class that the gallery lacks, are left out and counted.
 *
 * Where gallery and queries have the same list of classes, numbers decide; otherwise names, which must be unique.
 *
 * @throws {Error} There are no classes, classes that cannot be matched, or fewer pictures than k; a picture cannot be read
 * and `onBad` is not there to hear of it.
 */
export async function probe(options: ProbeOptions): Promise<ProbeReport> {
  const { engine, config, train, test, linear = false, batchSize = BATCH_SIZE, progress } = options;
  await requireClasses(train, 2);
  if (test) await requireClasses(test, 1);
  if (linear && !test) {
    throw new Error("a linear probe needs test pictures apart from those that it is trained on");
  }
  // Checked before the work as far as possible: bad and unlabelled pictures can only reduce the number.
  if (test && train.labels.length > 0 && test.labels.length > 0) galleryNumbers(train, test);
  possibleK(options.k, train.length - (test ? 0 : 1));

  const blocks = linear ? Math.min(LINEAR_BLOCKS, config.depth) : 0;
  using embed = embedder(engine, config, { batchSize, blocks });
  const total = train.length + (test?.length ?? 0);
  let done = 0;
  const step = (pictures: number) => progress?.(done += pictures, total);
  const embedding = {
    embed,
    state: options.state,
    imageSize: config.imageSize,
    batchSize,
    blocks,
    onBad: options.onBad,
    step,
  };
  const all = await embedSource(train, embedding);
  const matched = matchSets(all, test ? await embedSource(test, embedding) : null);
  const { train: gallery, test: queries, unknown, notes } = matched;
  const { names } = gallery, classes = new Set(gallery.labels).size;
  const ks = possibleK(options.k, gallery.labels.length - (test ? 0 : 1));
  const report: ProbeReport = {
    protocol: queries
      ? `${queries.labels.length} query pictures, a gallery of ${gallery.labels.length}`
      : `leave one out: each of ${gallery.labels.length} pictures is a query, all others its gallery`,
    train: gallery.labels.length,
    test: (queries ?? gallery).labels.length,
    classes,
    notes,
    unlabelled: { train: gallery.unlabelled, test: (queries ?? gallery).unlabelled },
    unknown,
    knn: await classify(engine, gallery, queries, names.length, ks),
  };
  if (!linear) return report;
  const of = ({ blocks, labels }: FeatureSet) => ({ features: blocks!.data, labels });
  const sizes = { width: gallery.blocks!.width, classes: names.length, seed: options.seed };
  return { ...report, linear: { ...await trainProbe(engine, of(gallery), of(queries!), sizes), blocks } };
}

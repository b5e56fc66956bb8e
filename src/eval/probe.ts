import { evaluationPicture } from "../data/picture/resize.ts";
import { growingClasses } from "../data/sources/growing_classes.ts";
import type { BadRecordError, Source } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import type { ModelConfig } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import {
  describeUnknown,
  galleryNumbers,
  requireClasses,
  type UnknownClasses,
  unknownClasses,
} from "./classes.ts";
import { embedder, type Embedding } from "./embed.ts";
import { accuracy, knnClasses } from "./knn.ts";
import { type ProbeResult as LinearResult, trainProbe } from "./linear.ts";
import { nearest, type Neighbours, withoutOwn } from "./nearest.ts";
import { pictureBatches } from "./pictures.ts";
import { joinRows, pickRows, type Rows, unitRows } from "./rows.ts";

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

/** Embedded pictures with a class. */
interface EmbeddedPictures {
  class: Rows;
  mean: Rows;
  blocks?: Rows;
  labels: number[];
  /** Class names. */
  names: readonly string[];
  /** Pictures that have none, and are not among these. */
  unlabelled: number;
}

/** The default of {@linkcode ProbeOptions.batchSize}. */
const BATCH_SIZE = 64;

/** Class tokens that the linear probe takes, as many as the reference. */
const LINEAR_BLOCKS = 4;

/** Those k that the gallery has enough pictures for. */
function checkK(wanted: readonly number[] | undefined, gallery: number): number[] {
  const possible = (wanted ?? DEFAULT_K).filter((k) => k <= gallery);
  const [first] = possible, wrong = wanted?.find((k) => k > gallery);
  if (wrong === undefined && first !== undefined) return possible;
  throw new RangeError(
    `k = ${
      wrong ?? DEFAULT_K[0]
    }, but a query has a gallery of only ${gallery} labelled pictures; take a smaller k`,
  );
}

/** Embeds all pictures of a source and keeps those with a class. */
async function embedLabelled(
  source: Source,
  options: ProbeOptions,
  embed: ReturnType<typeof embedder>,
  step: (pictures: number) => void,
): Promise<EmbeddedPictures> {
  const { config, state, batchSize = BATCH_SIZE, onBad } = options;
  const parts: Embedding[] = [], labels: number[] = [];
  const classes = growingClasses(source.labels);
  const reading = {
    size: config.imageSize,
    batchSize,
    prepare: evaluationPicture,
    labelOf: classes.number,
    onBad,
  };
  for await (const batch of pictureBatches(source, reading)) {
    parts.push(await embed.pictures(state, batch.bytes));
    labels.push(...batch.labels);
    step(batch.labels.length);
  }
  const names = classes.labels(), known = labels.flatMap((label, i) => label >= 0 ? [i] : []);
  if (known.length === 0) throw new Error(`${source.uri}: no picture that can be read has a class`);
  const rows = (name: "class" | "mean" | "blocks") => joinRows(parts.map((part) => part[name]!));
  const all = { class: rows("class"), mean: rows("mean"), blocks: parts[0].blocks && rows("blocks"), labels };
  return { ...pickLabelled(all, known), names, unlabelled: labels.length - known.length };
}

/** A selection of embedded pictures. */
function pickLabelled(all: Omit<EmbeddedPictures, "names" | "unlabelled">, indices: readonly number[]) {
  return {
    class: pickRows(all.class, indices),
    mean: pickRows(all.mean, indices),
    blocks: all.blocks && pickRows(all.blocks, indices),
    labels: indices.map((i) => all.labels[i]),
  };
}

/** Top-1 of weighted nearest neighbours for both kinds of features. Without queries each gallery picture is one. */
async function classify(
  engine: Engine,
  gallery: EmbeddedPictures,
  queries: EmbeddedPictures | null,
  classes: number,
  ks: readonly number[],
): Promise<ProbeReport["knn"]> {
  const most = Math.max(...ks), knn: ProbeReport["knn"] = [];
  for (const [kind, name] of [["class", "class token"], ["mean", "mean patch token"]] as const) {
    const rows = unitRows(gallery[kind]);
    let found: Neighbours;
    if (queries) found = await nearest(engine, unitRows(queries[kind]), rows, most);
    else {
      const numbers = Int32Array.from({ length: rows.rows }, (_, i) => i);
      found = withoutOwn(await nearest(engine, rows, rows, most + 1), numbers, numbers, most);
    }
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
  checkK(options.k, train.length - (test ? 0 : 1));

  const blocks = linear ? Math.min(LINEAR_BLOCKS, config.depth) : 0;
  const embed = embedder(engine, config, { batchSize, blocks });
  const total = train.length + (test?.length ?? 0);
  let done = 0;
  const step = (pictures: number) => progress?.(done += pictures, total);
  const gallery = await embedLabelled(train, options, embed, step);
  const { names } = gallery, classes = new Set(gallery.labels).size;
  if (classes < 2) {
    throw new Error(
      `${train.uri}: all pictures that can be read are of one class, "${names[gallery.labels[0]]}"`,
    );
  }
  let queries: EmbeddedPictures | null = null, unknown: UnknownClasses = { classes: [], pictures: 0 };
  if (test) {
    const all = await embedLabelled(test, options, embed, step);
    const numbers = galleryNumbers({ uri: train.uri, labels: names }, { uri: test.uri, labels: all.names });
    unknown = unknownClasses(all.labels, all.names, numbers);
    const known = all.labels.flatMap((label, i) => numbers[label] < 0 ? [] : [i]);
    if (known.length === 0) throw new Error(`${test.uri}: no picture is of a class of ${train.uri}`);
    const kept = pickLabelled(all, known);
    queries = { ...all, ...kept, labels: kept.labels.map((label) => numbers[label]) };
  }
  const ks = checkK(options.k, gallery.labels.length - (test ? 0 : 1));
  const report: ProbeReport = {
    protocol: queries
      ? `${queries.labels.length} query pictures, a gallery of ${gallery.labels.length}`
      : `leave one out: each of ${gallery.labels.length} pictures is a query, all others its gallery`,
    train: gallery.labels.length,
    test: (queries ?? gallery).labels.length,
    classes,
    notes: notesOf(gallery, queries, unknown, names),
    unlabelled: { train: gallery.unlabelled, test: (queries ?? gallery).unlabelled },
    unknown,
    knn: await classify(engine, gallery, queries, names.length, ks),
  };
  if (!linear) return report;
  const of = ({ blocks, labels }: EmbeddedPictures) => ({ features: blocks!.data, labels });
  const sizes = { width: gallery.blocks!.width, classes: names.length };
  return { ...report, linear: { ...await trainProbe(engine, of(gallery), of(queries!), sizes), blocks } };
}

/** What a reader of the figures has to know about the classes, one sentence each. */
function notesOf(
  gallery: EmbeddedPictures,
  queries: EmbeddedPictures | null,
  unknown: UnknownClasses,
  names: readonly string[],
): string[] {
  const several = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;
  const without = ({ unlabelled }: EmbeddedPictures, which: string) =>
    unlabelled > 0
      ? [`${several(unlabelled, `${which}picture has`, `${which}pictures have`)} no class: left out`]
      : [];
  const there = new Set(gallery.labels);
  const missing = queries?.labels.filter((label) => !there.has(label)).length ?? 0;
  const alone = "of a class without gallery pictures, which counts as wrong";
  return [
    ...without(gallery, queries ? "gallery " : ""),
    ...queries ? without(queries, "query ") : [],
    ...unknown.pictures > 0 ? [describeUnknown(unknown, names)] : [],
    ...missing > 0 ? [several(missing, `query picture is ${alone}`, `query pictures are ${alone}`)] : [],
  ];
}

import { evaluationPicture } from "../data/picture/resize.ts";
import { select } from "../data/sources/select.ts";
import type { BadRecordError, Source } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import type { ModelConfig } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import { randomStream } from "../random.ts";
import { embedder, type Embedding } from "./embed.ts";
import { accuracy, knnClasses } from "./knn.ts";
import { type ProbeResult as LinearResult, trainProbe } from "./linear.ts";
import { nearest, withoutOwn } from "./nearest.ts";
import { pictureBatches } from "./pictures.ts";
import { joinRows, pickRows, type Rows, unitRows } from "./rows.ts";

/** DINO's numbers of votes. */
export const DEFAULT_K: readonly number[] = [10, 20, 100, 200];

/** How a model is probed on labelled pictures. */
export interface ProbeOptions {
  engine: Engine;
  config: ModelConfig;
  /** Read, never disposed. */
  state: ModelState;
  /** The pictures whose classes are known to the probe. */
  train: Source;
  /** The pictures that are asked about. Left out: each of `train` is asked, and then does not vote. */
  test?: Source;
  /** Numbers of votes. Default {@linkcode DEFAULT_K}, those that there are pictures for. */
  k?: readonly number[];
  /** Train a linear probe as well; `test` must be there. Default false. */
  linear?: boolean;
  /** Pictures embedded at once. Default 64. */
  batchSize?: number;
  /** Told of pictures that cannot be read; they are left out. Missing: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
  /** Told how many pictures of how many are embedded. */
  progress?: (done: number, total: number) => void;
}

/** How well classes are told apart; shares from 0 to 1. */
export interface ProbeReport {
  /** Which pictures asked and which voted. */
  protocol: string;
  train: number;
  test: number;
  classes: number;
  /** One line for each kind of features and each k. */
  knn: { features: "class token" | "mean patch token"; k: number; top1: number }[];
  linear?: LinearResult & { blocks: number };
}

/** Embedded, labelled pictures. */
interface Known {
  class: Rows;
  mean: Rows;
  blocks?: Rows;
  labels: number[];
}

/** Class tokens that the linear probe takes, as many as the reference. */
const LINEAR_BLOCKS = 4;

/**
 * Splits a source in two at random, the same way for the same seed and length.
 *
 * @param share The share of the second part, above 0 and below 1.
 * @throws {RangeError} A part would be empty.
 */
export function splitSource(source: Source, share: number, seed: number): { train: Source; test: Source } {
  const order = randomStream(seed, "holdout").shuffle(Array.from({ length: source.length }, (_, i) => i));
  const cut = Math.round(share * order.length);
  if (!(share > 0 && share < 1) || cut === 0 || cut === order.length) {
    throw new RangeError(`${source.uri}: ${source.length} pictures cannot be split with a share of ${share}`);
  }
  const rising = (part: number[]) => part.sort((a, b) => a - b);
  return {
    train: select(source, rising(order.slice(cut))),
    test: select(source, rising(order.slice(0, cut))),
  };
}

/** Checks that a source has classes to tell apart. */
function checkLabels({ uri, labels }: Source): void {
  if (labels.length >= 2) return;
  throw new Error(
    `${uri}: ${
      labels.length === 0 ? "has no labels" : `has one class only, "${labels[0]}"`
    }; pictures are needed in ` +
      "at least two folders, each named after its class, or shards packed from such",
  );
}

/** The classes that `test` has and `train` lacks make no sense to ask for. */
function matchLabels(train: Source, test: Source): number[] {
  const places = test.labels.map((name) => train.labels.indexOf(name));
  const unknown = test.labels.filter((_, i) => places[i] < 0);
  if (unknown.length === 0) return places;
  const shown = unknown.slice(0, 5).map((name) => `"${name}"`).join(", ");
  throw new Error(
    `${test.uri}: has classes that ${train.uri} lacks: ${shown}${unknown.length > 5 ? " and more" : ""}`,
  );
}

/** The numbers of votes that are possible. */
function checkK(asked: readonly number[] | undefined, voters: number): number[] {
  const possible = (asked ?? DEFAULT_K).filter((k) => k <= voters);
  const [first] = possible, wrong = asked?.find((k) => k > voters);
  if (wrong === undefined && first !== undefined) return possible;
  throw new RangeError(
    `k = ${
      wrong ?? DEFAULT_K[0]
    } neighbours were asked for, but only ${voters} pictures can vote; take a smaller k`,
  );
}

/**
 * Probes a model's features on labelled pictures: weighted nearest neighbours by DINO's protocol, and on request a
 * linear classifier. Pictures are looked at as docs/spec.md §9 says: shorter side 256 of 224, the middle cut out. Those without
 * a class are left out.
 *
 * @throws {Error} There are no classes, classes that do not match, or fewer pictures than k; a picture cannot be read
 * and `onBad` is not there to hear of it.
 */
export async function probe(options: ProbeOptions): Promise<ProbeReport> {
  const { engine, config, state, train, test, linear = false, batchSize = 64, onBad, progress } = options;
  checkLabels(train);
  if (test) checkLabels(test);
  if (linear && !test) {
    throw new Error("a linear probe needs test pictures apart from those that it is trained on");
  }
  const testLabels = test ? matchLabels(train, test) : [];
  // Before the work, as far as it can be known: bad and unlabelled pictures can only make them fewer.
  checkK(options.k, train.length - (test ? 0 : 1));

  const blocks = linear ? Math.min(LINEAR_BLOCKS, config.depth) : 0;
  const embed = embedder(engine, config, { batchSize, blocks });
  const total = train.length + (test?.length ?? 0);
  let done = 0;
  const embedAll = async (source: Source, place: (label: number) => number): Promise<Known> => {
    const parts: Embedding[] = [], labels: number[] = [];
    const reading = { size: config.imageSize, batchSize, prepare: evaluationPicture, onBad };
    for await (const batch of pictureBatches(source, reading)) {
      parts.push(await embed.pictures(state, batch.bytes));
      labels.push(...batch.labels.map((label) => label < 0 ? -1 : place(label)));
      progress?.(done += batch.labels.length, total);
    }
    const known = labels.flatMap((label, i) => label < 0 ? [] : [i]);
    if (known.length === 0) throw new Error(`${source.uri}: no picture that can be read has a class`);
    const rows = (name: "class" | "mean" | "blocks") =>
      pickRows(joinRows(parts.map((part) => part[name]!)), known);
    return {
      class: rows("class"),
      mean: rows("mean"),
      ...(blocks > 0 ? { blocks: rows("blocks") } : {}),
      labels: known.map((i) => labels[i]),
    };
  };
  const gallery = await embedAll(train, (label) => label);
  const queries = test ? await embedAll(test, (label) => testLabels[label]) : gallery;

  const own = test ? 0 : 1;
  const ks = checkK(options.k, gallery.labels.length - own);
  const most = Math.max(...ks), knn: ProbeReport["knn"] = [];
  for (const [kind, name] of [["class", "class token"], ["mean", "mean patch token"]] as const) {
    const voters = unitRows(gallery[kind]), asked = test ? unitRows(queries[kind]) : voters;
    let found = await nearest(engine, asked, voters, most + own);
    if (!test) {
      const numbers = Int32Array.from({ length: voters.rows }, (_, i) => i);
      found = withoutOwn(found, numbers, numbers, most);
    }
    for (const k of ks) {
      const voted = knnClasses(found, gallery.labels, train.labels.length, k);
      knn.push({ features: name, k, top1: accuracy(voted, queries.labels) });
    }
  }
  const report: ProbeReport = {
    protocol: test
      ? `${queries.labels.length} pictures asked, ${gallery.labels.length} others voted`
      : `leave one out: each of ${gallery.labels.length} pictures asked, all others voted`,
    train: gallery.labels.length,
    test: queries.labels.length,
    classes: train.labels.length,
    knn,
  };
  if (!linear) return report;
  const of = (known: Known) => ({ features: known.blocks!.data, labels: known.labels });
  const sizes = { width: gallery.blocks!.width, classes: train.labels.length };
  return { ...report, linear: { ...await trainProbe(engine, of(gallery), of(queries), sizes), blocks } };
}

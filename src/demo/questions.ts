/** The questions of the demo's table, put to one kind of features. docs/demo.md defines them. */
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { bootstrap, meanOf, type Share, spread } from "../eval/hits.ts";
import { nearest } from "../eval/nearest.ts";
import { retrieval } from "../eval/retrieval.ts";
import { pickRows, type Rows, unitRows } from "../eval/rows.ts";
import { randomStream } from "../random.ts";
import type { Emoji } from "./pictures.ts";
import { type Hand, HANDS } from "./select.ts";

/** The columns of the table. */
export const QUESTIONS = ["find", "sort", "crop", "aligned"] as const;

/** A name of {@linkcode QUESTIONS}. */
export type Question = typeof QUESTIONS[number];

/** One thing for each question. */
export function byQuestion<T>(of: (question: Question) => T): Record<Question, T> {
  return { find: of("find"), sort: of("sort"), crop: of("crop"), aligned: of("aligned") };
}

/** Labelled pictures of each category. */
export const LABELLED = 5;

/** How often those are drawn. */
export const DRAWS = 100;

/** Fixed, so that all methods and runs sort by the same labelled pictures. */
const SEED = 0;

/** Features of pictures, rows of length 1. */
export interface DemoFeatures {
  /** Of all pictures, those of training first. */
  pictures: Rows;
  /** Of the changed held-out pictures, from `changedPictures`. */
  changed: Rows;
  /** Of crops: one of each held-out picture, then another one of each. */
  crops: Rows;
}

/** What came of a question. */
export interface Answer {
  /** Shares of right answers: of each emoji's queries; *crop* of each picture's; *sort* of each draw. */
  values: Float64Array;
  /** The share of queries with a right one among the five nearest; *sort* has none. */
  top5?: number;
}

/** Numbers things in order of appearance. */
function numbered(names: readonly string[]): { numbers: number[]; count: number } {
  const known = new Map<string, number>();
  for (const name of names) if (!known.has(name)) known.set(name, known.size);
  return { numbers: names.map((name) => known.get(name)!), count: known.size };
}

/** The mean of the values of each group; `groups` has their numbers. */
function groupMeans(values: ArrayLike<number>, groups: readonly number[], count: number): Float64Array {
  const sums = new Float64Array(count), sizes = new Float64Array(count);
  for (let i = 0; i < values.length; i++) {
    sums[groups[i]] += values[i];
    sizes[groups[i]]++;
  }
  return sums.map((sum, group) => sum / sizes[group]);
}

/**
 * *find* and *aligned*: whether the nearest held-out picture of the other hand shows what the query shows.
 *
 * @param pictures Features of all pictures, rows of length 1.
 * @param asked Features of the queries: of all held-out pictures in their order, once or several times.
 */
export async function findInOtherHand(
  engine: Engine,
  { emoji, hands, firstHeldout }: Pick<Emoji, "emoji" | "hands" | "firstHeldout">,
  pictures: Rows,
  asked: Rows,
): Promise<Answer> {
  const held = emoji.length - firstHeldout, { numbers, count } = numbered(emoji.slice(firstHeldout));
  const handOf = (i: number): Hand => hands[firstHeldout + i % held];
  const first = new Uint8Array(asked.rows), five = new Uint8Array(asked.rows);
  const all = Array.from({ length: asked.rows }, (_, query) => query);
  for (const hand of HANDS) {
    const queries = all.filter((query) => handOf(query) === hand);
    const gallery = all.slice(0, held).filter((i) => handOf(i) !== hand);
    if (queries.length === 0 || gallery.length === 0) continue;
    const rows = pickRows(pictures, gallery.map((i) => firstHeldout + i));
    const found = await nearest(engine, pickRows(asked, queries), rows, 5);
    const hits = retrieval(
      found,
      queries.map((query) => numbers[query % held]),
      gallery.map((i) => numbers[i]),
    );
    queries.forEach((query, i) => {
      first[query] = hits.top1[i];
      five[query] = hits.top5[i];
    });
  }
  return { values: groupMeans(first, all.map((query) => numbers[query % held]), count), top5: meanOf(five) };
}

/** *crop*: which of all pictures a crop is from. Features are rows of length 1. */
async function findOrigin(
  engine: Engine,
  { firstHeldout }: Pick<Emoji, "firstHeldout">,
  { pictures, crops }: Pick<DemoFeatures, "pictures" | "crops">,
): Promise<Answer> {
  const held = pictures.rows - firstHeldout;
  const origins = Array.from({ length: crops.rows }, (_, query) => query % held);
  const names = Array.from({ length: pictures.rows }, (_, i) => i - firstHeldout);
  const hits = retrieval(await nearest(engine, crops, pictures, 5), origins, names);
  return { values: groupMeans(hits.top1, origins, held), top5: meanOf(hits.top5) };
}

/**
 * Draws the labelled pictures of *sort*: {@linkcode LABELLED} training emoji of each category, each in a random hand.
 *
 * @returns For each of {@linkcode DRAWS} draws and each category, numbers of pictures; fewer where a category has fewer emoji.
 */
export function drawExamples({ emoji, hands, categories, categoryCount, firstHeldout }: Emoji): number[][][] {
  const byCategory = Array.from(
    { length: categoryCount },
    () => new Map<string, Partial<Record<Hand, number>>>(),
  );
  for (let i = 0; i < firstHeldout; i++) {
    const own = byCategory[categories[i]];
    own.set(emoji[i], { ...own.get(emoji[i]), [hands[i]]: i });
  }
  return Array.from({ length: DRAWS }, (_, draw) =>
    byCategory.map((own, category) => {
      const random = randomStream(SEED, "examples", draw, category), left = [...own.values()];
      return Array.from({ length: Math.min(LABELLED, left.length) }, () => {
        const drawings = Object.values(random.draw(left));
        return drawings[random.integer(0, drawings.length - 1)];
      });
    }));
}

/** The mean row of each group of rows. */
function meanRows({ width, data }: Rows, groups: readonly (readonly number[])[]): Rows {
  const out = new Float32Array(groups.length * width);
  groups.forEach((group, g) => {
    for (const row of group) {
      for (let j = 0; j < width; j++) out[g * width + j] += data[row * width + j] / group.length;
    }
  });
  return { rows: groups.length, width, data: out };
}

/**
 * *sort*: the share of queries that are nearest to the mean of their own category's labelled pictures, for each draw; the mean
 * of the categories' shares.
 *
 * @param pictures Features of the pictures that draws name, rows of length 1.
 * @param asked Features of the queries, rows of length 1.
 * @param truth The category of each query.
 * @param draws From {@linkcode drawExamples}. Of equally near categories, the first counts.
 */
export async function sortByExamples(
  engine: Engine,
  pictures: Rows,
  asked: Rows,
  truth: readonly number[],
  draws: readonly (readonly (readonly number[])[])[],
): Promise<Answer> {
  const means = unitRows(meanRows(pictures, draws.flat())), categories = draws[0].length;
  const product = engine.jit(({ q, g }: { q: tf.Tensor2D; g: tf.Tensor2D }) => ({
    cosines: tf.matMul(q, g, false, true),
  }));
  const q = tf.tensor2d(asked.data, [asked.rows, asked.width]);
  const g = tf.tensor2d(means.data, [means.rows, means.width]);
  const { cosines } = product({ q, g }), values = await cosines.data();
  tf.dispose([q, g, cosines]);
  const shares = draws.map((_, draw) => {
    const right = truth.map((category, query) => {
      const at = query * means.rows + draw * categories;
      let best = 0;
      for (let c = 1; c < categories; c++) if (values[at + c] > values[at + best]) best = c;
      return best === category ? 1 : 0;
    });
    // A category without queries has no share.
    return meanOf(groupMeans(right, truth, categories).filter((share) => !Number.isNaN(share)));
  });
  return { values: Float64Array.from(shares) };
}

/**
 * Puts all questions to one kind of features.
 *
 * @param draws From {@linkcode drawExamples}.
 */
export async function ask(
  engine: Engine,
  demo: Emoji,
  draws: readonly (readonly (readonly number[])[])[],
  features: DemoFeatures,
): Promise<Record<Question, Answer>> {
  const { pictures, changed } = features, { firstHeldout, categories } = demo;
  const heldout = Array.from({ length: pictures.rows - firstHeldout }, (_, i) => firstHeldout + i);
  const truth = Array.from({ length: changed.rows }, (_, i) => categories[heldout[i % heldout.length]]);
  return {
    find: await findInOtherHand(engine, demo, pictures, changed),
    sort: await sortByExamples(engine, pictures, changed, truth, draws),
    crop: await findOrigin(engine, demo, features),
    aligned: await findInOtherHand(engine, demo, pictures, pickRows(pictures, heldout)),
  };
}

/** What each question's answer is if pictures are drawn at random. */
export function chances({ emoji, categoryCount, firstHeldout }: Emoji): Record<Question, number> {
  const find = 1 / new Set(emoji.slice(firstHeldout)).size;
  return { find, sort: 1 / categoryCount, crop: 1 / emoji.length, aligned: find };
}

/** The share of right answers with its interval: over draws of labelled pictures for *sort*, else over emoji or pictures. */
export function shareOf(question: Question, values: ArrayLike<number>): Share {
  return question === "sort" ? spread(values) : bootstrap(values);
}

/** Scores of pictures by a classifier. */
import * as tf from "../engine/tensors.ts";
import { requireEngine } from "../engine/required.ts";
import type { Engine } from "../engine/types.ts";
import { batchOf, countOf } from "../eval/picture_bytes.ts";
import type { Rows } from "../eval/rows.ts";
import type { Params } from "../model/types.ts";
import { requireWhole } from "../text/whole.ts";
import { renderReference } from "../views/render.ts";
import { type ClassifierConfig, classify } from "./model.ts";

/**
 * How many classes a head tells apart.
 *
 * @param bias The name of its bias.
 * @throws {TypeError} When the parameters have none: they are an encoder's, or not on the engine.
 */
export function requireHead(params: Params, bias: string): number {
  const tensor = params?.[bias];
  if (tensor && tf.isTensor(tensor)) return tensor.size;
  throw new TypeError(`\`params\` has no tensor ${bias}: give what the stored model's \`load()\` gives`);
}

/** A classifier that has been prepared for pictures of its size. Several states can share it. */
export interface Scorer {
  /**
   * The scores of pictures that are not distorted.
   *
   * @param params Trainable and frozen parameters in one record; read, never disposed.
   * @param pictures count × S × S × 3 bytes.
   * @returns One row a picture, one column a class; no probabilities yet.
   */
  scores(params: Params, pictures: Uint8Array): Promise<Rows>;
  /** Frees the compiled program. */
  close(): void;
}

/**
 * Prepares a classifier to score pictures; it is compiled once, at the first call.
 *
 * @param batchSize Pictures at once; fewer are padded.
 * @throws {TypeError} When the engine is no opened one.
 * @throws {RangeError} When the batch is no whole number from 1 up.
 */
export function scorer(engine: Engine, config: ClassifierConfig, batchSize: number): Scorer {
  requireEngine(engine);
  requireWhole("batchSize", batchSize);
  const { imageSize: size } = config;
  const run = engine.jit(({ params, base }: { params: Params; base: tf.Tensor }) => ({
    logits: classify(config, params, renderReference(base)) as tf.Tensor,
  }));
  return {
    async scores(params, pictures) {
      const classes = requireHead(params, "head.bias"), count = pictures.length && countOf(pictures, size);
      const data = new Float32Array(count * classes);
      for (let from = 0; from < count; from += batchSize) {
        const base = batchOf(engine, pictures, [size, size], from, batchSize),
          good = Math.min(batchSize, count - from);
        let made: Record<string, tf.Tensor> = {};
        try {
          made = run({ params, base });
          data.set((await made.logits.data()).subarray(0, good * classes), from * classes);
        } finally {
          tf.dispose([base, made]);
        }
      }
      return { rows: count, width: classes, data };
    },
    close: () => run.dispose(),
  };
}

/**
 * Probabilities of scores: their softmax, in double.
 *
 * @param scores Finite numbers.
 */
export function softmax(scores: ArrayLike<number>): Float64Array {
  let top = -Infinity, sum = 0;
  for (let i = 0; i < scores.length; i++) top = Math.max(top, scores[i]);
  const out = Float64Array.from(scores, (score) => Math.exp(score - top));
  for (const value of out) sum += value;
  return out.map((value) => value / sum);
}

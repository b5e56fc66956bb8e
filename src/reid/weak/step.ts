/** One step of weakly supervised re-identification. */
import * as tf from "../../engine/tensors.ts";
import { splitRows } from "../../engine/tensors.ts";
import type { ModelConfig } from "../../model/config.ts";
import { encoder } from "../../model/encoder.ts";
import { valueAndGradients } from "../../model/gradients.ts";
import type { ScalarMetrics } from "../../train/steps_in_flight.ts";
import { normalised } from "../../views/render.ts";
import { adam } from "./adam.ts";
import { pairwiseLoss, pseudoLabels, unaryLoss, weakTripletLoss } from "./losses.ts";

/** What a step is compiled for. */
export interface WeakSettings {
  /** The encoder. */
  model: ModelConfig;
  /** Weights of the pairwise term and of the triplet. */
  pairwise: number;
  triplet: number;
  /** By how much a negative is to be further away than a positive. */
  margin: number;
  /** Weight decay, added to the gradients. */
  decay: number;
}

/** Tensors by name. */
type Named = Record<string, tf.Tensor>;

/** Everything that training changes. */
export type WeakState = {
  /** The encoder's parameters, and the head's: {@linkcode HEAD}. */
  params: Named;
  /** Parameters that stay as they are (the patch embedding). */
  frozen: Named;
  m: Named;
  v: Named;
  most: Named;
};

/** The names of the head's parameters: weight [C, d], bias [C]. */
export const HEAD = { weight: "persons.weight", bias: "persons.bias" } as const;

/** What a step takes beside the state. */
export type WeakInputs = {
  /** Prepared pictures, [B, H, W, 3] values 0…255. */
  pictures: tf.Tensor;
  /** 1 for the persons of each picture's bag, [B, C]. */
  bags: tf.Tensor;
  scalars: { lr: tf.Tensor; bias1: tf.Tensor; bias2: tf.Tensor };
};

/** The block after which the looks of pictures are read, from 0: a quarter of the way. */
const looksBlock = (depth: number) => Math.max(0, Math.ceil(depth / 4) - 1);

/**
 * What the losses are computed from, a pure function.
 *
 * @param params All parameters in one record.
 * @param images Normalised pictures, [B, H, W, 3].
 * @returns `features`: class token after the final norm, [B, d]; `logits`: of the persons, [B, C]; `looks`: mean patch token
 * after a quarter of the blocks, of length 1, [B, d].
 */
export function weakOutputs(
  config: ModelConfig,
  params: Named,
  images: tf.Tensor,
): Record<"features" | "logits" | "looks", tf.Tensor> {
  const { tokens, blocks } = encoder(config, params, images), [, count, width] = tokens.shape;
  const features = tf.reshape(tf.slice(tokens, [0, 0, 0], [-1, 1, -1]), [-1, width]);
  const early = tf.mean(tf.slice(blocks[looksBlock(config.depth)], [0, 1, 0], [-1, count - 1, -1]), 1);
  const length = tf.sqrt(tf.add(tf.sum(tf.square(early), 1, true), 1e-12));
  const logits = tf.add(
    tf.matMul(features as tf.Tensor2D, params[HEAD.weight] as tf.Tensor2D, false, true),
    params[HEAD.bias],
  );
  return { features, logits, looks: tf.div(early, length) };
}

/**
 * One training step as a pure function: unary term, pairwise term and weak triplet (docs/reid.md), their gradients, and
 * Adam with AMSGrad. Have an engine prepare it: `engine.jit(weakStep(settings), { donate: ["state"] })`.
 *
 * @returns (state, pictures, bags, scalars) → (state, metrics). Changes and disposes nothing that it is given.
 */
export function weakStep(
  { model, pairwise, triplet, margin, decay }: WeakSettings,
): (args: { state: WeakState } & WeakInputs) => { state: WeakState; metrics: ScalarMetrics } {
  return ({ state, pictures, bags, scalars }) => {
    const { frozen, m, v, most } = state, shown = tf.cast(bags, "float32");
    const images = splitRows(normalised(pictures));
    const { outputs, grads } = valueAndGradients((params) => {
      const { features, logits, looks } = weakOutputs(model, { ...params, ...frozen }, images);
      const labels = pseudoLabels(logits, shown);
      const terms = {
        unary: unaryLoss(logits, labels),
        pairwise: pairwiseLoss(logits, labels, looks),
        triplet: weakTripletLoss(features, shown, margin),
      };
      const weighted = tf.add(tf.mul(terms.pairwise, pairwise), tf.mul(terms.triplet, triplet));
      return { loss: tf.add(terms.unary, weighted) as tf.Scalar, terms };
    }, state.params);
    const next = adam({ params: state.params, grads, m, v, most, decay, ...scalars });
    return { state: { ...next, frozen }, metrics: { loss: outputs.loss, ...outputs.terms } };
  };
}

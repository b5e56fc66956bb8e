/** A step of fine-tuning: a pure function of state and batch. */
import * as tf from "../engine/tensors.ts";
import { valueAndGradients } from "../model/gradients.ts";
import { logSumExp } from "../model/layers.ts";
import type { TrainState } from "../train/state.ts";
import type { ScalarTensors } from "../train/step.ts";
import { cropPictures, normaliseLines } from "../views/render.ts";
import { erasePictures } from "./erase.ts";
import { isMixed, mixPictures, type MixSettings, mixTargets, smoothTargets } from "./mix.ts";
import { type ClassifierConfig, classify } from "./model.ts";
import { changePictures } from "./rand_augment.ts";
import { updated } from "./update.ts";

/** What a step is compiled for. */
export interface FinetuneStepSettings extends MixSettings {
  model: ClassifierConfig;
  /** K. */
  classes: number;
  layerDecay: number;
  clipGrad: number;
  smoothing: number;
  /** RandAugment's strength and changes; 0: none. */
  randMagnitude: number;
  randLayers: number;
  erasing: number;
}

/**
 * What a step reads, as tensors: `base` [B, S₀, S₀, 3] bytes, `views` [B, VIEW_FIELDS], `labels` [B] int32, `drop`
 * [depth, 2, B]; with RandAugment for each layer i `changes.i`, `equal.i` and `place.i` (`packChanges`); with mixing `plane` [1, S, S, 1] and `lambda`; with erasing `boxes` [B, 4], `rows` [B · S] int32 and `noise`.
 */
export type FinetuneBatch = Record<string, tf.Tensor>;

/** The arguments of a step. */
export type FinetuneStepArgs = { state: TrainState; batch: FinetuneBatch; scalars: ScalarTensors };

/** What a step reports, each a scalar tensor. */
export type FinetuneMetrics = {
  loss: tf.Tensor;
  /** Share of pictures whose highest score is that of the class that has most of the picture. */
  accuracy: tf.Tensor;
  gradNorm: tf.Tensor;
};

/**
 * The pictures that a step learns from: cropped, flipped, changed by RandAugment, normalised, erased and mixed as was drawn for them.
 *
 * @returns [B, S, S, 3].
 */
export function renderBatch(settings: FinetuneStepSettings, batch: FinetuneBatch): tf.Tensor {
  let lines = cropPictures(batch.base, batch.views, settings.model.imageSize);
  for (let i = 0; settings.randMagnitude > 0 && i < settings.randLayers; i++) {
    const [changes, equal, place] = ["changes", "equal", "place"].map((name) => batch[`${name}.${i}`]);
    lines = changePictures(lines, { changes, equal, place });
  }
  let images: tf.Tensor = normaliseLines(lines);
  if (settings.erasing > 0) images = erasePictures(images, batch.boxes, batch.rows, batch.noise);
  return isMixed(settings) ? mixPictures(images, batch.plane) : images;
}

/**
 * The mean cross-entropy of scores and targets.
 *
 * @param logits [B, K].
 * @param targets [B, K], rows that sum to 1.
 */
export function softCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  const own = tf.sum(tf.mul(logits, targets), 1, true);
  return tf.mean(tf.sub(logSumExp(logits), own)) as tf.Scalar;
}

/**
 * One step of fine-tuning as a pure function: renders the batch, computes the soft cross-entropy and its gradients, and
 * updates the trainable parameters by AdamW, each layer with its own share of the learning rate. Have an engine prepare it.
 *
 * @returns (state, batch, scalars) → (state, metrics). Changes and disposes nothing that it is given.
 */
export function finetuneStep(
  settings: FinetuneStepSettings,
): (args: FinetuneStepArgs) => { state: TrainState; metrics: FinetuneMetrics } {
  const { model, classes, layerDecay, clipGrad, smoothing } = settings;
  return ({ state, batch, scalars }) => {
    const { params, frozen } = state;
    const images = renderBatch(settings, batch), whole = smoothTargets(batch.labels, classes, smoothing);
    const targets = isMixed(settings) ? mixTargets(whole, batch.lambda) : whole;
    const { outputs, grads } = valueAndGradients((trainable) => {
      const logits = classify(model, { ...frozen, ...trainable }, images, batch.drop);
      const right = tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1));
      return {
        loss: softCrossEntropy(logits, targets),
        accuracy: tf.mean(tf.cast(right, "float32")) as tf.Tensor,
      };
    }, params);
    const next = updated(state, grads, scalars, { depth: model.depth, layerDecay, clipGrad });
    return {
      state: next.state,
      metrics: { loss: outputs.loss, accuracy: outputs.accuracy, gradNorm: next.gradNorm },
    };
  };
}

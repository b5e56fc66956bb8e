/** A step of a detector's training: a pure function of state and batch. */
import * as tf from "../engine/tensors.ts";
import { updated } from "../finetune/update.ts";
import { valueAndGradients } from "../model/gradients.ts";
import type { TrainState } from "../train/state.ts";
import type { ScalarTensors } from "../train/step.ts";
import { placePictures } from "../views/place.ts";
import { normaliseLines } from "../views/render.ts";
import { levelsOf, locationsOf } from "./levels.ts";
import { detectionLosses } from "./losses.ts";
import { detectorAnswers, type DetectorConfig } from "./model.ts";
import { assignTargets } from "./targets.ts";

/** What a step is compiled for. */
export interface DetectStepSettings {
  model: DetectorConfig;
  /** K. */
  classes: number;
  layerDecay: number;
  clipGrad: number;
}

/**
 * What a step reads, as tensors: `base` [B, S₀, S₀, 3] bytes, `maps` [B, 4] (`placePictures`), `boxes` [B, M, 4], `classes` [B, M]
 * int32 and `mask` [B, M] (`PaddedObjects`), `drop` [depth, 2, B].
 */
export type DetectBatch = {
  base: tf.Tensor;
  maps: tf.Tensor;
  boxes: tf.Tensor;
  classes: tf.Tensor;
  mask: tf.Tensor;
  drop: tf.Tensor;
};

/** The arguments of a step. */
export type DetectStepArgs = { state: TrainState; batch: DetectBatch; scalars: ScalarTensors };

/** What a step reports, each a scalar tensor. */
export type DetectMetrics = {
  loss: tf.Tensor;
  /** The loss's terms. */
  classLoss: tf.Tensor;
  boxLoss: tf.Tensor;
  centreLoss: tf.Tensor;
  /** Locations with an object to find, a picture. */
  positives: tf.Tensor;
  gradNorm: tf.Tensor;
};

/**
 * One step as a pure function: places the pictures on their canvases, gives locations their objects, computes the losses and their
 * gradients, and updates the trainable parameters by AdamW, each layer with its own share of the learning rate. Have an engine
 * prepare it.
 *
 * @returns (state, batch, scalars) → (state, metrics). Changes and disposes nothing that it is given.
 */
export function detectStep(
  settings: DetectStepSettings,
): (args: DetectStepArgs) => { state: TrainState; metrics: DetectMetrics } {
  const { model, classes, layerDecay, clipGrad } = settings, locations = locationsOf(levelsOf(model));
  return ({ state, batch, scalars }) => {
    const { params, frozen } = state;
    const images = normaliseLines(placePictures(batch.base, batch.maps, model.imageSize));
    const targets = assignTargets(locations, batch, classes);
    const { outputs, grads } = valueAndGradients((trainable) => {
      const answers = detectorAnswers(model, { ...frozen, ...trainable }, images, batch.drop);
      const { classes: classLoss, boxes: boxLoss, centreness: centreLoss } = detectionLosses(
        answers,
        targets,
      );
      const loss = tf.add(tf.add(classLoss, boxLoss), centreLoss) as tf.Scalar;
      return { loss, classLoss, boxLoss, centreLoss };
    }, params);
    const next = updated(state, grads, scalars, { depth: model.depth, layerDecay, clipGrad });
    return {
      state: next.state,
      metrics: {
        ...outputs,
        positives: tf.div(tf.sum(targets.positive), batch.mask.shape[0]),
        gradNorm: next.gradNorm,
      },
    };
  };
}

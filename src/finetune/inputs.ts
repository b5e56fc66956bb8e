/** A batch of fine-tuning as the tensors that a step takes: everything random is drawn here, by step, epoch and picture. */
import type { Batch } from "../data/types.ts";
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { drawDrop } from "../train/step_inputs.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import { drawErased, noiseRows, noiseTable } from "./erase.ts";
import { drawMix, isMixed, mixPlane } from "./mix.ts";
import { drawChanges, packChanges } from "./rand_augment.ts";
import type { FinetuneBatch, FinetuneStepSettings } from "./step.ts";

/** What the tensors of a batch depend on, beside the batch. */
export interface FeedSettings extends FinetuneStepSettings {
  /** Side of the base pictures. */
  baseSize: number;
  seed: number;
}

/** Makes the tensors of batches. */
export interface Feed {
  /**
   * A batch as tensors; the caller's to dispose.
   *
   * @param step Number of the step in the run, from 0.
   */
  tensors(batch: Pick<Batch, "base" | "views" | "indices" | "labels" | "epoch">, step: number): FinetuneBatch;
  /** Gives back what all batches share. */
  close(): void;
}

/** Prepares to make the tensors of batches. */
export function openFeed(engine: Engine, settings: FeedSettings): Feed {
  const { model: { imageSize: size, depth }, baseSize, seed, erasing, randMagnitude, randLayers } = settings;
  const noise = erasing > 0 ? noiseTable(seed, size) : undefined;
  return {
    tensors({ base, views, indices, labels, epoch }, step) {
      const count = indices.length;
      const batch: FinetuneBatch = {
        base: engine.bytes(base, [count, baseSize, baseSize, 3]),
        // A batch has two views of each picture; a classifier learns from the first.
        views: tf.tensor(views.slice(0, count * VIEW_FIELDS), [count, VIEW_FIELDS], "float32"),
        labels: tf.tensor(labels!, [count], "int32"),
        drop: tf.tensor(drawDrop(seed, step, depth, count), [depth, 2, count], "float32"),
      };
      if (randMagnitude > 0) {
        const drawn = indices.map((index) => drawChanges(randLayers, randMagnitude, seed, epoch, index));
        for (let i = 0; i < randLayers; i++) {
          const layer = packChanges(drawn.map((changes) => changes[i]), size);
          for (const [name, tensor] of Object.entries(layer)) batch[`${name}.${i}`] = tensor;
        }
      }
      if (isMixed(settings)) {
        const mix = drawMix(settings, seed, step, size);
        batch.plane = tf.tensor(mixPlane(mix, size), [1, size, size, 1], "float32");
        batch.lambda = tf.scalar(mix.lambda);
      }
      if (noise) {
        const erased = indices.map((index) => drawErased(erasing, seed, epoch, index, size));
        const boxes = erased.flatMap(({ top, left, height, width }) => [top, left, height, width]);
        batch.boxes = tf.tensor(boxes, [count, 4], "float32");
        batch.rows = tf.tensor(noiseRows(erased, size), [count * size], "int32");
        batch.noise = noise.clone();
      }
      return batch;
    },
    close: () => noise?.dispose(),
  };
}

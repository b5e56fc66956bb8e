/** A batch of a detector's training as the tensors that a step takes: everything random is drawn here, by step, epoch and picture. */
import { movedObjects } from "../data/objects.ts";
import type { Batch, PictureObjects } from "../data/types.ts";
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { drawDrop } from "../train/step_inputs.ts";
import type { BoxSize } from "../views/boxes.ts";
import { isLearned } from "./annotated.ts";
import { basePlace, drawPlace, type JitterSettings } from "./jitter.ts";
import type { DetectBatch } from "./step.ts";

/** The least share of a box that has to lie on the canvas; of less, one cannot tell what it is. */
const LEAST_VISIBLE = 0.25;

/** What the tensors of a batch depend on, beside the batch. */
export interface FeedSettings extends JitterSettings {
  /** Side of the base pictures. */
  baseSize: number;
  /** Blocks of the encoder. */
  depth: number;
  seed: number;
  /** M: objects of a picture at most. */
  most: number;
  /** The size of a picture before it was squeezed, by its place in the source. */
  sizeOf(index: number): BoxSize;
}

/** The objects of one picture in their places on the canvas, those that are learned from. */
function writeObjects(
  { boxes, classes, crowd }: PictureObjects,
  most: number,
  out: { boxes: Float32Array; classes: Int32Array; mask: Float32Array },
  row: number,
): void {
  let at = row * most;
  for (let i = 0; i < classes.length && at < (row + 1) * most; i++) {
    if (!isLearned({ boxes, crowd }, i)) continue;
    out.boxes.set(boxes.subarray(4 * i, 4 * i + 4), 4 * at);
    out.classes[at] = classes[i];
    out.mask[at++] = 1;
  }
}

/**
 * Draws where the pictures of a batch lie, and moves their objects there.
 *
 * @returns `maps` [B, 4], `boxes` [B, M, 4], `classes` and `mask` [B, M], flat.
 */
export function placeBatch(
  settings: FeedSettings,
  { indices, objects, epoch }: Pick<Batch, "indices" | "objects" | "epoch">,
): { maps: Float32Array; boxes: Float32Array; classes: Int32Array; mask: Float32Array } {
  const { most, seed, baseSize, imageSize: side, sizeOf } = settings, count = indices.length;
  const out = {
    maps: new Float32Array(count * 4),
    boxes: new Float32Array(count * most * 4),
    classes: new Int32Array(count * most),
    mask: new Float32Array(count * most),
  };
  indices.forEach((index, row) => {
    const size = sizeOf(index), place = drawPlace(settings, size, seed, epoch, index);
    const map = basePlace(place, size, baseSize);
    out.maps.set([map.scaleX, map.shiftX, map.scaleY, map.shiftY], 4 * row);
    if (!objects) return;
    writeObjects(
      movedObjects(objects[row], map, { width: side, height: side }, LEAST_VISIBLE),
      most,
      out,
      row,
    );
  });
  return out;
}

/**
 * A batch as tensors; the caller's to dispose.
 *
 * @param step Number of the step in the run, from 0.
 */
export function detectTensors(
  engine: Engine,
  settings: FeedSettings,
  batch: Pick<Batch, "base" | "indices" | "objects" | "epoch">,
  step: number,
): DetectBatch {
  const { most, baseSize, depth, seed } = settings, count = batch.indices.length;
  const { maps, boxes, classes, mask } = placeBatch(settings, batch);
  return {
    base: engine.bytes(batch.base, [count, baseSize, baseSize, 3]),
    maps: tf.tensor(maps, [count, 4], "float32"),
    boxes: tf.tensor(boxes, [count, most, 4], "float32"),
    classes: tf.tensor(classes, [count, most], "int32"),
    mask: tf.tensor(mask, [count, most], "float32"),
    drop: tf.tensor(drawDrop(seed, step, depth, count), [depth, 2, count], "float32"),
  };
}

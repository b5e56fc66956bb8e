/** How a step and its batch are laid out over devices, of one process or of several. */
import type { Batch } from "../data/types.ts";
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import type { RunConfig } from "./config/settings.ts";
import type { StepArgs, StepBatch, StepResult } from "./step.ts";
import { batchTensors, drawDrop, type FeedSettings } from "./step_inputs.ts";

/** The settings that the tensors of a batch depend on. */
type TensorSettings = Pick<FeedSettings, "imageSize" | "depth" | "seed"> & Pick<RunConfig, "nodes">;

/** How a step and its batch are laid out over processes and devices. */
export interface Layout {
  /** Parts of a stack of views: the devices that share the batch, see `viewOf`. */
  parts: number;
  /** Parts of the step's arguments that are split along their first axis, see `JitOptions`. */
  shard: readonly ("batch/base" | "batch/views")[];
  /** The step that takes what `tensors` gives. */
  step(step: (args: StepArgs) => StepResult): (args: StepArgs) => StepResult;
  /** This process's part of a batch as tensors, see {@linkcode batchTensors}. */
  tensors(
    engine: Engine,
    settings: TensorSettings,
    batch: Pick<Batch, "base" | "views" | "indices">,
    step: number,
  ): StepBatch;
}

/**
 * The layout over so many devices.
 *
 * @param devices Those of all processes together.
 */
export function layoutOf(devices: number): Layout {
  if (devices === 1) return { parts: 1, shard: [], step: (step) => step, tensors: batchTensors };
  return {
    parts: devices,
    shard: ["batch/base", "batch/views"],
    step: byPicture,
    tensors: (engine, settings, batch, step) => splitTensors(engine, settings, batch, step, devices),
  };
}

/** A step that takes its views picture by picture, [B, 2, VIEW_FIELDS]. */
function byPicture(step: (args: StepArgs) => StepResult): (args: StepArgs) => StepResult {
  return ({ state, batch, scalars }) =>
    step({ state, scalars, batch: { ...batch, views: tf.transpose(batch.views, [1, 0, 2]) } });
}

/**
 * A process's part of a batch as the tensors that a step on several devices takes. Base pictures and views lie picture by
 * picture, so that each device is sent its own. The draws of stochastic depth are dealt out so that each picture has those
 * that it would have on one device: a node's pictures are rows `nodeId · B/nodes` and on of the whole batch, where one
 * process would have them at every `nodes`-th place.
 */
function splitTensors(
  engine: Engine,
  settings: TensorSettings,
  batch: Pick<Batch, "base" | "views" | "indices">,
  step: number,
  devices: number,
): StepBatch {
  const { imageSize: size, depth, seed, nodes } = settings;
  const mine = batch.indices.length, count = mine * nodes;
  const views = new Float32Array(batch.views.length);
  for (let v = 0; v < 2; v++) {
    for (let b = 0; b < mine; b++) {
      const from = (v * mine + b) * VIEW_FIELDS;
      views.set(batch.views.subarray(from, from + VIEW_FIELDS), (2 * b + v) * VIEW_FIELDS);
    }
  }
  const draws = drawDrop(seed, step, depth, 2 * count), drop = new Float32Array(draws.length);
  const each = count / devices;
  for (let row = 0; row < draws.length; row += 2 * count) {
    for (let i = 0; i < count; i++) {
      const alone = (i % mine) * nodes + Math.floor(i / mine), part = Math.floor(i / each);
      for (let v = 0; v < 2; v++) {
        drop[row + (2 * part + v) * each + i % each] = draws[row + v * count + alone];
      }
    }
  }
  return {
    base: engine.bytes(batch.base, [count, size, size, 3]),
    views: engine.floats(views, [count, 2, VIEW_FIELDS]),
    drop: tf.tensor(drop, [depth, 2, 2 * count], "float32"),
  };
}

/** The state of weakly supervised re-identification: made, stored, read back. */
import * as tf from "../../engine/tensors.ts";
import { asFloat32, float32, type StoredTensor } from "../../files/stored_tensor.ts";
import type { ModelState } from "../../model/types.ts";
import { randomStream } from "../../random.ts";
import { splitState } from "../../train/state.ts";
import { HEAD, type WeakState } from "./step.ts";

/** Standard deviation of the head's first weights. */
const DEVIATION = 0.01;

/** Before the names of the largest second moments, among the second moments. */
const LARGEST = "largest.";

const zerosLike = (tensors: Record<string, tf.Tensor>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, p]) => [name, tf.zeros(p.shape) as tf.Tensor]));

/**
 * The state before the first step: a trained encoder and a fresh head.
 *
 * @param model Its encoder becomes part of the state; what else it holds is disposed.
 * @param persons Rows of the head, C.
 * @param seed Of the head's weights.
 */
export function firstWeakState(
  { params, frozen, buffers }: ModelState,
  persons: number,
  seed: number,
): WeakState {
  const all = Object.entries(params),
    encoder = Object.fromEntries(all.filter(([name]) => name.startsWith("backbone.")));
  for (const [name, tensor] of all) if (!Object.hasOwn(encoder, name)) tensor.dispose();
  tf.dispose(Object.values(buffers));
  const width = encoder["backbone.cls_token"].shape.at(-1)!, weight = new Float32Array(persons * width);
  randomStream(seed, "init", persons, width).normals(weight, DEVIATION);
  const trained = {
    ...encoder,
    [HEAD.weight]: tf.tensor2d(weight, [persons, width]) as tf.Tensor,
    [HEAD.bias]: tf.zeros([persons]) as tf.Tensor,
  };
  return { params: trained, frozen, m: zerosLike(trained), v: zerosLike(trained), most: zerosLike(trained) };
}

/** Reads a state into host memory under the names of a checkpoint. Waits for the device. */
export async function readWeakState(
  { params, frozen, m, v, most }: WeakState,
): Promise<Record<string, StoredTensor>> {
  const stored: Record<string, StoredTensor> = {};
  const parts = [["", params], ["", frozen], ["optimizer.m.", m], ["optimizer.v.", v], [
    `optimizer.v.${LARGEST}`,
    most,
  ]] as const;
  for (const [prefix, tensors] of parts) {
    for (const [name, tensor] of Object.entries(tensors)) {
      stored[prefix + name] = float32(tensor.shape, Float32Array.from(await tensor.data()));
    }
  }
  return stored;
}

/**
 * A state on the current engine from the tensors of a checkpoint.
 *
 * @throws {Error} When they are of another kind of training.
 */
export function writeWeakState(stored: Record<string, StoredTensor>): WeakState {
  const parts = splitState(stored);
  if (!Object.hasOwn(parts.params, HEAD.weight)) {
    throw new Error("the checkpoint is none of deno task reid train");
  }
  const upload = (tensors: Record<string, StoredTensor>) =>
    Object.fromEntries(
      Object.entries(tensors).map((
        [name, t],
      ) => [name, tf.tensor(asFloat32(t), [...t.shape], "float32") as tf.Tensor]),
    );
  const largest = Object.entries(parts.v).filter(([name]) => name.startsWith(LARGEST));
  return {
    params: upload(parts.params),
    frozen: upload(parts.frozen),
    m: upload(parts.m),
    v: upload(Object.fromEntries(Object.entries(parts.v).filter(([name]) => !name.startsWith(LARGEST)))),
    most: upload(Object.fromEntries(largest.map(([name, t]) => [name.slice(LARGEST.length), t]))),
  };
}

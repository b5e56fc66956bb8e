import * as tf from "../engine/tensors.ts";
import { randomStream } from "../random.ts";
import { checkModel } from "./check_model.ts";
import type { ModelConfig } from "./config.ts";
import { type InitLaw, inventory } from "./inventory.ts";
import type { ModelState } from "./types.ts";

export type { ModelState, Params } from "./types.ts";

/** Initial numbers of one tensor: the same for the same seed, number and law. */
function draw(law: InitLaw, size: number, seed: number, number: number): Float32Array {
  const values = new Float32Array(size);
  if (law.law === "constant") return values.fill(law.value);
  const stream = randomStream(seed, "init", number);
  if (law.law === "uniform") {
    for (let i = 0; i < size; i++) values[i] = stream.uniform(-law.bound, law.bound);
  } else {
    // A plain normal law: the reference's truncation now and then gives a weight of 100 deviations (docs/spec.md §10 D5).
    stream.normals(values, law.deviation);
  }
  return values;
}

/**
 * A fresh model on the engine that is open (docs/spec.md §8). Every tensor has its own stream of random numbers, named by its place in the inventory.
 *
 * @param config The sizes; checked.
 * @param seed A whole number from 0 to 2³² − 1.
 * @throws {RangeError} When the configuration cannot be built.
 * @throws {Error} When no engine is open.
 */
export function initModel(config: ModelConfig, seed: number): ModelState {
  checkModel(config);
  const state: ModelState = { params: {}, frozen: {}, buffers: {} };
  const place = { param: state.params, frozen: state.frozen, buffer: state.buffers };
  inventory(config).forEach(({ name, shape, role, init }, number) => {
    const size = shape.reduce((a, b) => a * b, 1);
    place[role][name] = tf.tensor(draw(init, size, seed, number), shape);
  });
  return state;
}

import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { autoencoder, type AutoencoderInput } from "../model/autoencoder.ts";
import type { ModelConfig } from "../model/config.ts";
import { valueAndGradients } from "../model/gradients.ts";
import type { Params } from "../model/types.ts";
import { adamw, moveTeacher } from "../train/optimizer.ts";
import type { Comparer } from "./compare.ts";
import { goldenBatch, goldenLoss, vanishes } from "./forward.ts";
import { type Golden, goldenState, numbers, stored } from "./golden.ts";

type State = { params: Params; frozen: Params; buffers: Params; m: Params; v: Params; teacher: Params };
type Args = {
  state: State;
  input: Record<string, tf.Tensor>;
  scalars: Record<"lr" | "wd" | "bias1" | "bias2" | "ema", tf.Tensor>;
};

/** Norm of every gradient, as one row. */
function norms(grads: Params, order: string[]): tf.Tensor {
  return tf.concat(order.map((name) => tf.reshape(tf.sqrt(tf.sum(tf.square(grads[name]))), [1])));
}

/** One update by the code that trains: gradients, clip, AdamW, averaged copy. */
function update(golden: Golden, config: ModelConfig, order: string[]): (args: Args) => {
  state: State;
  loss: tf.Tensor;
  norms: tf.Tensor;
} {
  const clip = typeof golden.spec.clip === "number" ? golden.spec.clip : 3;
  return ({ state, input, scalars }) => {
    const { outputs, grads } = valueAndGradients((params) => {
      const given = input as Record<keyof AutoencoderInput, tf.Tensor> & { nudge: undefined };
      const { loss, buffers } = autoencoder(config, goldenLoss(golden), { ...state, params }, given);
      return { loss, buffers };
    }, state.params);
    const { params, m, v } = adamw({ ...state, ...scalars, grads, clip, clipKind: "tensor" });
    const teacher = moveTeacher(state.teacher, params, scalars.ema);
    return {
      state: { params, m, v, frozen: state.frozen, buffers: outputs.buffers, teacher },
      loss: outputs.loss,
      norms: norms(grads, order),
    };
  };
}

/**
 * Which elements after an update have a meaning. Where the true gradient is 0, AdamW turns rounding noise into steps of
 * the size of the rate (docs/spec.md §10 D18): so with the keys' share of a bias, which no softmax sees.
 */
function meaningful(name: string): ((index: number, length: number) => boolean) | undefined {
  if (!name.endsWith(".attn.qkv.bias")) return undefined;
  return (index, length) => index < length / 3 || index >= 2 * length / 3;
}

/** The state's tensors against `after.K.…`, and the averaged copy against `after.ema.…`. */
async function compareState(to: Comparer, state: State, config: ModelConfig, prefix: string): Promise<void> {
  const parts = prefix === "after.ema" ? [state.teacher] : [state.params, state.buffers];
  for (const part of parts) {
    for (const [name, tensor] of Object.entries(part)) {
      // Rounding noise alone moves these, and the running mean behind the first bias with it.
      if (vanishes(name, config) || (config.headBatchNorm && name === "head.mlp.1.running_mean")) continue;
      const kind = part === state.buffers ? "buffers after updates" : "weights after updates";
      to.check(kind, `${prefix}.${name}`, await tensor.data() as Float32Array, meaningful(name));
    }
  }
}

/** Compares the losses, gradient norms and states of a run of optimiser steps (docs/spec.md §7). */
export async function compareTraining(
  engine: Engine,
  golden: Golden,
  config: ModelConfig,
  to: Comparer,
): Promise<void> {
  const rule: ModelConfig = { ...config, flipRule: golden.spec.flip === "bug" ? "channels" : "columns" };
  const model = await goldenState(golden, rule);
  const input = goldenBatch(golden, rule);
  const each = (make: (p: tf.Tensor) => tf.Tensor): Params =>
    Object.fromEntries(Object.entries(model.params).map(([name, p]) => [name, make(p)]));
  const { params, frozen, buffers } = model;
  // In the order of the step's result: another one would be another form of tree, and compiled anew for the second step.
  let state: State = {
    params,
    m: each((p) => tf.zeros(p.shape)),
    v: each((p) => tf.zeros(p.shape)),
    frozen,
    buffers,
    teacher: each((p) => p.clone()),
  };
  const order = (golden.spec.grad_norm_order as string[] | undefined) ?? Object.keys(model.params);
  const step = engine.jit(update(golden, rule, order));
  const [lr, wd, ema] = ["in.lr", "in.wd", "in.momentum"].map((name) => numbers(stored(golden, name)));
  const steps = lr.length;
  const allLosses: number[] = [], allNorms: number[] = [];
  const goldenNorms = numbers(stored(golden, "out.grad_norms_before_clip"));
  for (let i = 0; i < steps; i++) {
    const values = {
      lr: lr[i],
      wd: wd[i],
      ema: ema[i],
      bias1: 1 - 0.9 ** (i + 1),
      bias2: 1 - 0.999 ** (i + 1),
    };
    const scalars = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, tf.scalar(value)]),
    ) as Args["scalars"];
    const result = step({ state, input, scalars });
    state = result.state;
    allLosses.push((await result.loss.data())[0]);
    const row = await result.norms.data();
    order.forEach((name, j) => {
      // What vanishes in theory is taken as it stands, since noise has no relative error.
      allNorms.push(vanishes(name, rule) ? goldenNorms[i * order.length + j] : row[j]);
    });
    await compareState(to, state, rule, `after.${i + 1}`);
  }
  to.check("update losses", "out.losses", allLosses);
  to.check("gradient norms", "out.grad_norms_before_clip", allNorms);
  await compareState(to, state, rule, "after.ema");
}

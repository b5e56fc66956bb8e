import * as tf from "../../engine/tensors.ts";
import { BETAS } from "../../train/schedule.ts";

const EPSILON = 1e-8;

/** Tensors by the parameters' names. */
type Named = Record<string, tf.Tensor>;

/** What one step of {@linkcode adam} reads. The records share their keys, and each key its shape. */
export interface AdamInput {
  params: Named;
  /** Gradients of the loss. */
  grads: Named;
  /** First and second moments; zeros before the first step. */
  m: Named;
  v: Named;
  /** The largest second moments so far (AMSGrad); zeros before the first step. */
  most: Named;
  /** Learning rate, a scalar. */
  lr: tf.Tensor;
  /** 1 − β₁ᵗ and 1 − β₂ᵗ for step t = 1, 2, …, scalars. */
  bias1: tf.Tensor;
  bias2: tf.Tensor;
  /** Weight decay, added to the gradient of every parameter. */
  decay: number;
}

/**
 * One step of Adam with AMSGrad, as PyTorch has it: g ← g + decay·p, then p ← p − lr·(m/bias1) / (√(largest v)/√bias2 + 1e-8).
 * A pure tensor function: no input is changed or disposed.
 */
export function adam({ params, grads, m, v, most, lr, bias1, bias2, decay }: AdamInput): Record<
  "params" | "m" | "v" | "most",
  Named
> {
  const [beta1, beta2] = BETAS, rate = tf.div(lr, bias1), root2 = tf.sqrt(bias2);
  const result = { params: {} as Named, m: {} as Named, v: {} as Named, most: {} as Named };
  for (const [name, p] of Object.entries(params)) {
    const g = decay === 0 ? grads[name] : tf.add(grads[name], tf.mul(p, decay));
    const first = tf.add(tf.mul(m[name], beta1), tf.mul(g, 1 - beta1));
    const second = tf.add(tf.mul(v[name], beta2), tf.mul(tf.square(g), 1 - beta2));
    const largest = tf.maximum(most[name], second);
    const update = tf.div(tf.mul(first, rate), tf.add(tf.div(tf.sqrt(largest), root2), EPSILON));
    result.params[name] = tf.sub(p, update);
    result.m[name] = first;
    result.v[name] = second;
    result.most[name] = largest;
  }
  return result;
}

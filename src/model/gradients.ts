import * as tf from "../engine/tensors.ts";
import { mapTree, type Tree } from "../engine/tensors.ts";
import type { Params } from "./types.ts";

/** A function's outputs and the gradients of its loss. */
export interface ValueAndGradients<Outputs> {
  outputs: Outputs;
  /** Under the names of the parameters. */
  grads: Params;
}

/**
 * Runs a function and differentiates its `loss`. Unlike `tf.valueAndGrads`, the function may return more than the loss.
 *
 * @param fn Computes any tree of tensors in which `loss` is a scalar.
 * @param params What to differentiate by; every tensor must have a part in the loss.
 */
export function valueAndGradients<Outputs extends { loss: tf.Scalar }>(
  fn: (params: Params) => Outputs & Record<keyof Outputs, Tree>,
  params: Params,
): ValueAndGradients<Outputs> {
  const names = Object.keys(params);
  const kept: tf.Tensor[] = [];
  let copied: Tree | undefined;
  const differentiate = () =>
    tf.valueAndGrads((...tensors: tf.Tensor[]) => {
      const outputs = fn(Object.fromEntries(names.map((name, i) => [name, tensors[i]])));
      // The tidy around the gradient frees all but the loss; copies of the handles (not of the numbers) are kept.
      copied = mapTree(outputs as Tree, (tensor) => {
        const copy = tf.keep(tensor.clone());
        kept.push(copy);
        return copy;
      });
      return outputs.loss;
    })(names.map((name) => params[name]));
  let grads: tf.Tensor[];
  try {
    // Frees the loss, and what a gradient that fails has left.
    grads = tf.tidy(() => differentiate().grads);
  } catch (error) {
    tf.dispose(kept);
    throw error;
  }
  const outputs = mapTree(copied!, (tensor) => {
    const handle = tensor.clone();
    tensor.dispose();
    return handle;
  });
  return {
    outputs: outputs as unknown as Outputs,
    grads: Object.fromEntries(names.map((name, i) => [name, grads[i]])),
  };
}

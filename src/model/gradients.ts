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
  let kept: Tree | undefined;
  const { grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
    const outputs = fn(Object.fromEntries(names.map((name, i) => [name, tensors[i]])));
    // The tidy around the gradient frees all but the loss; copies of the handles (not of the numbers) are kept.
    kept = mapTree(outputs as Tree, (tensor) => tf.keep(tensor.clone()));
    return outputs.loss;
  })(names.map((name) => params[name]));
  const outputs = mapTree(kept!, (tensor) => {
    const handle = tensor.clone();
    tensor.dispose();
    return handle;
  });
  return {
    outputs: outputs as unknown as Outputs,
    grads: Object.fromEntries(names.map((name, i) => [name, grads[i]])),
  };
}

/** The update of parameters in every training on an encoder. */
import { adamw, moveTeacher } from "../train/optimizer.ts";
import type { Tensors, TrainState } from "../train/state.ts";
import type { ScalarTensors } from "../train/step.ts";
import type * as tf from "../engine/tensors.ts";
import { isDecayedInFinetuning, layerShare } from "./rates.ts";

/**
 * Moves the trainable parameters by AdamW, each layer with its own share of the learning rate, and the averaged copy after them.
 * A pure tensor function.
 *
 * @param state Before the step.
 * @param grads Gradients of the loss by the parameters' names.
 * @param settings Blocks of the encoder, each layer's share of the next one's rate, and the largest norm of all gradients.
 * @returns The state after the step, and the gradients' norm before clipping, a scalar.
 */
export function updated(
  state: TrainState,
  grads: Tensors,
  { lr, wd, bias1, bias2, ema }: ScalarTensors,
  { depth, layerDecay, clipGrad }: { depth: number; layerDecay: number; clipGrad: number },
): { state: TrainState; gradNorm: tf.Tensor } {
  const { params, frozen, buffers, m, v } = state;
  const next = adamw({
    ...{ params, grads, m, v, lr, wd, bias1, bias2 },
    clip: clipGrad,
    clipKind: "global",
    scale: (name) => layerShare(name, depth, layerDecay),
    decayed: isDecayedInFinetuning,
  });
  const average = moveTeacher(state.ema, next.params, ema);
  return {
    state: { params: next.params, frozen, buffers, m: next.m, v: next.v, ema: average },
    gradNorm: next.gradNorm,
  };
}

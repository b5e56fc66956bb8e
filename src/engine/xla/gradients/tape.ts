/** What TensorFlow.js remembers for gradients, where it has that wrong. */
import * as tf from "../tf.ts";

/** A step of the tape, as far as it is needed here. */
interface Step {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
}

/** What is used of TensorFlow.js's engine. */
interface Taping {
  state: { activeTape: Step[] };
  addTapeNode(
    kernel: string,
    inputs: Step["inputs"],
    outputs: Step["outputs"],
    gradient: unknown,
    saved: readonly tf.Tensor[],
    attrs: unknown,
  ): void;
  saveTensorsForBackwardMode(tensors: readonly (tf.Tensor | null | undefined)[]): tf.Tensor[];
}

let mended: Taping | undefined;

/** The inputs that are there: those that a kernel may do without come as null. */
function present(inputs: Step["inputs"]): Step["inputs"] {
  if (Array.isArray(inputs)) return inputs;
  return Object.fromEntries(Object.entries(inputs).filter(([, input]) => input));
}

/**
 * Has results that are kept for gradients depend on what they are computed from, and lets inputs be absent.
 *
 * What is kept is a copy. TensorFlow.js puts the copy of a result on its tape before what has computed the result, so that it
 * seems to come from nothing: what flows back to it by gradients of gradients was lost, in `exp`, `tanh`, `sigmoid`,
 * `softmax` and whatever else computes its gradient from its result. Here the copy stands behind.
 *
 * Absent inputs, such as the scale of `batchNorm`, are errors in TensorFlow.js as soon as gradients are taken.
 */
export function mendTape(): void {
  const engine = tf.engine() as unknown as Taping;
  if (mended === engine) return;
  mended = engine;
  const add = engine.addTapeNode, save = engine.saveTensorsForBackwardMode;
  // An absent scale is the last of what batchNorm keeps, so none changes its place.
  engine.saveTensorsForBackwardMode = function (tensors) {
    return save.call(this, tensors.filter((tensor) => tensor));
  };
  engine.addTapeNode = function (kernel, inputs, outputs, gradient, saved, attrs) {
    // A list of its own: callers may take parts out of the one that they are given, of `tf.unstack`, say.
    add.call(this, kernel, present(inputs), [...outputs], gradient, saved, attrs);
    const tape = this.state.activeTape, last = tape.length - 1;
    let at = last;
    for (let i = last - 1; i >= 0 && saved.includes(tape[i].outputs[0]); i--) {
      if (outputs.includes(tape[i].inputs.x)) at = i;
    }
    if (at < last) tape.splice(at, 0, ...tape.splice(last));
  };
}

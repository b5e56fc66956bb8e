/** What TensorFlow.js remembers for gradients, where it has that wrong. */
import * as tf from "../tf.ts";
import { run } from "./run.ts";

/** A step of the tape, as far as it is needed here. */
interface Step {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
}

/** Keeps tensors for a gradient. */
type Save = (tensors: tf.Tensor[]) => void;

/** What is run: a kernel by its name, or a function with a gradient of its own. */
interface Run {
  forwardFunc?: (backend: unknown, save: Save) => tf.Tensor;
}

/** What is used of TensorFlow.js's engine. */
interface Taping {
  state: { activeTape: Step[]; gradientDepth: number; kernelDepth: number };
  runKernelFunc(params: Run): unknown;
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
 * Has what a gradient of one's own (`tf.customGrad`) keeps depend on its inputs where gradients of gradients are taken.
 *
 * TensorFlow.js puts nothing on its tape that such a function computes on the way, so that what it kept of that was a constant.
 * Here that is on the tape, and the result is a copy that depends on the gradient of its own alone.
 */
function recordWithin(engine: Taping): void {
  const runFunction = engine.runKernelFunc;
  engine.runKernelFunc = function (params) {
    const { state } = this, { forwardFunc } = params;
    if (!forwardFunc || state.gradientDepth < 2 || state.kernelDepth > 0) {
      return runFunction.call(this, params);
    }
    const recorded = (backend: unknown, save: Save) => {
      const depth = state.kernelDepth;
      let kept: tf.Tensor[] = [], found: tf.Tensor;
      state.kernelDepth = 0; // Above 0, nothing is put on the tape.
      try {
        found = forwardFunc(backend, (tensors) => void (kept = tensors));
      } finally {
        state.kernelDepth = depth;
      }
      const value = run(tf.Identity, { x: found }, {});
      save(kept.map((tensor) => tensor === found ? value : tensor));
      return value;
    };
    return runFunction.call(this, { ...params, forwardFunc: recorded });
  };
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
  recordWithin(engine);
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

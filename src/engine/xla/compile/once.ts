/** What a function may not do while it is recorded, since it would do it once and never at a call. */
import * as tf from "../tf.ts";
import { calls, userLine } from "./trace.ts";

/** Puts another method in a place until the function it returns is called. */
function replaced<Name extends PropertyKey, Method>(
  owner: { [name in Name]: Method },
  name: Name,
  method: Method,
): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  owner[name] = method;
  return () => {
    if (before) Object.defineProperty(owner, name, before);
    else delete (owner as Partial<typeof owner>)[name];
  };
}

/** Stands for `Math.random`: the name of the op that draws is the innermost of tfjs's on the stack. */
function drawn(): never {
  const op = calls().map((line) => /^at (?:Object\.)?(\w+)_+ \(.*tf/.exec(line)?.[1]).find((name) => name);
  throw new Error(
    `xla: ${
      op ?? "Math.random"
    } draws at random, which cannot be traced${userLine()}: the numbers would be the same ` +
      "at every call. Draw outside of jit and give the result as an argument, or give a seed",
  );
}

/** Stands for a variable's `assign`. */
function assigned(this: tf.Variable): never {
  throw new Error(
    `xla: the function assigns to the variable ${this.name}${userLine()}, which it would do once, while it is recorded; ` +
      "let it return the value, and assign that where it was called",
  );
}

/** Stands for `tf.variable`'s part of the engine. */
function made(): never {
  throw new Error(
    `xla: the function makes a variable${userLine()}, which it would do once, while it is recorded; make it outside of jit`,
  );
}

/** What TensorFlow.js measures a kernel with. */
interface Profiler {
  profileKernel(kernelName: string, inputs: unknown, kernel: () => tf.Tensor[]): unknown;
  logKernelProfile(profile: unknown): void;
}

/** Stands for the measuring of a kernel, which would read its values: they are not known yet, and nothing is computed. */
const unmeasured: Profiler["profileKernel"] = (kernelName, inputs, kernel) => ({
  kernelName,
  inputs,
  outputs: kernel(),
  timeMs: 0,
  extraInfo: "recorded for a compiled function",
});

/**
 * Runs a function and forbids what it would do only once: random draws (those with a seed repeat anyway and are allowed), and
 * making variables or assigning to them, which keep what they hold. Kernels are not measured meanwhile.
 *
 * @throws {Error} When the function does so; the message names the line of the user's code.
 */
export function withoutEffects<T>(fn: () => T): T {
  const { profiler } = tf.engine() as unknown as { profiler: Profiler };
  const back = [
    // Where kernels are measured, by tf.profile or in debug mode.
    replaced(profiler, "profileKernel", unmeasured),
    replaced(profiler, "logKernelProfile", () => {}),
    replaced(Math, "random", drawn),
    replaced(tf.Variable.prototype, "assign", assigned),
    replaced(tf.engine(), "makeVariable", made),
  ];
  try {
    return fn();
  } finally {
    for (const restore of back) restore();
  }
}

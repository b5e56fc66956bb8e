import * as tf from "./tensors.ts";
import type { Engine, EngineName, JitOptions, Jitted } from "./types.ts";
import { leaves, type Tree } from "./tensors.ts";
import { dropTape } from "./xla/compile/tape.ts";

/** Runs a function in a tidy; one that throws leaves nothing behind, and another call may follow. */
function tidied<Result extends Tree>(fn: () => Result): Result {
  try {
    return tf.tidy(() => fn() as unknown as tf.TensorContainer) as unknown as Result;
  } catch (error) {
    dropTape();
    throw error;
  }
}

/** An engine on a tfjs backend that runs op by op: `jit` runs the function as it is, in a tidy. */
export function plainEngine(name: EngineName, description: string): Engine {
  return {
    name,
    description,
    devices: 1,
    compiles: false,
    deviceMemory: () => undefined,
    bytes: (data, shape) => tf.tensor(Int32Array.from(data), shape, "int32"),
    floats: (data, shape) => tf.tensor(data, shape, "float32"),
    jit: <Args extends Record<string, Tree>, Result extends Tree>(
      fn: (args: Args) => Result,
      options: JitOptions<Args> = {},
    ): Jitted<Args, Result> => {
      if (options.precision === "bfloat16") {
        throw new Error(
          `engine ${name} computes in float32 only; use --precision float32, or --engine xla for bfloat16`,
        );
      }
      const call = (args: Args): Result => {
        const result = tidied(() => fn(args));
        const kept = new Set(leaves(result));
        for (const key of options.donate ?? []) {
          for (const tensor of leaves(args[key])) if (!kept.has(tensor)) tensor.dispose();
        }
        return result;
      };
      return Object.assign(call, {
        compile: () => Promise.resolve({ traceSeconds: 0, compileSeconds: 0, cached: false }),
        dispose: () => {},
      });
    },
    ready: async (tree) => {
      const last = leaves(tree).at(-1);
      if (last) await last.data();
    },
    close: () => Promise.resolve(),
  };
}

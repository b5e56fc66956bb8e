/** A single kernel as a program of its own, for inputs of certain types. */
import type * as tf from "../tf.ts";
import { logical, typeOf } from "../compile/trace.ts";
import { parameter } from "../ir/build.ts";
import { printProgram, reachable } from "../ir/print.ts";
import { newGraph, type Target, type TensorType } from "../ir/types.ts";
import type { Buffer, Client, Executable } from "../pjrt/types.ts";
import type { HostArray } from "../storage.ts";
import { compileKernel } from "./compile_options.ts";
import { PjrtError } from "../pjrt/api.ts";
import { knownElements } from "./constant_results.ts";
import type { AnyLowering } from "./types.ts";

/** How one kernel's results come about, for inputs of certain types. */
export interface KernelProgram {
  /** Absent when the results are known without computing. */
  readonly executable?: Executable;
  readonly known?: (() => HostArray)[];
  readonly types: TensorType[];
  /** True when the kernel gives a list, be it of one. */
  readonly list: boolean;
}

/** A kernel's inputs by name. */
type Named = readonly (readonly [string, tf.TensorInfo])[];

/** Attributes as text; JSON alone has one word for infinities and not-a-number. */
function attributeText(attrs: unknown): string {
  return JSON.stringify(
    attrs,
    (_, v) => typeof v === "number" && (!Number.isFinite(v) || Object.is(v, -0)) ? `${1 / v} ${v}` : v,
  );
}

/** What decides which program a kernel needs, as text. `buffers` are those of its inputs, in order. */
export function signatureOf(name: string, given: Named, buffers: readonly Buffer[], attrs: unknown): string {
  const types = given.map(([key, info], i) =>
    `${key}:${info.dtype}[${info.shape}]${buffers[i].type}[${buffers[i].dims}]`
  );
  return `${name}${attributeText(attrs)}(${types})`;
}

/** Says in words of tfjs what XLA will not compile: a kernel whose inputs do not go together. */
function refused(error: unknown, name: string, given: Named): unknown {
  const why = error instanceof PjrtError && /^-:\d+:\d+: error: (.*)$/m.exec(error.message)?.[1];
  if (!why) return error;
  const inputs = given.map(([key, { dtype, shape }]) => `${key} ${dtype}[${shape}]`).join(", ");
  return new Error(`xla: ${name} cannot be computed of ${inputs}: ${why}`, { cause: error });
}

/**
 * Compiles a kernel alone, unless its results need no computing.
 *
 * @param name tfjs's name of the kernel.
 * @param target What traced programs of this client are for.
 * @param given The inputs, as tfjs sees them.
 * @param buffers Those behind them, in order.
 * @param attrs Must be those of the kernel that the lowering is for.
 * @throws {Error} When the kernel cannot be computed of these inputs.
 */
export function compileAlone(
  client: Client,
  target: Target,
  name: string,
  lowering: AnyLowering,
  given: Named,
  buffers: readonly Buffer[],
  attrs: unknown,
): KernelProgram {
  const graph = newGraph({ ...target, arranges: false });
  const inputs = given.map(([key, info], i) =>
    [key, logical(parameter(graph, typeOf(buffers[i])), info.shape, info.dtype)] as const
  );
  const result = lowering({
    graph,
    precision: "float32",
    inputs: Object.fromEntries(inputs),
    attrs: attrs as never,
  });
  const results = [result].flat();
  const known = results.map(knownElements), list = Array.isArray(result);
  const types = results.map(({ type }) => type);
  if (known.every((elements) => elements !== undefined)) return { known, types, list };
  const values = [...graph.parameters, ...reachable(results)];
  try {
    return { executable: compileKernel(client, printProgram(graph, results), values), types, list };
  } catch (error) {
    throw refused(error, name, given);
  }
}

import * as tf from "../tf.ts";
import type { XlaBackend } from "../backend.ts";
import { donation, type Origin, within } from "./donate.ts";
import { parameter } from "../ir/build.ts";
import { countFlops } from "../ir/flops.ts";
import { printProgram, reachable } from "../ir/print.ts";
import type { Mesh, TensorType, Value } from "../ir/types.ts";
import { newTrace, type Trace, valueOf, withoutChance } from "./trace.ts";
import { leaves, mapTree, paths, type Tree } from "../tree.ts";
import type { JitOptions } from "../types.ts";

/** A function as a program. */
export interface Recorded {
  readonly text: string;
  /** Data that the function used but did not get as arguments; their buffers follow the arguments. */
  readonly captures: tf.DataId[];
  readonly origins: Origin[];
  readonly shapes: number[][];
  /** The result's tree, with the results' numbers instead of tensors. */
  readonly form: unknown;
  readonly donated: number[];
  /** By argument: whether it is split over the devices. */
  readonly split: boolean[];
  /** Floating-point operations of one call, in products and convolutions. */
  readonly flops: number;
  readonly traceSeconds: number;
}

/** A tree's form: its keys, with the leaves' numbers at the leaves. */
export function formOf(tree: Tree): unknown {
  let number = 0;
  const walk = (node: Tree): unknown => {
    if (typeof (node as tf.Tensor).dataId === "object") return number++;
    if (Array.isArray(node)) return node.map(walk);
    return Object.fromEntries(Object.entries(node).map(([key, branch]) => [key, walk(branch as Tree)]));
  };
  return walk(tree);
}

/** Puts tensors into a form. */
export function fill(form: unknown, tensors: tf.Tensor[]): Tree {
  if (typeof form === "number") return tensors[form];
  if (Array.isArray(form)) return form.map((branch) => fill(branch, tensors));
  return Object.fromEntries(
    Object.entries(form as Record<string, unknown>).map(([key, branch]) => [key, fill(branch, tensors)]),
  );
}

/** Releases what a recorded function had captured. */
export function releaseCaptures(backend: XlaBackend, captures: Iterable<tf.DataId>): void {
  for (const dataId of captures) backend.disposeData(dataId);
}

/**
 * Runs a function on traced stand-ins for its arguments.
 *
 * @param types The arguments' types on the device, in order.
 * @param mesh The devices to split over, if there are several.
 * @throws {Error} When another function is being traced, or the function returns no tensor.
 */
export function recordFunction<Args extends Record<string, Tree>>(
  backend: XlaBackend,
  fn: (args: Args) => Tree,
  args: Args,
  types: readonly TensorType[],
  options: JitOptions<Args>,
  mesh?: Mesh,
): Recorded {
  const start = performance.now();
  if (backend.trace) {
    throw new Error("xla: a jitted function was called while another is being traced; call the plain one");
  }
  const argumentPaths = paths(args);
  const split = splitOf(argumentPaths, types, options.shard, mesh);
  const trace = newTrace(options.precision ?? "float32", mesh, backend.arranges);
  const parameters: Value[] = [];
  const engine = tf.engine();
  backend.trace = trace;
  engine.startScope();
  let values: Value[], form: unknown, resultPaths: string[];
  try {
    const standIns = mapTree(args as Tree, (leaf) => {
      const value = parameter(trace.graph, types[parameters.length]);
      parameters.push(value);
      const { dataId } = backend.adoptValue(value);
      return engine.makeTensorFromDataId(dataId, leaf.shape, leaf.dtype, backend);
    });
    const result = withoutChance(() => fn(standIns as unknown as Args));
    form = formOf(result);
    resultPaths = paths(result);
    const found = leaves(result);
    if (found.length === 0) {
      throw new Error("xla: the function returned no tensor, so there is nothing to compute");
    }
    values = found.map((leaf) => valueOf(trace, backend.entries.get(leaf.dataId), leaf));
    // Tensors that the function marked with tf.keep outlive the scope.
    for (const leaf of found) if (leaf.kept && backend.entries.get(leaf.dataId).value) leaf.dispose();
  } catch (error) {
    releaseCaptures(backend, trace.captures.keys());
    throw error;
  } finally {
    engine.endScope();
    backend.trace = null;
  }
  const { origins, results, donated, notes } = donation(
    parameters.map((value, i) => ({ value, path: argumentPaths[i] })),
    values.map((value, i) => ({ value, path: resultPaths[i] })),
    options.donate,
  );
  return {
    text: textOf(trace, results, notes, split),
    captures: [...trace.captures.keys()],
    origins,
    shapes: values.map((value) => [...value.type.shape]),
    form,
    donated,
    split,
    flops: countFlops(reachable(results)),
    traceSeconds: (performance.now() - start) / 1000,
  };
}

function textOf({ graph }: Trace, results: Value[], notes: { aliases?: number }[], split: boolean[]): string {
  return printProgram(graph, results, notes.map((note, i) => ({ ...note, split: split[i] })));
}

/** Which arguments are split over the devices. */
function splitOf(
  argumentPaths: string[],
  types: readonly TensorType[],
  shard: readonly string[] = [],
  mesh?: Mesh,
): boolean[] {
  for (const name of shard) {
    if (!argumentPaths.some((path) => within(path, [name]))) {
      throw new Error(
        `xla: shard names ${name}, but the function's arguments are ${argumentPaths.join(", ")}`,
      );
    }
  }
  return argumentPaths.map((path, i) => {
    if (!mesh || !within(path, shard)) return false;
    const { shape } = types[i];
    if (shape.length > 0 && shape[0] % mesh.size === 0) return true;
    throw new Error(
      `xla: ${path} of shape [${shape}] cannot be split over ${mesh.size} devices: its first axis must be divisible ` +
        `by ${mesh.size}`,
    );
  });
}
